# Compiles through ccache where it is installed (scripts/install-deps.sh does that), so that what was compiled once on this
# machine is not compiled again, by another build folder or another clone either: ccache sees paths below the sources as
# relative ones, and does not ask where the build folder is. Debugging information of an object from another clone names
# that clone's files.
option(INTVIT_CCACHE "Compile through ccache where it is installed" ${PROJECT_IS_TOP_LEVEL})
if(INTVIT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(INTVIT_CCACHE_PROGRAM ccache)
  mark_as_advanced(INTVIT_CCACHE_PROGRAM)
  if(INTVIT_CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${INTVIT_CCACHE_PROGRAM}")
    set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
  endif()
endif()
