# What engine/image/repair_stb.cmake makes of stb_image.h, and of one that is another.
#
#   cmake -DREPAIR=repair_stb.cmake -DSTB=stb_image.h -DWORK=FOLDER -P stb_repair_test.cmake
#   cmake -DREPAIR=repair_stb.cmake -DONE=FILE -P stb_repair_test.cmake      repairs this file alone
include("${REPAIR}")
if(ONE)
  intvit_repaired_stb("${ONE}" repaired)
  file(WRITE "${ONE}.repaired" "${repaired}")
  return()
endif()

function(repair name text code words)
  set(file "${WORK}/${name}.h")
  file(WRITE "${file}" "${text}")
  execute_process(COMMAND "${CMAKE_COMMAND}" "-DREPAIR=${REPAIR}" "-DONE=${file}" -P "${CMAKE_SCRIPT_MODE_FILE}"
    RESULT_VARIABLE result ERROR_VARIABLE errors)
  string(REGEX REPLACE "[ \n]+" " " errors "${errors}") # message() breaks lines
  if(NOT result EQUAL code OR NOT errors MATCHES "${words}")
    message(FATAL_ERROR "${name}: exit code ${result}, not ${code} with \"${words}\": ${errors}")
  endif()
endfunction()

file(READ "${STB}" text)
repair(same "${text}" 0 "^$")
file(READ "${WORK}/same.h.repaired" repaired)
string(REPLACE "((24 - j->code_bits) & 31)" "(24 - j->code_bits)" back "${repaired}")
if(repaired STREQUAL text OR NOT back STREQUAL text)
  message(FATAL_ERROR "the repair changes something else, or nothing")
endif()

string(REPLACE "24 - j->code_bits" "24 - j->bits" changed "${text}")
repair(changed "${changed}" 1 "changed.h: does not hold the text \"b << .24 - j->code_bits.\".*Use the stb_image.h of Debian 12")
repair(empty "" 1 "empty.h: does not hold the text")
