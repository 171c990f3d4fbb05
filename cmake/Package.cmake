# What is installed and packaged: the program with its model, the libraries, their headers, a CMake package and a
# pkg-config file.
include(CMakePackageConfigHelpers)

#
# Three components, which become three Debian packages: the program, the shared library, and what is compiled with.
install(TARGETS intvit_static intvit_shared EXPORT intvit-targets
  ARCHIVE COMPONENT development
  LIBRARY COMPONENT library NAMELINK_COMPONENT development
  RUNTIME COMPONENT library)
install(FILES "${PROJECT_SOURCE_DIR}/engine/include/intvit.h" "${PROJECT_SOURCE_DIR}/engine/include/intvit.hpp"
  "${PROJECT_SOURCE_DIR}/engine/include/intvit_openmp.h"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)
set(library_package libintvit${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT program)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/${library_package}" COMPONENT library)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATAROOTDIR}/doc/libintvit-dev" COMPONENT development)

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/intvit")
install(EXPORT intvit-targets NAMESPACE intvit:: DESTINATION "${package_folder}" COMPONENT development)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/intvit-config.cmake.in"
  "${PROJECT_BINARY_DIR}/intvit-config.cmake" INSTALL_DESTINATION "${package_folder}" NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/intvit-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/intvit-config.cmake" "${PROJECT_BINARY_DIR}/intvit-config-version.cmake"
  DESTINATION "${package_folder}" COMPONENT development)

# What a static link needs besides, in pkg-config's words.
set(PKG_CONFIG_PRIVATE "-lstdc++")
foreach(library ${INTVIT_LINK_LIBRARIES})
  string(APPEND PKG_CONFIG_PRIVATE " -l${library}")
endforeach()
file(RELATIVE_PATH PKG_CONFIG_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file("${PROJECT_SOURCE_DIR}/cmake/intvit.pc.in" "${PROJECT_BINARY_DIR}/intvit.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/intvit.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)

set(CPACK_GENERATOR DEB)
if(WIN32)
  set(CPACK_GENERATOR ZIP)
endif()
set(CPACK_PACKAGE_NAME intvit)
set(CPACK_PACKAGE_VENDOR intvit)
set(CPACK_PACKAGE_CONTACT "the intvit project")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_COMPONENTS_ALL library development)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library_package})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "The library that classifies images with quantized Vision Transformers, in integers only.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libintvit-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${library_package} (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "Headers, the static library, and what CMake and pkg-config read of intvit.")
if(INTVIT_CLI)
  list(APPEND CPACK_COMPONENTS_ALL program)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME intvit)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
  set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "A program that classifies images with quantized Vision Transformers,
in integers only and with the same bits on every processor, and that quantizes them.")
endif()

# Packages of several architectures can be installed side by side where libraries are in folders of their own
# (-DCMAKE_INSTALL_PREFIX=/usr chooses them on Debian, -DCMAKE_INSTALL_LIBDIR names them).
if(CMAKE_INSTALL_LIBDIR MATCHES "^lib/.*-linux-")
  foreach(component LIBRARY DEVELOPMENT)
    if(CMAKE_VERSION VERSION_LESS 3.31) # whose packager does not know the field, and writes a section as it is
      string(APPEND CPACK_DEBIAN_${component}_PACKAGE_SECTION "\nMulti-Arch: same")
    else()
      set(CPACK_DEBIAN_${component}_PACKAGE_MULTIARCH same)
    endif()
  endforeach()
endif()

# The packager takes this machine's architecture and libraries for the target's.
if(CMAKE_CROSSCOMPILING)
  set(debian_aarch64 arm64)
  set(debian_riscv64 riscv64)
  set(debian_arm armhf)
  set(debian_x86_64 amd64)
  if(NOT DEFINED debian_${CMAKE_SYSTEM_PROCESSOR})
    return() # no architecture of Debian's is known to be meant
  endif()
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${debian_${CMAKE_SYSTEM_PROCESSOR}})
  foreach(component LIBRARY PROGRAM)
    set(CPACK_DEBIAN_${component}_PACKAGE_DEPENDS "libc6 (>= 2.34), libgcc-s1 (>= 3.0), libstdc++6 (>= 12)")
  endforeach()
else()
  find_program(INTVIT_DPKG_SHLIBDEPS dpkg-shlibdeps)
  if(INTVIT_DPKG_SHLIBDEPS)
    set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
    set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
  endif()
endif()
include(CPack)
