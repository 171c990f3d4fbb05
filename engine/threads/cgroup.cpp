#include "engine/threads/cgroup.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace intvit {
namespace {

constexpr int no_quota = 0;

// The beginning of a small file; empty where it cannot be read.
std::string beginning(const std::string &path) {
  std::string text;
  if (std::FILE *file = std::fopen(path.c_str(), "r")) {
    std::array<char, 4096> piece;
    text.assign(piece.data(), std::fread(piece.data(), 1, piece.size(), file));
    std::fclose(file);
  }
  return text;
}

// Microseconds of processor time in every `period` microseconds. Where there is no limit, version 2 says "max" and
// version 1 says -1.
int processors(long long quota, long long period) {
  constexpr long long most = 1024;
  if (quota <= 0 || period <= 0)
    return no_quota;
  return static_cast<int>(std::min(quota / period + (quota % period != 0 ? 1 : 0), most));
}

int quota_version_2(const std::string &folder) {
  long long quota = 0;
  long long period = 0;
  const std::string text = beginning(folder + "/cpu.max");
  return std::sscanf(text.c_str(), "%lld %lld", &quota, &period) == 2 ? processors(quota, period) : no_quota;
}

int quota_version_1(const std::string &folder) {
  long long quota = 0;
  long long period = 0;
  const bool read = std::sscanf(beginning(folder + "/cpu.cfs_quota_us").c_str(), "%lld", &quota) == 1 &&
                    std::sscanf(beginning(folder + "/cpu.cfs_period_us").c_str(), "%lld", &period) == 1;
  return read ? processors(quota, period) : no_quota;
}

// The least quota of `group` below `mount` and of the groups above it. In a container the path may be that of the
// machine, of which only the top can be seen.
int least_quota(const std::string &mount, std::string_view group, int (*quota_of)(const std::string &folder)) {
  int least = no_quota;
  for (;;) {
    while (!group.empty() && group.back() == '/')
      group.remove_suffix(1);
    const int quota = quota_of(mount + std::string(group));
    if (quota != no_quota && (least == no_quota || quota < least))
      least = quota;
    if (group.empty())
      return least;
    group = group.substr(0, group.rfind('/') + 1);
  }
}

// Whether a list like "cpu,cpuacct" names the controller of processor time.
bool has_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == "cpu")
      return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

} // namespace

int cgroup_quota(const std::string &membership, const std::string &root) {
  const std::string text = beginning(membership);
  std::string_view lines = text;
  int least = no_quota;
  // A line a hierarchy: "number:controllers:/group", in version 2 without controllers.
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos)
      continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view group = line.substr(second + 1);
    int quota = no_quota;
    if (controllers.empty())
      quota = least_quota(root, group, quota_version_2);
    else if (has_cpu(controllers))
      quota = least_quota(root + "/cpu", group, quota_version_1);
    if (quota != no_quota && (least == no_quota || quota < least))
      least = quota;
  }
  return least;
}

} // namespace intvit
