// LayerNorm by type of the residual stream and of the output.
#include "tests/checkasm/check.hpp"

#include <cstdlib>

#include "engine/ops/bounds.hpp"
#include "tests/kernels/aligned_bytes.hpp"
#include "tests/kernels/layer_norm_case.hpp"

namespace intvit::test {

using namespace kernels;

namespace {

std::optional<Failure> round(ElementType type, ElementType output_type, const KernelTable &table, Random &random,
                             GuardedMemory &memory) {
  constexpr std::size_t usual_channels[] = {192, 384, 768, 1024};
  const auto channels = random.between(0, 3) == 0
                            ? usual_channels[random.between(0, 3)] + random.between<std::size_t>(0, 2) - 1
                            : random.between<std::size_t>(1, 140);
  const Pattern pattern = patterns[random.between(0, 4)];
  Stream stream = make_stream(random, type, channels, pattern);
  stream.output_stride = channels + random.between<std::size_t>(0, 5);
  stream.centred = random.between(0, 3) != 0;
  const std::int64_t epsilon = std::abs(random.any_magnitude(max_layer_norm_epsilon));
  const Constants constants =
      random_constants(random, channels, static_cast<std::int64_t>(normalized_bound(static_cast<int>(channels))),
                       spread_beyond(output_type));
  const int row_count = static_cast<int>(stream.rows);
  const int begin = random.between(0, row_count);
  const Range rows{begin, random.between(begin, row_count)};
  const auto size = element_size(output_type);
  const OutputRange range{
      size, stream.output_stride, rows, {0, static_cast<int>(channels)}, stream.rows * stream.output_stride * size};

  const auto canary = static_cast<std::byte>(random.bits());
  std::vector<std::byte> expected(range.bytes, canary);
  reference_kernels().layer_norm(stream.args(epsilon, constants, expected.data(), output_type), rows);

  const std::string shape = range_text("rows", rows, row_count) + ", channels " + std::to_string(channels) +
                            ", pattern " + std::to_string(static_cast<int>(pattern)) + ", epsilon " +
                            std::to_string(epsilon) + (stream.centred ? "" : ", not centred");
  for (const Against against : {Against::end, Against::begin}) {
    memory.restart(against, canary);
    std::byte *output = memory.output("output", range.bytes, size);
    LayerNormArgs args = stream.args(epsilon, constants, output, output_type);
    const std::size_t code_size = type == ElementType::int8 ? 1 : 2;
    args.input.data =
        memory.input("input", args.input.data, ((stream.rows - 1) * stream.stride + channels) * code_size, code_size);
    // The wider stream has neither.
    args.alpha = type == ElementType::int8 ? memory.input("alpha", args.alpha, channels) : nullptr;
    args.zero_point = type == ElementType::int8 ? memory.input("zero_point", args.zero_point, channels) : nullptr;
    args.requantization.multiplier = memory.input("multiplier", args.requantization.multiplier, channels);
    args.requantization.offset = memory.input("offset", args.requantization.offset, channels);
    const auto run = [&] { table.layer_norm(args, rows); };
    if (auto failure = run_guarded({shape, range, expected, output, memory}, run))
      return failure;
  }
  return std::nullopt;
}

Timing time(ElementType type, ElementType output_type, const KernelTable &table) {
  constexpr std::size_t channels = 384;
  Random random(1);
  const Stream stream = make_stream(random, type, channels, Pattern::random);
  const Constants constants =
      random_constants(random, channels, static_cast<std::int64_t>(normalized_bound(static_cast<int>(channels))));
  AlignedBytes output(stream.rows * channels * element_size(output_type));
  const LayerNormArgs args = stream.args(1, constants, output.data(), output_type);
  return measure([&] { table.layer_norm(args, {0, static_cast<int>(stream.rows)}); });
}

template <ElementType type, ElementType output_type = ElementType::int8> Check layer_norm_check(const char *name) {
  return {name, "4 x 384",
          [](const KernelTable &table, Random &random, GuardedMemory &memory) {
            return round(type, output_type, table, random, memory);
          },
          [](const KernelTable &table) { return time(type, output_type, table); }};
}

} // namespace

void add_layer_norm_checks(std::vector<Check> &checks) {
  checks.push_back(layer_norm_check<ElementType::int8>("layer_norm_int8"));
  checks.push_back(layer_norm_check<ElementType::int16>("layer_norm_int16"));
  checks.push_back(layer_norm_check<ElementType::int8, ElementType::int16>("layer_norm_to_int16"));
  checks.push_back(layer_norm_check<ElementType::int16, ElementType::int32>("layer_norm_to_int32"));
}

} // namespace intvit::test
