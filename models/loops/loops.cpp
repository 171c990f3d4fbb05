#include "models/loops/loops.hpp"

#include <vector>

namespace intvit {

namespace {

std::vector<const LoopTable *> detect() {
  std::vector<const LoopTable *> tables = {&loops_baseline};
#if defined(__x86_64__)
  // Also false where the operating system does not save the registers.
  if (__builtin_cpu_supports("avx2"))
    tables.push_back(&loops_avx2);
  if (__builtin_cpu_supports("avx512f"))
    tables.push_back(&loops_avx512);
#endif
  return tables;
}

} // namespace

std::span<const LoopTable *const> loop_tables() {
  static const std::vector<const LoopTable *> tables = detect();
  return tables;
}

} // namespace intvit
