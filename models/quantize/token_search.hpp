// Where a model should merge its tokens: a schedule that takes so much less work and changes the outputs least.
#pragma once

#include <functional>
#include <span>

#include "engine/image/image.hpp"
#include "models/architectures/float_model.hpp"
#include "models/architectures/token_schedule.hpp"

namespace intvit {

struct TokenSearch {
  TokenSchedule schedule;
  double speed_up = 1; // multiply-accumulates without merging over those with it
  // Squared error of the outputs over their variance, on the half of the images by which nothing was chosen.
  double error = 0;
};

// Searches for a schedule with `speed_up` times fewer multiply-accumulates, by the float model's outputs on some of the
// images, which are of its input size. The same input gives the same schedule whatever the number of threads. Throws
// std::runtime_error where the model cannot merge tokens or not so many. `progress` is called before each of `total`
// steps; there may be fewer.
TokenSearch search_tokens(const FloatModel &model, std::span<const Image> images, double speed_up, int threads,
                          const std::function<void(int step, int total)> &progress = {});

// How much the schedule changes the outputs on these images: the error above.
double merging_error(const FloatModel &model, const TokenSchedule &schedule, std::span<const Image> images,
                     int threads);

// A schedule of that speed-up without a search: most pairs late.
TokenSchedule usual_schedule(const Network &network, double speed_up);

} // namespace intvit
