#include <algorithm>
#include <cmath>
#include <cstdint>
#include <new>
#include <optional>
#include <random>

#include "cli/benchmark/measure.hpp"
#include "cli/benchmark/peak_meter.hpp"
#include "models/random/random_integer.hpp"
#include "models/random/random_words.hpp"

namespace intvit::cli {

namespace {

std::vector<std::uint8_t> random_codes(std::size_t count, std::mt19937 &generator) {
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t &byte : bytes)
    byte = static_cast<std::uint8_t>(generator() >> 24);
  return bytes;
}

// A matrix product's operands.
class Product {
public:
  Product(const Shape &shape, const WeightChoice &weights, const kernels::KernelTable &kernels, std::mt19937 &generator)
      : shape_(shape), format_(format_of(weights.levels)), kernels_(kernels),
        input_(static_cast<std::size_t>(shape.rows) * static_cast<std::size_t>(shape.in_features)),
        scratch_(kernels.linear.formats[format_].scratch_bytes(shape.in_features)),
        output_(static_cast<std::size_t>(shape.rows) * static_cast<std::size_t>(shape.out_features)) {
    const auto out = static_cast<std::size_t>(shape.out_features);
    const std::vector<std::uint8_t> input = random_codes(input_.size(), generator);
    if (input_.data() == nullptr || output_.data() == nullptr)
      throw std::bad_alloc();
    std::copy(input.begin(), input.end(), reinterpret_cast<std::uint8_t *>(input_.data()));
    // The outputs are to have a standard deviation of 32 codes; random bytes have 74.
    const FourBitStorage *words = storage_of(weights.levels, inputs_of_group(weights.two_word_ratio));
    const bool int7 = weights.levels == WeightLevels::int7;
    const double spread = words != nullptr ? random_word_spread(*words, weights.two_word_ratio)
                          : int7           ? int7_weight_spread
                                           : 74.0;
    const double factor = 32 / (74.0 * spread * std::sqrt(static_cast<double>(shape.in_features)));
    // The multiplier of a very narrow matrix would not fit 31 bits; its outputs then spread less.
    const auto multiplier_value = static_cast<std::int32_t>(std::min<double>(std::ldexp(factor, shift), INT32_MAX));
    const std::vector<std::int32_t> multiplier(out, multiplier_value);
    const std::vector<std::int64_t> offset(out, std::int64_t{1} << (shift - 1));
    const kernels::Requantization requantization{multiplier.data(), offset.data(), shift};
    if (words != nullptr) {
      const FourBitWeights drawn =
          random_word_weights(*words, shape.out_features, shape.in_features, weights.two_word_ratio, generator);
      pack({.format = format_,
            .out_features = shape.out_features,
            .in_features = shape.in_features,
            .four_bits = drawn.view()},
           requantization);
    } else if (int7) {
      const std::vector<std::int8_t> values =
          random_int7_weights(out * static_cast<std::size_t>(shape.in_features), generator);
      pack({.format = format_,
            .out_features = shape.out_features,
            .in_features = shape.in_features,
            .int8 = values.data()},
           requantization);
    } else {
      std::vector<std::uint8_t> bytes = random_codes(out * static_cast<std::size_t>(shape.in_features), generator);
      std::replace(bytes.begin(), bytes.end(), std::uint8_t{0x80}, std::uint8_t{0}); // weights are never -128
      pack({.format = format_,
            .out_features = shape.out_features,
            .in_features = shape.in_features,
            .int8 = reinterpret_cast<const std::int8_t *>(bytes.data())},
           requantization);
    }
  }

  // Of `repeats` products.
  WorkTime time(int repeats) {
    const kernels::LinearArgs args{.input = reinterpret_cast<const std::int8_t *>(input_.data()),
                                   .input_stride = shape_.in_features,
                                   .packed = packed_.data(),
                                   .weight_format = format_,
                                   .in_features = shape_.in_features,
                                   .out_features = shape_.out_features,
                                   .epilogue = kernels::Epilogue::requantize,
                                   .shift = shift,
                                   .output = output_.data(),
                                   .output_stride = shape_.out_features,
                                   .scratch = scratch_.data()};
    const Stopwatch stopwatch;
    for (int i = 0; i < repeats; ++i)
      kernels_.linear.run(args, {0, shape_.rows}, {0, shape_.out_features});
    return stopwatch.elapsed();
  }

private:
  static constexpr int shift = 40;

  void pack(const kernels::WeightsView &weights, const kernels::Requantization &requantization) {
    const kernels::PackedFormat &format = kernels_.linear.formats[format_];
    packed_ = AlignedBuffer(format.packed_bytes(weights));
    if (packed_.data() == nullptr)
      throw std::bad_alloc();
    format.pack(weights, requantization, packed_.data());
  }

  Shape shape_;
  kernels::WeightFormat format_;
  const kernels::KernelTable &kernels_;
  AlignedBuffer input_;
  AlignedBuffer scratch_;
  AlignedBuffer output_;
  AlignedBuffer packed_;
};

} // namespace

std::vector<ShapeResult> measure_shapes(const std::vector<Shape> &shapes, const WeightChoice &weights,
                                        const kernels::KernelTable &kernels, const Effort &effort) {
  std::mt19937 generator(1);
  std::optional<PeakMeter> meter;
  if (effort.roofline)
    meter.emplace(kernels, 1);
  std::vector<ShapeResult> results;
  Effort each = effort;
  each.seconds = effort.seconds / static_cast<double>(shapes.size());
  for (const Shape &shape : shapes) {
    Product product(shape, weights, kernels, generator);
    // Enough products in a row that the clock's resolution, and the time to read it, do not matter.
    int repeats = 1;
    while (product.time(repeats).seconds < 1e-4)
      repeats *= 2;
    for (int i = 0; i < effort.warmup; ++i)
      product.time(repeats);
    ShapeResult result{shape, {}};
    result.samples.multiply_accumulates = shape.multiply_accumulates();
    measure(
        each, 1, result.samples,
        [&] {
          return TimedRuns{product.time(repeats), repeats};
        },
        [&] {
          if (meter)
            result.samples.peak_gmac_per_s.push_back(meter->gmac_per_s());
        });
    results.push_back(std::move(result));
  }
  return results;
}

} // namespace intvit::cli
