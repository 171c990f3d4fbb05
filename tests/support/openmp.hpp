// Whether OpenMP is there: without it everything runs on one thread.
#pragma once

namespace intvit::test {

#ifdef _OPENMP
inline constexpr bool has_openmp = true;
#else
inline constexpr bool has_openmp = false;
#endif

} // namespace intvit::test
