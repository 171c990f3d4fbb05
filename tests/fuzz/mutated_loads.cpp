// Loads mutated model files, as many as one likes, and counts what must not happen.
//
//   mutated_loads [COUNT [STATE [PROCESSES]]]
//
// File i is made from number i alone, so that any can be made again: `mutated_loads --one i` loads it in this process.
// Loads run in processes of their own, in chunks; a chunk that is done is a line of the file STATE, where a later call
// with the same file goes on. A process that dies is a crash, one that loads a file for longer than hang_ms a hang,
// and the rest of the chunk is done by another one. Exit code 1 where there was either.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/exercise_model.hpp"
#include "tests/fuzz/loose_model.hpp"
#include "tests/fuzz/model_mutator.hpp"

// A process that takes more memory is a crash. What was freed is kept for a short while only, and where it came from is
// not noted, which takes a fifth of the time; ASAN_OPTIONS=malloc_context_size=30 notes it.
extern "C" const char *__asan_default_options();
extern "C" const char *__asan_default_options() {
  return "hard_rss_limit_mb=2048:quarantine_size_mb=16:max_allocation_size_mb=2048:malloc_context_size=1";
}

namespace intvit::fuzz {
namespace {

constexpr std::int64_t chunk_loads = 1'000;
constexpr std::int64_t hang_ms = 10'000;      // of processor time: a busy machine is no hang
constexpr std::int64_t deadlock_ms = 900'000; // of time, which such a machine does not take either

struct Seed {
  std::vector<std::byte> file;
  std::optional<LooseModel> parts;
};

std::vector<Seed> seed_models() {
  std::vector<Seed> seeds;
  for (std::vector<std::byte> &file : model_seeds(100)) {
    std::optional<LooseModel> parts = LooseModel::take_apart(file);
    seeds.push_back({std::move(file), std::move(parts)});
  }
  return seeds;
}

struct Totals {
  std::int64_t loads = 0;
  std::int64_t ran = 0;
  std::int64_t loaded = 0; // but not run
  std::int64_t crashes = 0;
  std::int64_t hangs = 0;
  std::int64_t longest_ms = 0;
  std::int64_t largest_mb = 0;

  void add(const Totals &other) {
    loads += other.loads;
    ran += other.ran;
    loaded += other.loaded;
    crashes += other.crashes;
    hangs += other.hangs;
    longest_ms = std::max(longest_ms, other.longest_ms);
    largest_mb = std::max(largest_mb, other.largest_mb);
  }
};

// What a process tells its parent while it works.
struct Progress {
  std::atomic<std::int64_t> file;
  std::atomic<std::int64_t> ran;
  std::atomic<std::int64_t> loaded;
  std::atomic<std::int64_t> longest_ms;
};

std::int64_t milliseconds(clockid_t clock) {
  timespec time{};
  return clock_gettime(clock, &time) == 0 ? std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000 : 0;
}

Fate load(const std::vector<Seed> &seeds, std::int64_t file) {
  test::Random random(static_cast<std::uint64_t>(file) * 0x9E3779B97F4A7C15);
  const Seed &seed = seeds[random.bits() % seeds.size()];
  return exercise_model(mutated_model(seed.file, seed.parts, random), false);
}

[[noreturn]] void work(const std::vector<Seed> &seeds, std::int64_t first, std::int64_t end, Progress &progress) {
  for (std::int64_t file = first; file < end; ++file) {
    progress.file = file;
    const std::int64_t start = milliseconds(CLOCK_PROCESS_CPUTIME_ID);
    const Fate fate = load(seeds, file);
    progress.longest_ms = std::max<std::int64_t>(progress.longest_ms, milliseconds(CLOCK_PROCESS_CPUTIME_ID) - start);
    progress.ran += fate == Fate::ran ? 1 : 0;
    progress.loaded += fate == Fate::loaded ? 1 : 0;
  }
  progress.file = end;
  std::exit(0); // looks for leaks
}

// A chunk, in one process after the other where one dies.
Totals run_chunk(const std::vector<Seed> &seeds, std::int64_t first, std::int64_t end) {
  void *shared = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    report("no memory to share", "mmap");
  auto &progress = *new (shared) Progress{};
  Totals totals;
  for (std::int64_t next = first; next < end;) {
    progress.file = next;
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      work(seeds, next, end, progress);
    }
    if (child < 0)
      report("no process", "fork");
    int status = 0;
    rusage usage{};
    clockid_t processor_time{};
    if (clock_getcpuclockid(child, &processor_time) != 0)
      processor_time = CLOCK_MONOTONIC; // it has ended already
    std::int64_t watched = -1;          // the file that is loaded since
    std::int64_t since_processor = 0;
    std::int64_t since = 0;
    bool hangs = false;
    while (wait4(child, &status, WNOHANG, &usage) == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (const std::int64_t file = progress.file; file != watched) {
        watched = file;
        since_processor = milliseconds(processor_time);
        since = milliseconds(CLOCK_MONOTONIC);
      } else if (!hangs && (milliseconds(processor_time) - since_processor > hang_ms ||
                            milliseconds(CLOCK_MONOTONIC) - since > deadlock_ms)) {
        hangs = true;
        kill(child, SIGKILL);
      }
    }
    const std::int64_t reached = progress.file;
    totals.largest_mb = std::max<std::int64_t>(totals.largest_mb, usage.ru_maxrss / 1024);
    const bool dead = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (dead)
      std::printf("%s at file %lld\n", hangs ? "HANG" : "CRASH", static_cast<long long>(reached));
    totals.hangs += hangs ? 1 : 0;
    totals.crashes += dead && !hangs ? 1 : 0;
    next = reached < end ? reached + 1 : end;
  }
  totals.loads = end - first;
  totals.ran = progress.ran;
  totals.loaded = progress.loaded;
  totals.longest_ms = progress.longest_ms;
  munmap(shared, sizeof(Progress));
  return totals;
}

// What STATE says of chunks that are done: their first files, and their sums.
std::set<std::int64_t> read_state(const std::string &path, Totals &totals) {
  std::set<std::int64_t> done;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream text(line);
    std::int64_t first = 0;
    Totals chunk;
    if (text >> first >> chunk.loads >> chunk.ran >> chunk.loaded >> chunk.crashes >> chunk.hangs >> chunk.longest_ms >>
            chunk.largest_mb &&
        done.insert(first).second)
      totals.add(chunk);
  }
  return done;
}

