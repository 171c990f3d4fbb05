// Forced inlining, for small functions in headers that translation units with different instruction sets share: an
// out-of-line copy compiled for one set must never be linked into code for another.
#pragma once

#define INTVIT_INLINE [[gnu::always_inline]] inline
