// How much of the machine the process's control groups leave it.
#pragma once

#include <string>

namespace intvit {

// The least CPU quota of the control groups that the process is in, those above its own included, in whole processors
// rounded up; 0 where there is none. Version 1, version 2 or both at once. `membership` is a file like
// /proc/self/cgroup, `root` the folder where control groups are mounted.
int cgroup_quota(const std::string &membership = "/proc/self/cgroup", const std::string &root = "/sys/fs/cgroup");

} // namespace intvit
