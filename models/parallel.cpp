#include "models/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace intvit {

void parallel_for(int threads, std::size_t count, const std::function<void(std::size_t, std::size_t)> &work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr error;
  std::mutex error_mutex;
  const auto run = [&](std::size_t thread) {
    try {
      for (std::size_t i = next++; i < count; i = next++)
        work(i, thread);
    } catch (...) {
      next = count;
      const std::lock_guard lock(error_mutex);
      if (!error)
        error = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  const std::size_t used = std::min(static_cast<std::size_t>(std::max(threads, 1)), count);
  for (std::size_t thread = 1; thread < used; ++thread)
    others.emplace_back(run, thread);
  run(0);
  for (std::thread &thread : others)
    thread.join();
  if (error)
    std::rethrow_exception(error);
}

} // namespace intvit
