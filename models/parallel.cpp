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
  struct Loop {
    const std::function<void(std::size_t, std::size_t)> &work;
    const std::function<void(std::size_t)> &finish;
    std::size_t count;
    std::size_t ahead;
    std::mutex mutex; // of all that follows
    std::condition_variable changed;
    std::size_t next = 0;
    std::size_t finished = 0;
    std::vector<bool> done; // of i at i % ahead: work on i + ahead does not begin before i is finished
    std::exception_ptr error;

    void finish_what_is_done(std::unique_lock<std::mutex> &lock) {
      while (!error && done[finished % ahead]) {
        done[finished % ahead] = false;
        lock.unlock();
        finish(finished);
        lock.lock();
        ++finished;
        changed.notify_all();
      }
    }

    // Until `ready` says so, or there was an error. Whoever works on the first one that is not finished is never kept
    // waiting, and the caller's thread finishes it, so nobody waits for ever.
    void wait(std::unique_lock<std::mutex> &lock, bool caller, const std::function<bool()> &ready) {
      for (;;) {
        if (caller)
          finish_what_is_done(lock);
        if (error || ready())
          return;
        changed.wait(lock);
      }
    }

    void run(bool caller, std::size_t thread) {
      std::unique_lock lock(mutex);
      while (!error && next < count) {
        const std::size_t i = next++;
        wait(lock, caller, [&] { return i - finished < ahead; });
        if (error)
          return;
        lock.unlock();
        work(i, thread);
        lock.lock();
        done[i % ahead] = true;
        changed.notify_all();
      }
      if (caller)
        wait(lock, caller, [&] { return finished == count; });
    }
  };
  Loop loop{.work = work,
            .finish = finish,
            .count = count,
            .ahead = ahead,
            .mutex = {},
            .changed = {},
            .done = std::vector<bool>(ahead),
            .error = {}};
  const std::size_t used = std::min(static_cast<std::size_t>(std::max(threads, 1)), std::max<std::size_t>(count, 1));
  Workers(static_cast<int>(used))
      .run(
          [](const Team &team, void *context) {
            Loop &shared = *static_cast<Loop *>(context);
            try {
              shared.run(team.index == 0, static_cast<std::size_t>(team.index));
            } catch (...) {
              const std::lock_guard lock(shared.mutex);
              if (!shared.error)
                shared.error = std::current_exception();
              shared.changed.notify_all();
            }
          },
          &loop);
  if (loop.error)
    std::rethrow_exception(loop.error);
}

} // namespace intvit
