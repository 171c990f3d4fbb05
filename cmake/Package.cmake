# What is installed and packaged: the program with its model, the libraries, their headers, a CMake package and a
# pkg-config file.
include(CMakePackageConfigHelpers)

install(TARGETS intvit_static intvit_shared EXPORT intvit-targets)
install(FILES "${PROJECT_SOURCE_DIR}/engine/include/intvit.h" "${PROJECT_SOURCE_DIR}/engine/include/intvit.hpp"
  "${PROJECT_SOURCE_DIR}/engine/include/intvit_openmp.h"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/intvit")
install(EXPORT intvit-targets NAMESPACE intvit:: DESTINATION "${package_folder}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/intvit-config.cmake.in"
  "${PROJECT_BINARY_DIR}/intvit-config.cmake" INSTALL_DESTINATION "${package_folder}" NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/intvit-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/intvit-config.cmake" "${PROJECT_BINARY_DIR}/intvit-config-version.cmake"
  DESTINATION "${package_folder}")

# What a static link needs besides, in pkg-config's words.
set(PKG_CONFIG_PRIVATE "-lstdc++")
foreach(library ${INTVIT_LINK_LIBRARIES})
  string(APPEND PKG_CONFIG_PRIVATE " -l${library}")
endforeach()
file(RELATIVE_PATH PKG_CONFIG_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file("${PROJECT_SOURCE_DIR}/cmake/intvit.pc.in" "${PROJECT_BINARY_DIR}/intvit.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/intvit.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME intvit)
set(CPACK_PACKAGE_VENDOR intvit)
set(CPACK_PACKAGE_CONTACT "the intvit project")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "A program and a library that classify images with quantized Vision Transformers,
in integers only and with the same bits on every processor.")
find_program(INTVIT_DPKG_SHLIBDEPS dpkg-shlibdeps)
if(INTVIT_DPKG_SHLIBDEPS AND NOT CMAKE_CROSSCOMPILING)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
endif()
include(CPack)
