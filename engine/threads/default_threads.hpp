// How many threads a session has where nobody says.
#pragma once

namespace intvit {

// More than this are of no use, and are refused.
inline constexpr int max_threads = 1024;

// The first number of OMP_NUM_THREADS if that is a number above 0, at most max_threads; else the least of the
// processors that this process may run on (affinity) and its control group's quota, rounded up. 1 in a build without
// threads.
int default_threads();

// The number in OMP_THREAD_LIMIT, beyond which a session starts none whatever it is asked for; max_threads without.
int thread_limit();

} // namespace intvit
