// Independent tasks on several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace intvit {

// Calls work(i, thread) once for every i below `count`, in any order, on up to `threads` threads; `thread` numbers them
// from 0. Fewer threads where the system gives no more. The first exception stops the rest and is thrown again here.
void parallel_for(int threads, std::size_t count, const std::function<void(std::size_t i, std::size_t thread)> &work);

} // namespace intvit
