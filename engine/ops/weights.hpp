// The matrix of a linear map and what turns its accumulators into codes, with memory of their own.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/container/safetensors.hpp"
#include "engine/ops/four_bits_storage.hpp"
#include "engine/ops/four_bits_weights.hpp"
#include "kernels/linear.hpp"
#include "kernels/requantize.hpp"

namespace intvit {

struct Weights {
  int out_features = 0;
  int in_features = 0;
  std::vector<std::int8_t> values; // int8: [out_features, in_features], row-major
  kernels::WeightFormat format = kernels::WeightFormat::int8;
  FourBitWeights four_bits = {}; // every other format: of the same sides and that format

  kernels::WeightsView view() const { return {format, out_features, in_features, values.data(), four_bits.view()}; }

  std::int64_t size() const { return std::int64_t{out_features} * in_features; }

  // Gives the memory back; sides and format stay.
  void release() {
    values = {};
    four_bits = {};
  }
};

// How model files hold weights. kernels::LinearKernel::formats has the kernels' side of it.
struct StoredFormat {
  std::string_view name;                  // as commands and reports call it
  std::string_view feature;               // what a reader must know; empty: nothing
  std::span<const char *const> constants; // of a node; the first one, [out_features, ..], tells the format
  kernels::WeightFormat format;           // in which they are packed
  const FourBitStorage *storage;          // null: int8
};

extern const std::array<StoredFormat, 1 + four_bit_storages.size()> stored_formats;

// The one that the file has constants of for this node; int8 where it has none.
const StoredFormat &stored_format_of(const SafetensorsFile &file, const std::string &node);

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
