#include "train/schedule.hpp"

#include <cmath>
#include <numbers>

namespace intvit::train {

double Schedule::rate(std::uint64_t step) const {
  if (step < warmup_steps)
    return peak * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  const auto left = static_cast<double>(total_steps - step);
  if (kind == ScheduleKind::cosine)
    return peak / 2 * (1 - std::cos(std::numbers::pi * left / static_cast<double>(total_steps - warmup_steps)));
  if (step <= cooldown_start())
    return peak;
  return peak * left / static_cast<double>(cooldown_steps);
}

} // namespace intvit::train
