#include "models/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

#include "engine/threads/workers.hpp"

namespace intvit {

void parallel_for(int threads, std::size_t count, const std::function<void(std::size_t, std::size_t)> &work) {
  struct Loop {
    const std::function<void(std::size_t, std::size_t)> &work;
    std::size_t count;
    std::atomic<std::size_t> next{0};
    std::exception_ptr error;
    std::mutex error_mutex;

    void run(std::size_t thread) {
      try {
        for (std::size_t i = next++; i < count; i = next++)
          work(i, thread);
      } catch (...) {
        next = count;
        const std::lock_guard lock(error_mutex);
        if (!error)
          error = std::current_exception();
      }
    }
  };
  Loop loop{.work = work, .count = count, .next = {}, .error = {}, .error_mutex = {}};
  const std::size_t used = std::min(static_cast<std::size_t>(std::max(threads, 1)), std::max<std::size_t>(count, 1));
  Workers(static_cast<int>(used))
      .run([](const Team &team,
              void *context) { static_cast<Loop *>(context)->run(static_cast<std::size_t>(team.index)); },
           &loop);
  if (loop.error)
    std::rethrow_exception(loop.error);
}

} // namespace intvit
