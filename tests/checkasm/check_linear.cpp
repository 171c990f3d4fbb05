// Matrix products, their packers included.
#include "tests/checkasm/check.hpp"

#include "tests/kernels/aligned_bytes.hpp"
#include "tests/kernels/linear_case.hpp"

namespace intvit::test {

using namespace kernels;

namespace {

// Mostly a few tiles with tails on every side; now and then deep products, and more rows than a kernel prepares at
// once.
LinearShape random_shape(Random &random, const LinearKernel &kernel) {
  const int few_rows = std::max(2 * kernel.tile_rows + 1, 9);
  const int few_columns = std::max(2 * kernel.tile_columns + 1, 33);
  const int choice = random.between(0, 15);
  if (choice == 0)
    return {random.between(1, few_rows), 64 * random.between(3, 48) + random.between(-1, 1),
            random.between(1, few_columns)};
  if (choice == 1)
    return {random.between(1, 40 * kernel.tile_rows), random.between(1, 70), random.between(1, few_columns)};
  return {random.between(1, few_rows), random.between(1, 140), random.between(1, few_columns)};
}

// Begins at a multiple of the tile, as kernels ask; the whole range half of the time.
Range random_range(Random &random, int tile, int count) {
  if ((random.bits() & 1) != 0)
    return {0, count};
  const int begin = random.between(0, (count - 1) / tile) * tile;
  return {begin, random.between(begin, count)};
}

// Bytes from the first to the last element of a matrix: the last row is not padded to the stride.
std::size_t extent(std::size_t rows, std::size_t stride, std::size_t columns, std::size_t element_size) {
  return ((rows - 1) * stride + columns) * element_size;
}

std::optional<Failure> round(Epilogue epilogue, WeightFormat format, const KernelTable &table, Random &random,
                             GuardedMemory &memory) {
  const LinearKernel &kernel = table.linear;
  LinearCase linear = make_linear(random, random_shape(random, kernel), epilogue, format);
  maybe_extreme<std::int8_t>(random, linear.input, -128, 127);
  if (format == WeightFormat::int8)
    maybe_extreme<std::int8_t>(random, linear.weights, -128, 127);
  maybe_extreme<std::int8_t>(random, linear.stream8, -128, 127);
  maybe_extreme<std::int16_t>(random, linear.stream16, -32768, 32767);
  const auto &[row_count, inputs, outputs] = linear.shape;
  const int in_features = inputs; // clang 14 takes no structured bindings into lambdas
  const int out_features = outputs;
  const auto rows_all = static_cast<std::size_t>(row_count);
  const auto in = static_cast<std::size_t>(in_features);
  const auto out = static_cast<std::size_t>(out_features);
  const Range rows = random_range(random, kernel.tile_rows, row_count);
  const Range columns = random_range(random, kernel.tile_columns, out_features);
  const std::size_t size = linear.element_size();
  const OutputRange range{size, linear.output_stride, rows, columns, extent(rows_all, linear.output_stride, out, size)};

  const auto canary = static_cast<std::byte>(random.bits());
  std::vector<std::byte> expected(range.bytes, canary);
  const LinearKernel &reference = reference_kernels().linear;
  AlignedBytes reference_packed(linear.format(reference).packed_bytes(linear.weights_view()));
  linear.format(reference).pack(linear.weights_view(), linear.constants.view(), reference_packed.data());
  AlignedBytes reference_scratch(linear.format(reference).scratch_bytes(in_features));
  reference.run(linear.args(reference_packed.data(), expected.data(), reference_scratch.data()), rows, columns);

  const std::string shape = "in " + std::to_string(in_features) + ", " + range_text("rows", rows, row_count) + ", " +
                            range_text("columns", columns, out_features);
  for (const Against against : {Against::end, Against::begin}) {
    memory.restart(against, canary);
    std::byte *packed = memory.output("packed", linear.format(kernel).packed_bytes(linear.weights_view()), 64);
    {
      WeightsView weights = linear.weights_view();
      weights.int8 = memory.input("weights", weights.int8, out * in);
      FourBitMatrix &words = weights.four_bits;
      words.first = memory.input("first words", words.first, linear.four_bits.first.size());
      words.groups = memory.input("groups", words.groups, linear.four_bits.groups.size());
      words.second = memory.input("second words", words.second, linear.four_bits.second.size());
      const Requantization requantization{memory.input("multiplier", linear.constants.multiplier.data(), out),
                                          memory.input("offset", linear.constants.offset.data(), out),
                                          linear.constants.shift};
      const auto pack = [&] { linear.format(kernel).pack(weights, requantization, packed); };
      if (auto failure = run_guarded({"packing, " + shape, range, expected, nullptr, memory}, pack))
        return failure;
    }
    memory.make_read_only(packed);
    std::byte *output = memory.output("output", range.bytes, size);
    std::byte *scratch = memory.output("scratch", linear.format(kernel).scratch_bytes(in_features), 64);
    LinearArgs args = linear.args(packed, output, scratch);
    args.input = memory.input("input", args.input, extent(rows_all, linear.input_stride, in, 1));
    args.gelu.multiplier = memory.input("gelu.multiplier", args.gelu.multiplier, out);
    args.gelu.zero_point = memory.input("gelu.zero_point", args.gelu.zero_point, out);
    args.residual.multiplier = memory.input("residual.multiplier", args.residual.multiplier, out);
    if (epilogue == Epilogue::residual) {
      const std::size_t stream_size = linear.stream_type == ElementType::int8 ? 1 : 2;
      args.residual.stream.data = memory.input("residual.stream", args.residual.stream.data,
                                               extent(rows_all, linear.stream_stride, out, stream_size), stream_size);
    }
    const auto run = [&] { kernel.run(args, rows, columns); };
    if (auto failure = run_guarded({shape, range, expected, output, memory}, run))
      return failure;
  }
  return std::nullopt;
}

Timing time(Epilogue epilogue, WeightFormat format, const KernelTable &table) {
  const LinearKernel &kernel = table.linear;
  constexpr LinearShape shape{197, 384, 384};
  Random random(1);
  const LinearCase linear = make_linear(random, shape, epilogue, format);
  AlignedBytes packed(linear.format(kernel).packed_bytes(linear.weights_view()));
  linear.format(kernel).pack(linear.weights_view(), linear.constants.view(), packed.data());
  AlignedBytes scratch(linear.format(kernel).scratch_bytes(shape.in_features));
  AlignedBytes output(static_cast<std::size_t>(shape.rows) * linear.output_stride * linear.element_size());
  const LinearArgs args = linear.args(packed.data(), output.data(), scratch.data());
  Timing timing = measure([&] { kernel.run(args, {0, shape.rows}, {0, shape.out_features}); });
  timing.macs = double{shape.rows} * shape.in_features * shape.out_features;
  return timing;
}

} // namespace

template <Epilogue epilogue, WeightFormat format = WeightFormat::int8> Check linear_check(const char *name) {
  return {name, "197 x 384 x 384",
          [](const KernelTable &table, Random &random, GuardedMemory &memory) {
            return round(epilogue, format, table, random, memory);
          },
          [](const KernelTable &table) { return time(epilogue, format, table); }};
}

void add_linear_checks(std::vector<Check> &checks) {
  checks.push_back(linear_check<Epilogue::requantize>("linear_requantize"));
  checks.push_back(linear_check<Epilogue::requantize16>("linear_requantize16"));
  checks.push_back(linear_check<Epilogue::gelu>("linear_gelu"));
  checks.push_back(linear_check<Epilogue::residual>("linear_residual"));
  checks.push_back(linear_check<Epilogue::logits>("linear_logits"));
  checks.push_back(linear_check<Epilogue::requantize, WeightFormat::stlq_tiles>("linear_stlq_tiles"));
  checks.push_back(linear_check<Epilogue::requantize, WeightFormat::stlq_groups>("linear_stlq"));
  checks.push_back(linear_check<Epilogue::requantize, WeightFormat::int4>("linear_int4"));
  checks.push_back(linear_check<Epilogue::requantize, WeightFormat::int4_wide>("linear_int4_wide"));
}

} // namespace intvit::test