void append_state(const std::string &path, std::int64_t first, const Totals &chunk) {
  if (path.empty())
    return;
  std::ostringstream line;
  line << first << ' ' << chunk.loads << ' ' << chunk.ran << ' ' << chunk.loaded << ' ' << chunk.crashes << ' '
       << chunk.hangs << ' ' << chunk.longest_ms << ' ' << chunk.largest_mb << '\n';
  std::ofstream(path, std::ios::app) << line.str(); // in one piece, as several processes write
}

// Every `processes`th chunk that is not done, from `number` on.
void run_chunks(const std::vector<Seed> &seeds, std::int64_t count, int number, int processes,
                const std::set<std::int64_t> &done, const std::string &state) {
  std::int64_t chunk = 0;
  for (std::int64_t first = 0; first < count; first += chunk_loads)
    if (!done.contains(first) && chunk++ % processes == number)
      append_state(state, first, run_chunk(seeds, first, std::min(first + chunk_loads, count)));
}

int run(std::int64_t count, const std::string &state, int processes) {
  const std::vector<Seed> seeds = seed_models();
  Totals before;
  const std::set<std::int64_t> done = read_state(state, before);
  std::vector<pid_t> workers;
  for (int number = 0; number < processes; ++number) {
    std::fflush(nullptr);
    const pid_t worker = fork();
    if (worker == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      run_chunks(seeds, count, number, processes, done, state);
      std::fflush(nullptr);
      std::_Exit(0);
    }
    workers.push_back(worker);
  }
  bool whole = true;
  for (const pid_t worker : workers) {
    int status = 0;
    whole = waitpid(worker, &status, 0) == worker && WIFEXITED(status) && WEXITSTATUS(status) == 0 && whole;
  }
  Totals totals;
  read_state(state, totals);
  std::printf("mutated model files loaded  %lld (%lld refused, %lld run, %lld too large to run)\n"
              "crashes                     %lld\n"
              "hangs                       %lld\n"
              "longest load                %lld ms\n"
              "largest memory              %lld MB\n",
              static_cast<long long>(totals.loads), static_cast<long long>(totals.loads - totals.ran - totals.loaded),
              static_cast<long long>(totals.ran), static_cast<long long>(totals.loaded),
              static_cast<long long>(totals.crashes), static_cast<long long>(totals.hangs),
              static_cast<long long>(totals.longest_ms), static_cast<long long>(totals.largest_mb));
  return whole && totals.loads >= count && totals.crashes == 0 && totals.hangs == 0 ? 0 : 1;
}

} // namespace
} // namespace intvit::fuzz

int main(int argc, char **argv) {
  using namespace intvit::fuzz;
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 2 && words[0] == "--one") {
    load(seed_models(), std::atoll(words[1].c_str()));
    return 0;
  }
  const std::int64_t count = !words.empty() ? std::atoll(words[0].c_str()) : 20'000;
  if (count < 1 || words.size() > 3) {
    std::fprintf(stderr, "usage: mutated_loads [COUNT [STATE [PROCESSES]]] | --one FILE\n");
    return 2;
  }
  const std::string state = words.size() > 1 ? words[1] : "/tmp/mutated_loads-" + std::to_string(getpid()) + ".txt";
  const int code = run(count, state, words.size() > 2 ? std::max(1, std::atoi(words[2].c_str())) : 2);
  if (words.size() < 2)
    std::remove(state.c_str());
  return code;
}
