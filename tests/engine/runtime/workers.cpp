// The threads of a session, and what the process around them does.
#include "engine/threads/workers.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/sanitizers.hpp"
#include "tests/support/threads.hpp"

namespace intvit {
namespace {

using test::has_threads;

// How many threads took part in `rounds` rounds of three barriers; -1 where one was missing or came twice.
int threads_of(Workers &workers, int rounds = 1) {
  struct Count {
    std::atomic<int> calls{0};
    std::atomic<int> sum{0};
    std::atomic<bool> held{true};
  };
  for (int round = 0; round < rounds; ++round) {
    Count count;
    workers.run(
        [](const Team &team, void *context) {
          auto &seen = *static_cast<Count *>(context);
          ++seen.calls;
          seen.sum += team.index;
          for (int i = 0; i < 3; ++i)
            if (!team.barrier() || seen.calls != team.size)
              seen.held = false;
        },
        &count);
    const int size = workers.size();
    if (count.calls != size || count.sum != size * (size - 1) / 2 || !count.held)
      return -1;
  }
  return workers.size();
}

// What the child of a fork returns, or minus the signal that ended it. It has ten seconds.
int in_child(const std::function<int()> &work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(10);
    ::_exit(work());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

bool cannot_fork() {
  if (INTVIT_THREAD_SANITIZER == 0)
    return false;
  test::skip("ThreadSanitizer allows a forked process no threads");
  return true;
}

TEST_CASE("workers: one round after the other, with pauses that let them fall asleep") {
  for (const int threads : {1, 2, 3, 16}) {
    Workers workers(threads);
    CHECK(threads_of(workers, 200) == (has_threads ? threads : 1));
    for (int i = 0; i < 3; ++i) {
      ::usleep(3000);
      CHECK(threads_of(workers) == (has_threads ? threads : 1));
    }
  }
}

TEST_CASE("workers: moved, they are the same") {
  Workers first(3);
  Workers second = std::move(first);
  CHECK(threads_of(second, 3) == (has_threads ? 3 : 1));
  Workers third(2);
  third = std::move(second);
  CHECK(threads_of(third, 3) == (has_threads ? 3 : 1));
}

TEST_CASE("workers: stop() ends the work of all at the same barrier, and the next round begins anew") {
  struct Rounds {
    std::array<std::atomic<int>, 4> passed{};
    int stopper = 0;
  };
  for (const int threads : {1, 2, 4})
    for (int stopper = 0; stopper < threads; ++stopper) {
      Workers workers(threads);
      for (int again = 0; again < 20; ++again) {
        Rounds rounds;
        rounds.stopper = has_threads ? stopper : 0;
        workers.run(
            [](const Team &team, void *context) {
              auto &seen = *static_cast<Rounds *>(context);
              for (int round = 0; round < 20; ++round) {
                if (round == 5 && team.index == seen.stopper)
                  team.stop();
                if (!team.barrier())
                  return;
                ++seen.passed[static_cast<std::size_t>(team.index)];
              }
            },
            &rounds);
        for (int i = 0; i < workers.size(); ++i)
          CHECK(rounds.passed[static_cast<std::size_t>(i)] == 5);
      }
    }
}

TEST_CASE("workers: signals are for the caller's threads") {
  struct Masks {
    std::array<std::atomic<bool>, 2> blocked{};
  } masks;
  Workers workers(2);
  workers.run(
      [](const Team &team, void *context) {
        sigset_t mask;
        sigemptyset(&mask);
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        static_cast<Masks *>(context)->blocked[static_cast<std::size_t>(team.index)] =
            sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGUSR1) == 1;
      },
      &masks);
  CHECK_FALSE(masks.blocked[0]);
  CHECK(masks.blocked[1] == has_threads);
}

TEST_CASE("workers: a forked child goes on with its parent's, and with others") {
  if (cannot_fork())
    return;
  for (const int threads : {1, 2, 5})
    for (const bool used : {false, true}) {
      if (!used && INTVIT_ADDRESS_SANITIZER)
        continue; // a child of its would wait for a lock that a thread held as it began
      CAPTURE(threads, used);
      Workers workers(threads);
      if (used)
        CHECK(threads_of(workers, 2) == workers.size());
      const auto once_more = [&] { return threads_of(workers, 3); };
      CHECK(in_child(once_more) == (has_threads ? threads : 1));
      CHECK(in_child([&] { return in_child(once_more); }) == (has_threads ? threads : 1)); // a child's child
      CHECK(in_child([&] {
              Workers own(threads);
              return threads_of(own, 3);
            }) == (has_threads ? threads : 1));
      CHECK(in_child([&] {
              const Workers gone = std::move(workers);
              return 7;
            }) == 7); // is not joined
      CHECK(threads_of(workers, 2) == (has_threads ? threads : 1));
    }
}

// A thread's stack takes 8 MB of addresses at least, which the limit leaves for a few.
TEST_CASE("workers: where the system gives no more threads there are fewer") {
  if (INTVIT_ADDRESS_SANITIZER || cannot_fork()) {
    if (INTVIT_ADDRESS_SANITIZER)
      test::skip("AddressSanitizer needs more addresses than the limit leaves");
    return;
  }
  const int threads = in_child([] {
    long pages = 0;
    std::FILE *file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%ld", &pages) != 1)
      return 255;
    std::fclose(file);
    const rlim_t limit = static_cast<rlim_t>(pages) * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (64U << 20);
    const rlimit addresses{limit, limit};
    if (::setrlimit(RLIMIT_AS, &addresses) != 0)
      return 255;
    Workers workers(64);
    return threads_of(workers, 3);
  });
  CHECK(threads >= 1);
  CHECK(threads < 64);
}

} // namespace
} // namespace intvit
