# Where a JPEG scan's data ends within a coefficient, stb_image counts bits below zero and then shifts by more than a word
# has, which is undefined. Only decoding the scan tells, so that no check before could. What it shifts there is always 0 (it
# has seen the marker that ends the data): the amount is taken modulo 32 in the copy of the header that is compiled, and
# no picture changes.

# The text of stb_image.h with this repair. Ends the configuration where there is nothing like it to repair.
function(intvit_repaired_stb file result)
  set(shift "b << (24 - j->code_bits)")
  file(READ "${file}" source)
  string(REPLACE "${shift}" "b << ((24 - j->code_bits) & 31)" repaired "${source}")
  if(repaired STREQUAL source)
    message(FATAL_ERROR "${file}: does not hold the text \"${shift}\", which ${CMAKE_CURRENT_FUNCTION_LIST_FILE} repairs in "
      "stbi__grow_buffer_unsafe(). Use the stb_image.h of Debian 12 or of commit 8b5f1f37 (STB_INCLUDE_DIR is the folder "
      "that has it as stb/stb_image.h), or look at the function in this one: if it can still shift by more than 31, repair "
      "it in its words, and if not, repair nothing.")
  endif()
  set(${result} "${repaired}" PARENT_SCOPE)
endfunction()
