# What makes a defect end the process instead of letting an attacker go on: canaries before return addresses, bounds in
# the C library's functions (FORTIFY) and in the C++ library's containers (assertions), the processor's checks of where
# jumps lead, and, in programs and shared libraries, tables that are read-only once they are loaded, no executable stack
# and any place in memory (PIE). Each only where this compiler and linker have it. tests/hardening reads what was built.
option(INTVIT_HARDENING "Build with the protections that the compiler and the linker have" ON)

set(INTVIT_HARDENING_FLAGS "")           # of the compiler
set(INTVIT_HARDENING_FORTIFY "")         # likewise; FORTIFY needs an optimized build
set(INTVIT_HARDENING_LINKER_FLAGS "")
if(INTVIT_HARDENING AND NOT EMSCRIPTEN) # WebAssembly keeps return addresses and code out of the program's reach
  include(CheckCXXSourceCompiles)
  include(CheckLinkerFlag)
  include(CheckPIESupported)
  check_pie_supported()

  # An array for a canary, a copy to be bounded, and a call: that they can be linked is seen too.
  set(program "#include <cstring>
    int last(const char *text, unsigned size) { char copy[64]; std::memcpy(copy, text, size); return copy[size - 1]; }
    int main(int count, char **words) { return last(words[0], static_cast<unsigned>(count)); }")
  function(intvit_find_flags result)
    set(found "")
    foreach(flags ${ARGN})
      string(MAKE_C_IDENTIFIER "INTVIT_HAS_${flags}" has)
      set(CMAKE_REQUIRED_FLAGS "-Werror ${flags}")
      check_cxx_source_compiles("${program}" ${has})
      if(${has})
        separate_arguments(flags UNIX_COMMAND "${flags}")
        list(APPEND found ${flags})
      endif()
    endforeach()
    set(${result} "${found}" PARENT_SCOPE)
  endfunction()
  # The last two are x86's and 64-bit Arm's checks of jumps and returns. For Windows GCC 12 crashes on the second.
  set(flags -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard)
  if(WIN32)
    set(flags -fstack-protector-strong)
  endif()
  intvit_find_flags(INTVIT_HARDENING_FLAGS ${flags})
  intvit_find_flags(INTVIT_HARDENING_FORTIFY "-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2")
  list(REMOVE_ITEM INTVIT_HARDENING_FORTIFY -O2) # which the build type says
  foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
    string(MAKE_C_IDENTIFIER "INTVIT_HAS_${flag}" has)
    check_linker_flag(CXX ${flag} ${has})
    if(${has})
      list(APPEND INTVIT_HARDENING_LINKER_FLAGS ${flag})
    endif()
  endforeach()
endif()

# intvit_harden(TARGET [HOT]): HOT leaves out what looks at bounds, for code that spends its time in loops.
function(intvit_harden target)
  if(NOT INTVIT_HARDENING)
    return()
  endif()
  target_compile_options(${target} PRIVATE ${INTVIT_HARDENING_FLAGS})
  target_link_options(${target} PRIVATE ${INTVIT_HARDENING_LINKER_FLAGS})
  if(NOT "HOT" IN_LIST ARGN)
    target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)
    target_compile_options(${target} PRIVATE "$<$<NOT:$<CONFIG:Debug>>:${INTVIT_HARDENING_FORTIFY}>")
  endif()
endfunction()
