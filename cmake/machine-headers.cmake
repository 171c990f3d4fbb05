# The libraries that the project uses are headers without architecture. A cross compiler that knows no headers but its
# own is shown those of this machine in a folder of their own, ${INTVIT_HEADERS}, and CMake what describes them beside
# them.
file(MAKE_DIRECTORY "${INTVIT_HEADERS}/include" "${INTVIT_HEADERS}/lib/cmake" "${INTVIT_HEADERS}/share/eigen3")
foreach(library catch2 cxxopts.hpp eigen3 nlohmann stb xsimd)
  if(EXISTS "/usr/include/${library}")
    file(CREATE_LINK "/usr/include/${library}" "${INTVIT_HEADERS}/include/${library}" SYMBOLIC)
  endif()
endforeach()
foreach(package /usr/lib/cmake/Catch2 /usr/lib/cmake/cxxopts /usr/share/cmake/nlohmann_json)
  if(EXISTS ${package})
    # Not what says where this machine's libraries are.
    file(COPY ${package} DESTINATION "${INTVIT_HEADERS}/lib/cmake" PATTERN "*Targets-*.cmake" EXCLUDE)
  endif()
endforeach()
if(EXISTS /usr/share/eigen3/cmake)
  file(COPY /usr/share/eigen3/cmake DESTINATION "${INTVIT_HEADERS}/share/eigen3")
endif()
list(APPEND CMAKE_FIND_ROOT_PATH "${INTVIT_HEADERS}")
list(APPEND CMAKE_PREFIX_PATH /)
