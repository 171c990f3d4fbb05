# What every target of the project is built with: C++20, no compiler extensions, strict warnings.
# Members that a designated initializer leaves out have default values, so leaving them out is no mistake; GCC 12's
# -Wrestrict warns inside std::string (GCC bug 105651).
# Floating-point contraction is off so that the quantizer writes the same file whatever the instruction set.
function(intvit_target name)
  target_compile_features(${name} PUBLIC cxx_std_20)
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}")
  target_compile_options(${name} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> -ffp-contract=off
    $<$<BOOL:${INTVIT_WERROR}>:-Werror>)
endfunction()
