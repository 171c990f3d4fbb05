// Products of two values, to int8 and to int16.
#include "tests/checkasm/check.hpp"

#include "tests/kernels/constants.hpp"

namespace intvit::test {

using namespace kernels;

namespace {

std::vector<std::int8_t> random_codes(Random &random, std::size_t count) {
  auto codes = random.values<std::int8_t>(count, INT8_MIN, INT8_MAX);
  maybe_extreme<std::int8_t>(random, codes, INT8_MIN, INT8_MAX);
  return codes;
}

std::optional<Failure> round_multiply(const KernelTable &table, Random &random, GuardedMemory &memory) {
  const int row_count = random.between(1, 20);
  const int channels = random.between(1, 200);
  const auto width = static_cast<std::size_t>(channels);
  const std::size_t count = static_cast<std::size_t>(row_count) * width;
  const auto a = random_codes(random, count);
  const auto b = random_codes(random, count);
  const auto zero_a = random_codes(random, width);
  const auto zero_b = random_codes(random, width);
  const auto type = static_cast<ElementType>(random.between(0, 1));
  const Constants constants = random_constants(random, width, max_product, spread_beyond(type));
  const int begin = random.between(0, row_count);
  const Range rows{begin, random.between(begin, row_count)};
  const auto size = element_size(type);
  const OutputRange range{size, width, rows, {0, channels}, static_cast<std::size_t>(rows.end) * width * size};

  const auto canary = static_cast<std::byte>(random.bits());
  std::vector<std::byte> expected(range.bytes, canary);
  MultiplyArgs args{.a = {a.data(), zero_a.data()},
                    .b = {b.data(), zero_b.data()},
                    .channels = channels,
                    .requantization = constants.view(),
                    .output = expected.data(),
                    .output_type = type};
  reference_kernels().multiply(args, rows);

  const std::string shape = std::to_string(channels) + " channels, " + range_text("rows", rows, row_count);
  for (const Against against : {Against::end, Against::begin}) {
    memory.restart(against, canary);
    std::byte *output = memory.output("output", range.bytes, size);
    args.output = output;
    const std::size_t read = static_cast<std::size_t>(rows.end) * width;
    args.a = {memory.input("input", a.data(), read), memory.input("zero_point", zero_a.data(), width)};
    args.b = {memory.input("factor", b.data(), read), memory.input("factor_zero_point", zero_b.data(), width)};
    args.requantization.multiplier = memory.input("multiplier", constants.multiplier.data(), width);
    args.requantization.offset = memory.input("offset", constants.offset.data(), width);
    const auto run = [&] { table.multiply(args, rows); };
    if (auto failure = run_guarded({shape, range, expected, output, memory}, run))
      return failure;
  }
  return std::nullopt;
}

Timing time_multiply(const KernelTable &table) {
  constexpr int rows = 197;
  constexpr std::size_t channels = 2048;
  Random random(1);
  const auto a = random.values<std::int8_t>(rows * channels, -100, 100);
  const auto b = random.values<std::int8_t>(rows * channels, -100, 100);
  const auto zero = random.values<std::int8_t>(channels, -20, 20);
  const Constants constants = random_constants(random, channels, max_product);
  std::vector<std::int8_t> output(a.size());
  const MultiplyArgs args{.a = {a.data(), zero.data()},
                          .b = {b.data(), zero.data()},
                          .channels = static_cast<int>(channels),
                          .requantization = constants.view(),
                          .output = output.data()};
  return measure([&] { table.multiply(args, {0, rows}); });
}

} // namespace

void add_multiply_checks(std::vector<Check> &checks) {
  checks.push_back({"multiply", "197 x 2048", round_multiply, time_multiply});
}

} // namespace intvit::test
