// Control groups' quotas, from files as the kernel writes them.
#include "engine/threads/cgroup.hpp"

#include <filesystem>
#include <fstream>
#include <map>

#include <catch2/catch.hpp>

#include "tests/support/data.hpp"

namespace intvit {
namespace {

// The quota of a process whose /proc/self/cgroup says `membership`, with these files below /sys/fs/cgroup.
int quota(const std::string &membership, const std::map<std::string, std::string> &files) {
  static int number = 0;
  const std::string folder = test::temporary_file("cgroup-" + std::to_string(number++));
  std::filesystem::create_directories(folder + "/root");
  std::ofstream(folder + "/membership") << membership;
  for (const auto &[name, content] : files) {
    const std::filesystem::path path = folder + "/root/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }
  return cgroup_quota(folder + "/membership", folder + "/root");
}

TEST_CASE("cgroup: version 2") {
  CHECK(quota("0::/\n", {{"cpu.max", "max 100000\n"}}) == 0);
  CHECK(quota("0::/\n", {{"cpu.max", "200000 100000\n"}}) == 2);
  CHECK(quota("0::/\n", {{"cpu.max", "200001 100000\n"}}) == 3); // rounded up
  CHECK(quota("0::/\n", {{"cpu.max", "50000 100000\n"}}) == 1);
  CHECK(quota("0::/\n", {{"cpu.max", "1 1000000\n"}}) == 1);
  CHECK(quota("0::/\n", {{"cpu.max", "9223372036854775807 1\n"}}) == 1024);
  CHECK(quota("0::/\n", {}) == 0);
}

TEST_CASE("cgroup: version 2, a service's own group, and the groups above it") {
  const std::string membership = "0::/system.slice/camera.service\n";
  CHECK(quota(membership, {{"system.slice/camera.service/cpu.max", "300000 100000\n"}}) == 3);
  CHECK(quota(membership, {{"system.slice/camera.service/cpu.max", "300000 100000\n"},
                           {"system.slice/cpu.max", "150000 100000\n"}}) == 2);
  CHECK(quota(membership, {{"system.slice/camera.service/cpu.max", "100000 100000\n"},
                           {"system.slice/cpu.max", "400000 100000\n"}}) == 1);
  CHECK(quota(membership, {{"system.slice/camera.service/cpu.max", "max 100000\n"},
                           {"system.slice/cpu.max", "400000 100000\n"}}) == 4);
  CHECK(quota(membership, {{"system.slice/other.service/cpu.max", "100000 100000\n"}}) == 0);
}

TEST_CASE("cgroup: version 1") {
  const std::string membership = "4:memory:/\n3:cpuset:/\n2:cpuacct:/\n1:cpu:/\n";
  const auto files = [](const std::string &folder, const std::string &quota, const std::string &period) {
    return std::map<std::string, std::string>{{folder + "/cpu.cfs_quota_us", quota},
                                              {folder + "/cpu.cfs_period_us", period}};
  };
  CHECK(quota(membership, files("cpu", "-1\n", "100000\n")) == 0);
  CHECK(quota(membership, files("cpu", "250000\n", "100000\n")) == 3);
  CHECK(quota(membership, {{"cpu/cpu.cfs_quota_us", "250000\n"}}) == 0);
  CHECK(quota(membership, files("cpu", "250000\n", "0\n")) == 0);
  // With cpuacct, as most systems mounted it; "cpu" is then a link to that folder.
  CHECK(quota("5:cpuacct,cpu:/docker/1f\n", files("cpu/docker/1f", "400000\n", "100000\n")) == 4);
  // Inside of the container its own group is mounted at the top.
  CHECK(quota("5:cpu,cpuacct:/docker/1f\n", files("cpu", "100000\n", "50000\n")) == 2);
  CHECK(quota("5:cpuset,cpuacct:/\n", files("cpu", "100000\n", "50000\n")) == 0); // not in a group of cpu's
}

TEST_CASE("cgroup: both versions at once") {
  CHECK(quota("1:cpu:/a\n0::/b\n", {{"cpu/a/cpu.cfs_quota_us", "300000"},
                                    {"cpu/a/cpu.cfs_period_us", "100000"},
                                    {"b/cpu.max", "max 100000"}}) == 3);
}

TEST_CASE("cgroup: files that are not what they should be mean no quota") {
  CHECK(cgroup_quota("/nonexistent", "/nonexistent") == 0);
  for (const char *membership :
       {"", "\n", ":", "::", "0:", "0::", "no colon\n", "1:cpu\n", "0::relative\n", "::::::\n"})
    CHECK(quota(membership, {}) == 0);
  for (const char *content : {"", "max", "100000", "-100000 100000", "100000 -100000", "100000 0", "text text"})
    CHECK(quota("0::/\n", {{"cpu.max", content}}) == 0);
}

} // namespace
} // namespace intvit
