// The matrix of a linear map and what turns its accumulators into codes, with memory of their own.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/ops/stlq_weights.hpp"
#include "kernels/linear.hpp"
#include "kernels/requantize.hpp"

namespace intvit {

struct Weights {
  int out_features = 0;
  int in_features = 0;
  std::vector<std::int8_t> values; // int8: [out_features, in_features], row-major
  kernels::WeightFormat format = kernels::WeightFormat::int8;
  StlqWeights stlq = {}; // stlq: of the same sides

  kernels::WeightsView view() const { return {format, out_features, in_features, values.data(), stlq.view()}; }

  std::int64_t size() const { return std::int64_t{out_features} * in_features; }
};

struct RequantizationConstants {
  std::vector<std::int32_t> multiplier;
  std::vector<std::int64_t> offset;
  int shift = 0;

  kernels::Requantization view() const { return {multiplier.data(), offset.data(), shift}; }
};

struct LinearMap {
  Weights weights;
  RequantizationConstants requantization;
};

} // namespace intvit
