// Products of two values against 128-bit arithmetic.
#include "kernels/multiply.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "kernels/dispatch.hpp"
#include "tests/kernels/constants.hpp"
#include "tests/kernels/random.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

struct ProductCase {
  std::size_t channels = 0;
  std::vector<std::int8_t> a, b, zero_a, zero_b;

  ProductCase(Random &random, std::size_t row_count, std::size_t channel_count)
      : channels(channel_count), a(random.values<std::int8_t>(row_count * channels, -128, 127)),
        b(random.values<std::int8_t>(row_count * channels, -128, 127)),
        zero_a(random.values<std::int8_t>(channels, -128, 127)),
        zero_b(random.values<std::int8_t>(channels, -128, 127)) {}

  std::vector<std::int64_t> run(const KernelTable &kernels, const Constants &constants, ElementType type,
                                Range rows) const {
    std::vector<std::byte> output(a.size() * element_size(type), std::byte{99});
    kernels.multiply({.a = {a.data(), zero_a.data()},
                      .b = {b.data(), zero_b.data()},
                      .channels = static_cast<int>(channels),
                      .requantization = constants.view(),
                      .output = output.data(),
                      .output_type = type},
                     rows);
    return read_codes(output, type);
  }

  // As docs/numerics.md has it.
  std::vector<std::int64_t> expected(const Constants &constants, ElementType type, Range rows) const {
    std::vector<std::int64_t> codes =
        read_codes(std::vector<std::byte>(a.size() * element_size(type), std::byte{99}), type);
    for (int row = rows.begin; row < rows.end; ++row)
      for (std::size_t c = 0; c < channels; ++c) {
        const std::size_t at = static_cast<std::size_t>(row) * channels + c;
        const Int128 product = (Int128{a[at]} - zero_a[c]) * (Int128{b[at]} - zero_b[c]);
        if (absolute(product) > max_product)
          FAIL("a product is above the bound that the loader assumes");
        codes[at] = stored(constants.exact(product, c), type);
      }
    return codes;
  }
};

} // namespace

TEST_CASE("multiply: exactly as defined, and only the rows it is asked for") {
  Random random(1);
  for (const std::size_t channels : {1U, 3U, 8U, 16U, 31U, 64U, 150U})
    for (const int extreme : {0, 1, 2}) {
      ProductCase c(random, 19, channels);
      if (extreme > 0) { // the largest products, of either sign
        std::fill(c.a.begin(), c.a.end(), std::int8_t{127});
        std::fill(c.zero_a.begin(), c.zero_a.end(), std::int8_t{-128});
        std::fill(c.b.begin(), c.b.end(), extreme == 1 ? std::int8_t{127} : std::int8_t{-128});
        std::fill(c.zero_b.begin(), c.zero_b.end(), extreme == 1 ? std::int8_t{-128} : std::int8_t{127});
      }
      for (const ElementType type : {ElementType::int8, ElementType::int16}) {
        const Constants constants = random_constants(random, channels, max_product, spread_beyond(type));
        for (const KernelTable &kernels : available_kernels())
          for (const Range rows : {Range{0, 19}, Range{5, 18}, Range{7, 7}}) {
            CAPTURE(kernels.name, channels, extreme, rows.begin);
            CHECK(c.run(kernels, constants, type, rows) == c.expected(constants, type, rows));
          }
      }
    }
}
