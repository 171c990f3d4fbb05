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

// The number above 0 that one of OpenMP's variables holds, or 0. Further numbers are of nested regions.
int number_in(const char *name) {
  const char *variable = std::getenv(name);
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
  if (const int asked = number_in("OMP_NUM_THREADS"); asked > 0)
    return asked;
  const int quota = cgroup_quota();
  return std::clamp(quota > 0 ? std::min(processors(), quota) : processors(), 1, max_threads);
#else
  return 1;
#endif
}

int thread_limit() {
#ifdef INTVIT_THREADS
  if (const int limit = number_in("OMP_THREAD_LIMIT"); limit > 0)
    return limit;
#endif
  return max_threads;
}

} // namespace intvit
