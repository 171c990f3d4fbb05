// L2 normalization, of all types.
#include "tests/checkasm/check.hpp"

#include "tests/kernels/constants.hpp"

namespace intvit::test {

using namespace kernels;

namespace {

std::optional<Failure> round_l2_normalize(const KernelTable &table, Random &random, GuardedMemory &memory) {
  const int row_count = random.between(1, 4);
  const int channels = random.between(1, 300);
  const auto width = static_cast<std::size_t>(channels);
  const std::size_t count = static_cast<std::size_t>(row_count) * width;
  auto input = random.values<std::int32_t>(count, INT32_MIN, INT32_MAX);
  maybe_extreme<std::int32_t>(random, input, INT32_MIN, INT32_MAX);
  const auto type = static_cast<ElementType>(random.between(0, 2));
  const Constants constants = random_constants(random, width, (1 << 16) + 1, spread_beyond(type));
  const int begin = random.between(0, row_count);
  const Range rows{begin, random.between(begin, row_count)};
  const auto size = element_size(type);
  const OutputRange range{size, width, rows, {0, channels}, static_cast<std::size_t>(rows.end) * width * size};

  const auto canary = static_cast<std::byte>(random.bits());
  std::vector<std::byte> expected(range.bytes, canary);
  L2NormalizeArgs args{.input = input.data(),
                       .channels = channels,
                       .requantization = constants.view(),
                       .output = expected.data(),
                       .output_type = type};
  reference_kernels().l2_normalize(args, rows);

  const std::string shape = std::to_string(channels) + " channels, " + range_text("rows", rows, row_count);
  for (const Against against : {Against::end, Against::begin}) {
    memory.restart(against, canary);
    std::byte *output = memory.output("output", range.bytes, size);
    args.output = output;
    args.input = memory.input("input", input.data(), static_cast<std::size_t>(rows.end) * width);
    args.requantization.multiplier = memory.input("multiplier", constants.multiplier.data(), width);
    args.requantization.offset = memory.input("offset", constants.offset.data(), width);
    const auto run = [&] { table.l2_normalize(args, rows); };
    if (auto failure = run_guarded({shape, range, expected, output, memory}, run))
      return failure;
  }
  return std::nullopt;
}

Timing time_l2_normalize(const KernelTable &table) {
  constexpr std::size_t channels = 768;
  Random random(1);
  const auto input = random.values<std::int32_t>(channels, -(1 << 24), 1 << 24);
  const Constants constants = random_constants(random, channels, (1 << 16) + 1);
  std::vector<std::int8_t> output(channels);
  const L2NormalizeArgs args{.input = input.data(),
                             .channels = static_cast<int>(channels),
                             .requantization = constants.view(),
                             .output = output.data()};
  return measure([&] { table.l2_normalize(args, {0, 1}); });
}

} // namespace

void add_l2_normalize_checks(std::vector<Check> &checks) {
  checks.push_back({"l2_normalize", "1 x 768", round_l2_normalize, time_l2_normalize});
}

} // namespace intvit::test
