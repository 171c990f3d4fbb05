# Writes the commit of the sources into a header: cmake -DSOURCE=FOLDER -DOUTPUT=FILE -P commit.cmake. A file that would
# not change is left alone, so that nothing is compiled anew.
cmake_minimum_required(VERSION 3.22)
set(commit "")
find_program(git git)
if(git)
  execute_process(COMMAND "${git}" -C "${SOURCE}" describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT commit MATCHES "^[0-9a-f]+(-dirty)?$") # no git, or sources without a repository
  set(commit "")
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT "#define INTVIT_COMMIT \"@commit@\"\n" @ONLY)
