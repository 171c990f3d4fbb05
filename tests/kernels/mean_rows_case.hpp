// Rows of random codes whose mean is taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/mean_rows.hpp"
#include "tests/kernels/constants.hpp"
#include "tests/kernels/random.hpp"

namespace intvit::test {

struct MeanRowsCase {
  kernels::ElementType type = kernels::ElementType::int8;
  kernels::ElementType output_type = kernels::ElementType::int8;
  std::size_t rows = 0;
  std::size_t channels = 0;
  std::size_t stride = 0;
  std::vector<std::int8_t> codes8;
  std::vector<std::int16_t> codes16;
  std::vector<std::int32_t> weights; // of the rows; none: 1
  Constants constants;

  const void *data() const;
  std::int64_t weight(std::size_t row) const { return weights.empty() ? 1 : weights[row]; }
  std::int64_t code(std::size_t row, std::size_t c) const;
  kernels::MeanRowsArgs args(void *output) const;
};

// Of random types, half of them with weights.
MeanRowsCase make_mean_rows(Random &random, std::size_t rows, std::size_t channels);

} // namespace intvit::test
