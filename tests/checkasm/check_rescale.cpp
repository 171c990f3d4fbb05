// Codes to other scales, of all types, alone and added to a stream.
#include "tests/checkasm/check.hpp"

#include "tests/kernels/constants.hpp"

namespace intvit::test {

using namespace kernels;

namespace {

// Codes of either type, in rows that may lie apart.
struct Codes {
  ElementType type;
  std::size_t stride;
  std::vector<std::byte> bytes;

  Codes(Random &random, int rows, std::size_t channels)
      : type(static_cast<ElementType>(random.between(0, 1))), stride(channels + random.between<std::size_t>(0, 5)),
        bytes(static_cast<std::size_t>(rows) * stride * element_size(type)) {
    for (std::byte &byte : bytes)
      byte = static_cast<std::byte>(random.bits());
  }

  StreamCodes view(const void *data) const { return {data, type, static_cast<std::ptrdiff_t>(stride)}; }
  // What a call reads of them.
  StreamCodes guarded(GuardedMemory &memory, const char *name, Range rows, std::size_t channels) const {
    const std::size_t read =
        rows.end == 0 ? 0 : (static_cast<std::size_t>(rows.end - 1) * stride + channels) * element_size(type);
    return view(memory.input(name, bytes.data(), read, element_size(type)));
  }
};

std::optional<Failure> round_rescale(const KernelTable &table, Random &random, GuardedMemory &memory) {
  const int row_count = random.between(1, 20);
  const auto channels = random.between<std::size_t>(1, 150);
  const Codes input(random, row_count, channels);
  const Codes stream(random, row_count, channels);
  const bool adds = random.between(0, 1) == 1;
  const auto type = static_cast<ElementType>(random.between(0, 1));
  const Constants constants = random_constants(random, channels, 1 << 16, spread_beyond(type));
  const int residual_shift = random.between(0, max_residual_shift(stream.type));
  const auto residual_multiplier =
      residual_multipliers(random, constants, 1 << 15, std::int64_t{1 << 15} << residual_shift);
  const int begin = random.between(0, row_count);
  const Range rows{begin, random.between(begin, row_count)};
  const auto size = element_size(type);
  const std::size_t output_stride = channels + random.between<std::size_t>(0, 7);
  const OutputRange range{size,
                          output_stride,
                          rows,
                          {0, static_cast<int>(channels)},
                          static_cast<std::size_t>(rows.end) * output_stride * size};

  const auto canary = static_cast<std::byte>(random.bits());
  std::vector<std::byte> expected(range.bytes, canary);
  RescaleArgs args{.input = input.view(input.bytes.data()),
                   .channels = static_cast<int>(channels),
                   .requantization = constants.view(),
                   .residual = {},
                   .output = expected.data(),
                   .output_type = type,
                   .output_stride = static_cast<std::ptrdiff_t>(output_stride)};
  if (adds)
    args.residual = {stream.view(stream.bytes.data()), residual_multiplier.data(), residual_shift};
  reference_kernels().rescale(args, rows);

  const std::string shape = std::to_string(channels) + " channels, " + range_text("rows", rows, row_count);
  for (const Against against : {Against::end, Against::begin}) {
    memory.restart(against, canary);
    std::byte *output = memory.output("output", range.bytes, size);
    args.output = output;
    args.input = input.guarded(memory, "input", rows, channels);
    if (adds) {
      args.residual.stream = stream.guarded(memory, "residual", rows, channels);
      args.residual.multiplier = memory.input("residual_multiplier", residual_multiplier.data(), channels);
    }
    args.requantization.multiplier = memory.input("multiplier", constants.multiplier.data(), channels);
    args.requantization.offset = memory.input("offset", constants.offset.data(), channels);
    const auto run = [&] { table.rescale(args, rows); };
    if (auto failure = run_guarded({shape, range, expected, output, memory}, run))
      return failure;
  }
  return std::nullopt;
}

Timing time_rescale(const KernelTable &table) {
  constexpr int rows = 256;
  constexpr std::size_t channels = 384;
  Random random(1);
  const auto input = random.values<std::int16_t>(rows * channels, -30000, 30000);
  const auto stream = random.values<std::int16_t>(rows * channels, -30000, 30000);
  const Constants constants = random_constants(random, channels, 1 << 16);
  const auto residual_multiplier = random.values<std::int32_t>(channels, -9999, 9999);
  std::vector<std::int16_t> output(input.size());
  const RescaleArgs args{.input = {input.data(), ElementType::int16, channels},
                         .channels = static_cast<int>(channels),
                         .requantization = constants.view(),
                         .residual = {{stream.data(), ElementType::int16, channels}, residual_multiplier.data(), 10},
                         .output = output.data(),
                         .output_type = ElementType::int16,
                         .output_stride = channels};
  return measure([&] { table.rescale(args, {0, rows}); });
}

} // namespace

void add_rescale_checks(std::vector<Check> &checks) {
  checks.push_back({"rescale", "256 x 384", round_rescale, time_rescale});
}

} // namespace intvit::test
