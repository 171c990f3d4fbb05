#include "engine/threads/workers.hpp"

#ifdef INTVIT_THREADS
#include <atomic>
#include <csignal>
#include <exception>
#include <thread>
#include <vector>

#if __has_include(<unistd.h>) && !defined(_WIN32)
#include <unistd.h>
#define INTVIT_HAS_FORK
#endif

#include "engine/threads/waiting.hpp"
#endif

namespace intvit {

#ifdef INTVIT_THREADS

namespace {

#ifdef INTVIT_HAS_FORK
using Process = pid_t;

Process this_process() {
  return getpid();
}

// While it lives, threads that are started begin with all signals blocked: the process's are for the threads that the
// caller knows.
class SignalsBlocked {
public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked &) = delete;
  SignalsBlocked &operator=(const SignalsBlocked &) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_{};
};
#else
using Process = int;

Process this_process() {
  return 0;
}

struct SignalsBlocked {
  SignalsBlocked() {} // not trivial, so that an unused one is no warning
};
#endif

// Waits until `value` is no longer `old`: for some ten microseconds in a loop, longer than the steps of an undisturbed
// team are apart, then asleep.
void wait_while(const std::atomic<unsigned> &value, unsigned old) {
  for (int i = 0; i < Team::spins; ++i)
    if (value.load(std::memory_order_acquire) != old)
      return;
  sleep_while(value, old);
}

} // namespace

// What the threads share. Written by run() before `round` changes, read by the threads after.
struct Workers::Crew {
  explicit Crew(int threads) {
    const SignalsBlocked blocked;
    try {
      members.reserve(static_cast<std::size_t>(threads - 1));
      for (int index = 1; index < threads; ++index)
        members.emplace_back([this, index] { work_when_asked(index); });
    } catch (const std::exception &) { // no more threads, or no memory for them: those that there are do it
    }
  }
  Crew(const Crew &) = delete;
  Crew &operator=(const Crew &) = delete;
  ~Crew() {
    work = nullptr;
    next_round();
    for (std::thread &member : members)
      member.join();
  }

  int size() const { return static_cast<int>(members.size()) + 1; }

  void next_round() {
    round.fetch_add(1, std::memory_order_release);
    wake_all(round);
  }

  void work_when_asked(int index) {
    for (unsigned seen = 0;; ++seen) {
      wait_while(round, seen);
      if (work == nullptr)
        return;
      work(Team{index, size(), &meeting}, context);
      if (busy.fetch_sub(1, std::memory_order_acq_rel) == 1)
        wake_one(busy);
    }
  }

  void run(void (*new_work)(const Team &team, void *context), void *new_context) {
    work = new_work;
    context = new_context;
    meeting.begin();
    busy.store(static_cast<unsigned>(size() - 1), std::memory_order_relaxed);
    next_round();
    work(Team{0, size(), &meeting}, context);
    for (unsigned left = busy.load(std::memory_order_acquire); left != 0; left = busy.load(std::memory_order_acquire))
      wait_while(busy, left);
  }

  const Process process = this_process();
  std::vector<std::thread> members;
  void (*work)(const Team &team, void *context) = nullptr; // null: the threads end
  void *context = nullptr;
  Team::Meeting meeting;
  // On lines of their own, because threads look at each of them in a loop.
  alignas(64) std::atomic<unsigned> round = 0; // of run(); the threads wait for the next
  alignas(64) std::atomic<unsigned> busy = 0;  // threads that have not finished the round
};

#else

struct Workers::Crew {};

#endif

Workers::Workers(int threads) : wanted_(threads) {
#ifdef INTVIT_THREADS
  if (threads > 1)
    crew_ = std::make_unique<Crew>(threads);
#endif
}

Workers::Workers(Workers &&other) noexcept = default;

Workers &Workers::operator=(Workers &&other) noexcept {
  std::swap(wanted_, other.wanted_);
  std::swap(crew_, other.crew_);
  return *this;
}

Workers::~Workers() {
#ifdef INTVIT_THREADS
  // The threads of a parent are not there to be joined; what is left of them cannot be given back.
  if (crew_ != nullptr && crew_->process != this_process())
    static_cast<void>(crew_.release());
#endif
}

int Workers::size() const {
#ifdef INTVIT_THREADS
  if (crew_ != nullptr)
    return crew_->size();
#endif
  return 1;
}

void Workers::run(void (*work)(const Team &team, void *context), void *context) {
#ifdef INTVIT_THREADS
  if (crew_ != nullptr && crew_->process != this_process()) {
    static_cast<void>(crew_.release());
    crew_ = std::make_unique<Crew>(wanted_);
  }
  if (crew_ != nullptr) {
    crew_->run(work, context);
    return;
  }
#endif
  Team::Meeting alone;
  work(Team{0, 1, &alone}, context);
}

} // namespace intvit
