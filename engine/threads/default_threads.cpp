#include "engine/threads/default_threads.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "engine/threads/cgroup.hpp"

#ifdef __linux__
#include <sched.h>
#endif

namespace intvit {

#ifdef INTVIT_THREADS
namespace {

// What the variable asks for, or 0. It is OpenMP's, whose later numbers are of nested regions.
int asked_for() {
  const char *variable = std::getenv("OMP_NUM_THREADS");
  std::string_view text = variable == nullptr ? "" : variable;
  text.remove_prefix(std::min(text.find_first_not_of(" \t+"), text.size()));
  long long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range)
    return text.front() == '-' ? 0 : max_threads;
  return error == std::errc() && number > 0 ? static_cast<int>(std::min<long long>(number, max_threads)) : 0;
}

int processors() {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

} // namespace
#endif

int default_threads() {
#ifdef INTVIT_THREADS
  if (const int asked = asked_for(); asked > 0)
    return asked;
  const int quota = cgroup_quota();
  return std::clamp(quota > 0 ? std::min(processors(), quota) : processors(), 1, max_threads);
#else
  return 1;
#endif
}

} // namespace intvit
