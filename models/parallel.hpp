// Independent tasks on several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace intvit {

// Calls work(i, thread) once for every i below `count`, in any order, on up to `threads` threads; `thread` numbers them
// from 0. Fewer threads where the system gives no more. The first exception stops the rest and is thrown again here.
void parallel_for(int threads, std::size_t count, const std::function<void(std::size_t i, std::size_t thread)> &work);

// The same, and calls finish(i) on the caller's thread for i = 0, 1, 2 ..., each after the work of all up to i, as soon
// as that thread has done what it works on itself. Work on i begins only once i - `ahead` has been finished (`ahead` is
// at least 1), so that at most `ahead` results wait. An exception of finish() is like one of work().
void parallel_in_order(int threads, std::size_t count, std::size_t ahead,
                       const std::function<void(std::size_t i, std::size_t thread)> &work,
                       const std::function<void(std::size_t i)> &finish);

} // namespace intvit
