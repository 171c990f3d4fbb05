#include "engine/runtime/plan.hpp"

#include <algorithm>
#include <numeric>

#include "engine/runtime/aligned_buffer.hpp"

namespace intvit {

namespace {

bool overlap(const Lifetime &a, const Lifetime &b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

} // namespace

Status beyond_memory(std::uint64_t bytes) {
  return Status(StatusCode::out_of_memory, "an arena of " + std::to_string(bytes) +
                                               " bytes is beyond this processor's memory; use a smaller batch");
}

ArenaPlan plan_arena(std::span<const Lifetime> lifetimes) {
  std::vector<std::size_t> by_size(lifetimes.size());
  std::iota(by_size.begin(), by_size.end(), std::size_t{0});
  std::sort(by_size.begin(), by_size.end(), [&](std::size_t a, std::size_t b) {
    return lifetimes[a].bytes != lifetimes[b].bytes ? lifetimes[a].bytes > lifetimes[b].bytes : a < b;
  });

  ArenaPlan plan;
  plan.offsets.resize(lifetimes.size());
  std::vector<std::size_t> placed; // by rising offset
  for (const std::size_t value : by_size) {
    std::size_t offset = 0;
    for (const std::size_t other : placed) {
      if (!overlap(lifetimes[value], lifetimes[other]))
        continue;
      if (offset + lifetimes[value].bytes <= plan.offsets[other])
        break;
      offset = std::max(offset, plan.offsets[other] + align_up(lifetimes[other].bytes));
    }
    plan.offsets[value] = offset;
    plan.bytes = std::max(plan.bytes, offset + align_up(lifetimes[value].bytes));
    const auto place = std::upper_bound(placed.begin(), placed.end(), value, [&](std::size_t a, std::size_t b) {
      return plan.offsets[a] < plan.offsets[b];
    });
    placed.insert(place, value);
  }
  return plan;
}

} // namespace intvit
