// Codes to other scales against 128-bit arithmetic.
#include "kernels/rescale.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

#include "kernels/dispatch.hpp"
#include "tests/kernels/constants.hpp"
#include "tests/kernels/random.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

constexpr std::size_t row_count = 19;

struct RescaleCase {
  std::size_t channels;
  ElementType type;
  std::vector<std::int8_t> codes8;
  std::vector<std::int16_t> codes16;

  RescaleCase(Random &random, std::size_t channel_count, ElementType code_type, bool extreme)
      : channels(channel_count), type(code_type), codes8(random.values<std::int8_t>(row_count * channels, -128, 127)),
        codes16(random.values<std::int16_t>(row_count * channels, -32768, 32767)) {
    if (extreme) { // the largest magnitude
      std::fill(codes8.begin(), codes8.end(), std::int8_t{-128});
      std::fill(codes16.begin(), codes16.end(), std::int16_t{-32768});
    }
  }

  StreamCodes view() const {
    return {type == ElementType::int8 ? static_cast<const void *>(codes8.data()) : codes16.data(), type,
            static_cast<std::ptrdiff_t>(channels)};
  }
  std::int64_t at(std::size_t row, std::size_t c) const {
    return type == ElementType::int8 ? codes8[row * channels + c] : codes16[row * channels + c];
  }
  std::int64_t bound() const { return type == ElementType::int8 ? 1 << 7 : 1 << 15; }
};

} // namespace

TEST_CASE("rescale: exactly as defined, and only the rows it is asked for") {
  Random random(1);
  constexpr ElementType types[] = {ElementType::int8, ElementType::int16};
  for (const std::size_t channels : {1U, 3U, 8U, 17U, 64U, 150U})
    for (const bool extreme : {false, true})
      for (const ElementType type : types)
        for (const ElementType output_type : types)
          for (const int added : {0, 1, 2}) {
            const RescaleCase input(random, channels, type, extreme);
            const RescaleCase stream(random, channels, added == 1 ? ElementType::int8 : ElementType::int16, extreme);
            const Constants constants =
                random_constants(random, channels, 2 * input.bound(), spread_beyond(output_type));
            const int shift = random.between(0, max_residual_shift(stream.type));
            const auto multiplier = residual_multipliers(random, constants, input.bound(), stream.bound() << shift);
            const std::size_t stride = channels + 2;
            const std::vector<std::byte> untouched(row_count * stride * element_size(output_type), std::byte{99});
            for (const Range rows : {Range{0, 19}, Range{5, 18}, Range{7, 7}}) {
              std::vector<std::int64_t> expected = read_codes(untouched, output_type);
              for (auto row = static_cast<std::size_t>(rows.begin); row < static_cast<std::size_t>(rows.end); ++row)
                for (std::size_t c = 0; c < channels; ++c) {
                  const Int128 more =
                      added == 0 ? Int128{0} : Int128{stream.at(row, c)} * power_of_two(shift) * multiplier[c];
                  expected[row * stride + c] = stored(constants.exact(input.at(row, c), c, more), output_type);
                }
              for (const KernelTable &kernels : available_kernels()) {
                CAPTURE(kernels.name, channels, extreme, static_cast<int>(type), added, rows.begin);
                std::vector<std::byte> output = untouched;
                RescaleArgs args{.input = input.view(),
                                 .channels = static_cast<int>(channels),
                                 .requantization = constants.view(),
                                 .residual = {},
                                 .output = output.data(),
                                 .output_type = output_type,
                                 .output_stride = static_cast<std::ptrdiff_t>(stride)};
                if (added != 0)
                  args.residual = {stream.view(), multiplier.data(), shift};
                kernels.rescale(args, rows);
                CHECK(read_codes(output, output_type) == expected);
              }
            }
          }
}
