// The mean of rows, of all types.
#include "tests/checkasm/check.hpp"

#include "tests/kernels/aligned_bytes.hpp"
#include "tests/kernels/mean_rows_case.hpp"

namespace intvit::test {

using namespace kernels;

namespace {

std::optional<Failure> round_mean_rows(const KernelTable &table, Random &random, GuardedMemory &memory) {
  MeanRowsCase mean = make_mean_rows(random, random.between<std::size_t>(1, 40), random.between<std::size_t>(1, 140));
  maybe_extreme<std::int8_t>(random, mean.codes8, -128, 127);
  maybe_extreme<std::int16_t>(random, mean.codes16, -32768, 32767);
  const int channels = static_cast<int>(mean.channels);
  const int begin = random.between(0, channels);
  const Range columns{begin, random.between(begin, channels)};
  const auto size = element_size(mean.output_type);
  // The output ends with the last column: it is one row.
  const OutputRange range{size, mean.channels, {0, 1}, columns, static_cast<std::size_t>(columns.end) * size};

  const auto canary = static_cast<std::byte>(random.bits());
  std::vector<std::byte> expected(range.bytes, canary);
  reference_kernels().mean_rows(mean.args(expected.data()), columns);

  const std::string shape = std::to_string(mean.rows) + " rows, " + range_text("columns", columns, channels);
  for (const Against against : {Against::end, Against::begin}) {
    memory.restart(against, canary);
    std::byte *output = memory.output("output", range.bytes, size);
    MeanRowsArgs args = mean.args(output);
    const std::size_t code_size = mean.type == ElementType::int8 ? 1 : 2;
    args.input.data =
        memory.input("input", args.input.data,
                     ((mean.rows - 1) * mean.stride + static_cast<std::size_t>(columns.end)) * code_size, code_size);
    if (args.weights != nullptr)
      args.weights = memory.input("weights", args.weights, mean.rows);
    args.requantization.multiplier = memory.input("multiplier", args.requantization.multiplier, mean.channels);
    args.requantization.offset = memory.input("offset", args.requantization.offset, mean.channels);
    const auto run = [&] { table.mean_rows(args, columns); };
    if (auto failure = run_guarded({shape, range, expected, output, memory}, run))
      return failure;
  }
  return std::nullopt;
}

Timing time_mean_rows(const KernelTable &table) {
  constexpr std::size_t rows = 196;
  constexpr std::size_t channels = 384;
  Random random(1);
  MeanRowsCase mean = make_mean_rows(random, rows, channels);
  mean.type = ElementType::int16;
  mean.weights.clear();
  mean.output_type = ElementType::int16;
  AlignedBytes output(channels * sizeof(std::int16_t));
  const MeanRowsArgs args = mean.args(output.data());
  return measure([&] { table.mean_rows(args, {0, channels}); });
}

} // namespace

void add_mean_rows_checks(std::vector<Check> &checks) {
  checks.push_back({"mean_rows", "196 x 384", round_mean_rows, time_mean_rows});
}

} // namespace intvit::test
