#include "models/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <vector>

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

void parallel_in_order(int threads, std::size_t count, std::size_t ahead,
                       const std::function<void(std::size_t, std::size_t)> &work,
                       const std::function<void(std::size_t)> &finish) {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t finished = 0;
  bool failed = false;
  std::vector<bool> done(ahead); // of i at i % ahead: work on i + ahead has not begun before i is finished
  parallel_for(threads, count, [&](std::size_t i, std::size_t thread) {
    {
      // The thread that works on the first one that is not finished never waits here, so the others do not for ever.
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return failed || i - finished < ahead; });
      if (failed)
        return;
    }
    try {
      work(i, thread);
      const std::lock_guard lock(mutex);
      done[i % ahead] = true;
      for (; !failed && done[finished % ahead]; ++finished) {
        done[finished % ahead] = false;
        finish(finished);
      }
    } catch (...) {
      {
        const std::lock_guard lock(mutex);
        failed = true;
      }
      changed.notify_all();
      throw;
    }
    changed.notify_all();
  });
}

} // namespace intvit
