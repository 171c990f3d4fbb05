// The learning rate over the steps of a run.
#pragma once

#include <cstdint>

namespace intvit::train {

enum class ScheduleKind : std::uint8_t {
  cosine, // warm-up, then half a cosine down to zero
  wsd, // warm-up, constant, then linearly down to zero (Hu et al., 2024): a run can be lengthened until it cools down
};

struct Schedule {
  ScheduleKind kind = ScheduleKind::cosine;
  double peak = 1e-3;
  std::uint64_t warmup_steps = 0;
  std::uint64_t cooldown_steps = 0; // wsd only; warmup_steps + cooldown_steps <= total_steps
  std::uint64_t total_steps = 1;

  std::uint64_t cooldown_start() const { return total_steps - cooldown_steps; }
  // The rate of a step, 0 <= step < total_steps.
  double rate(std::uint64_t step) const;
};

} // namespace intvit::train
