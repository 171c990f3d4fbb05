# What every target of the project is built with: C++20, no compiler extensions, strict warnings.
# Members that a designated initializer leaves out have default values, so leaving them out is no mistake; GCC 12's
# -Wrestrict warns inside std::string (GCC bug 105651).
# A section a function, so that the linker can leave out what nothing calls; symbols hidden, but for the interface's.
# Objects that are optimized when they are linked hold machine code, too, so that a static library of them serves other
# compilers. Floating-point contraction is off so that the quantizer writes the same file whatever the instruction set.
function(intvit_target name)
  target_compile_features(${name} PUBLIC cxx_std_20)
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(NOT EMSCRIPTEN) # has no shared libraries
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endif()
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}")
  target_compile_options(${name} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> -ffp-contract=off
    -ffunction-sections -fdata-sections
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:$<TARGET_PROPERTY:INTERPROCEDURAL_OPTIMIZATION>>>:-ffat-lto-objects>
    $<$<BOOL:${INTVIT_WERROR}>:-Werror>)
endfunction()

# Sources of a target that take room rather than time: what runs once a command, a model or a layer, and builds messages.
function(intvit_small_sources target)
  target_sources(${target} PRIVATE ${ARGN})
  set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES COMPILE_OPTIONS $<$<CONFIG:Release>:-Os>)
endfunction()

# Leaves out of a program or shared library what nothing in it calls.
function(intvit_strip_unused name)
  target_link_options(${name} PRIVATE $<$<PLATFORM_ID:Linux>:-Wl,--gc-sections>)
endfunction()

# Compiles the sources of a target in groups, but for those with options of their own, so that the headers of libraries
# are read once for many of them. What is at file scope in one source, in an unnamed namespace too, therefore has another
# name than in the next.
function(intvit_unity name)
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${INTVIT_UNITY} UNITY_BUILD_BATCH_SIZE 12)
  target_compile_options(${name} PRIVATE $<$<BOOL:${INTVIT_UNITY}>:-Wno-shadow>)
endfunction()
