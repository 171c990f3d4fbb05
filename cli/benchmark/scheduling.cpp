#include "cli/benchmark/scheduling.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <sched.h>
#include <sys/resource.h>

#include "cli/command.hpp"
#include "cli/process.hpp"
#include "models/program/text_file.hpp"

namespace intvit::cli {

namespace {

constexpr int high_nice = -10;
constexpr int realtime_level = 50;

UsageError no_mask(const std::string &text) {
  return UsageError("--cpu-mask is \"" + text + "\", expected processors like 0,2-5 or a mask like 0x2d, below " +
                    std::to_string(CPU_SETSIZE));
}

std::runtime_error refused(const std::string &what, const std::string &advice) {
  return std::runtime_error(what + ": " + std::generic_category().message(errno) + advice);
}

// All of the text as a number below CPU_SETSIZE.
bool read_processor(const std::string &text, int &value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 && value < CPU_SETSIZE;
}

std::vector<int> processors_of_mask(const std::string &text) {
  std::vector<int> processors;
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    int digit = 0;
    const char *place = text.data() + text.size() - 1 - i;
    const auto [end, error] = std::from_chars(place, place + 1, digit, 16);
    if (error != std::errc() || end != place + 1)
      throw no_mask(text);
    for (int bit = 0; bit < 4; ++bit)
      if ((digit >> bit & 1) != 0)
        processors.push_back(static_cast<int>(4 * i) + bit);
  }
  if (processors.empty() || processors.back() >= CPU_SETSIZE)
    throw no_mask(text);
  return processors;
}

} // namespace

std::vector<int> processor_list(const std::string &text) {
  if (text.starts_with("0x"))
    return processors_of_mask(text);
  std::vector<int> processors;
  for (const std::string &part : split(text, ',')) {
    const std::size_t dash = part.find('-');
    int first = 0;
    int last = 0;
    if (!read_processor(part.substr(0, dash), first) ||
        !read_processor(dash == std::string::npos ? part : part.substr(dash + 1), last) || last < first)
      throw no_mask(text);
    for (int processor = first; processor <= last; ++processor)
      processors.push_back(processor);
  }
  std::sort(processors.begin(), processors.end());
  processors.erase(std::unique(processors.begin(), processors.end()), processors.end());
  return processors;
}

void use_processors(const std::vector<int> &processors) {
  cpu_set_t wanted;
  CPU_ZERO(&wanted);
  for (const int processor : processors)
    CPU_SET(static_cast<std::size_t>(processor), &wanted);
  cpu_set_t given;
  CPU_ZERO(&given);
  if (::sched_setaffinity(0, sizeof wanted, &wanted) != 0)
    throw refused("--cpu-mask", "; there is none of these processors");
  // The system leaves out processors that there are not.
  if (::sched_getaffinity(0, sizeof given, &given) == 0 && CPU_EQUAL(&wanted, &given) == 0)
    throw std::runtime_error("--cpu-mask: not all of these processors are there");
}

void use_priority(Priority priority) {
  const std::string advice = "; that needs the rights of root (or CAP_SYS_NICE)";
  if (priority == Priority::high && ::setpriority(PRIO_PROCESS, 0, high_nice) != 0)
    throw refused("--priority high", advice);
  if (priority == Priority::realtime) {
    sched_param parameters = {};
    parameters.sched_priority = realtime_level;
    if (::sched_setscheduler(0, SCHED_FIFO, &parameters) != 0)
      throw refused("--priority realtime", advice);
  }
}

void wait_seconds(double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
    stop_if_interrupted();
    const std::chrono::duration<double> left = end - std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::min(left, std::chrono::duration<double>(0.1)));
  }
}

} // namespace intvit::cli
