// Where a model should merge its tokens: a schedule that takes so much less work and changes the outputs least.
#pragma once

#include "models/architectures/token_schedule.hpp"
#include "models/quantize/quantize.hpp"

namespace intvit {

struct TokenSearch {
  TokenSchedule schedule;
  double speed_up = 1; // multiply-accumulates without merging over those with it
  // Of MergingJudge, the mean on the half of the images by which nothing was chosen; of integers and merging together.
  double error = 0;
};

// Searches for a schedule with `speed_up` times fewer multiply-accumulates: of an integer model made with these options
// but for those of tokens, by its outputs on half of the calibration images. The same input gives the same schedule
// whatever the number of threads. Throws std::runtime_error where the model cannot merge tokens or not so many.
// `progress` is called before each of `total` steps; there may be fewer.
TokenSearch search_tokens(const QuantizeInput &input, const QuantizeOptions &options, double speed_up,
                          const Progress &progress = {});

// A schedule of that speed-up without a search: most pairs late.
TokenSchedule usual_schedule(const Network &network, double speed_up);

} // namespace intvit
