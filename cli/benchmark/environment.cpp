#include "cli/benchmark/environment.hpp"

#include <cstdlib>
#include <ctime>
#include <fstream>

#include <sys/utsname.h>
#include <unistd.h>

#include "cli/benchmark/commit.hpp"
#include "engine/threads/default_threads.hpp"
#include "kernels/dispatch.hpp"

namespace intvit::cli {

namespace {

// The value in the first line "name SEPARATOR value" of a file; empty if there is no such line.
std::string field(const char *path, const std::string &name, char separator) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t at = line.find(separator);
    if (!line.starts_with(name) || at == std::string::npos)
      continue;
    const std::size_t first = line.find_first_not_of(" \t\"", at + 1);
    const std::size_t last = line.find_last_not_of(" \t\"");
    return first == std::string::npos ? "" : line.substr(first, last + 1 - first);
  }
  return "";
}

std::string first_line(const std::string &path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string processor() {
  for (const char *name : {"model name", "Model", "Hardware"}) // x86; some Arm kernels
    if (std::string value = field("/proc/cpuinfo", name, ':'); !value.empty())
      return value;
  return "unknown processor";
}

std::string caches() {
  std::string text;
  for (int index = 0; index < 8; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    const std::string level = first_line(folder + "level");
    const std::string size = first_line(folder + "size");
    if (!level.empty() && !size.empty() && first_line(folder + "type") != "Instruction")
      text += (text.empty() ? "L" : ", L") + level + " " + size;
  }
  return text;
}

std::string system() {
  utsname names = {};
  ::uname(&names);
  const std::string distribution = field("/etc/os-release", "PRETTY_NAME", '=');
  return (distribution.empty() ? "" : distribution + ", ") + names.sysname + " " + names.release + ", " + names.machine;
}

// A word as a POSIX shell reads it.
std::string shell_word(const std::string &word) {
  constexpr const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos)
    return word;
  std::string text = "'";
  for (const char c : word)
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

// Including the variables of the environment that matter.
std::string command_line(const std::vector<std::string> &arguments) {
  std::string text;
  for (const char *name : {"INTVIT_ISA", "INTVIT_MODEL", "OMP_NUM_THREADS"})
    if (const char *value = std::getenv(name))
      text += std::string(name) + "=" + shell_word(value) + " ";
  text += "intvit bench";
  for (const std::string &argument : arguments)
    text += " " + shell_word(argument);
  return text;
}

std::string date_now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm parts = {};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

} // namespace

Environment environment() {
  Environment result;
  result.processor = processor();
  for (const kernels::KernelTable &table : kernels::available_kernels())
    result.instruction_sets.push_back(table.name);
  result.processors_online = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  result.threads_available = default_threads();
  result.caches = caches();
  result.governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  result.system = system();
  result.compiler = INTVIT_COMPILER;
  result.flags = INTVIT_FLAGS;
  result.version = INTVIT_VERSION;
  result.commit = source_commit();
  return result;
}

RunInfo run_info(const std::vector<std::string> &arguments) {
  return {environment(), command_line(arguments), date_now()};
}

std::vector<std::pair<std::string, std::string>> lines(const Environment &environment) {
  std::string sets;
  for (const std::string &name : environment.instruction_sets)
    sets += (sets.empty() ? "" : ", ") + name;
  const auto known = [](const std::string &text) { return text.empty() ? "not told by the system" : text; };
  return {{"processor", environment.processor},
          {"instruction sets", sets},
          {"processors", std::to_string(environment.processors_online) + " online, " +
                             std::to_string(environment.threads_available) + " for this process"},
          {"caches", known(environment.caches)},
          {"clock governor", known(environment.governor)},
          {"system", environment.system},
          {"compiler", environment.compiler},
          {"flags", known(environment.flags)},
          {"intvit", environment.version + (environment.commit.empty() ? "" : ", commit " + environment.commit)}};
}

} // namespace intvit::cli
