// Whether this build has threads: without them everything runs on the caller's.
#pragma once

namespace intvit::test {

#ifdef INTVIT_THREADS
inline constexpr bool has_threads = true;
#else
inline constexpr bool has_threads = false;
#endif

} // namespace intvit::test
