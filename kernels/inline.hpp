// Forced inlining, for two kinds of small functions: those in headers that translation units with different instruction
// sets share, because an out-of-line copy compiled for one set must never be linked into code for another; and
// operations on vectors that are more than an instruction or two, because where they are called the vectors go through
// memory, and compilers give up inlining as a translation unit grows (GCC 12 did for scalar: attention took twice the
// time).
#pragma once

#define INTVIT_INLINE [[gnu::always_inline]] inline
