// The two passes of an image resize.
#include "tests/checkasm/check.hpp"

#include <algorithm>

#include "engine/image/resample_table.hpp"

namespace intvit::test {

using namespace kernels;

namespace {

enum class Pass { horizontal, vertical };

struct Case {
  int input_width = 1; // pixels
  int input_rows = 1;
  int output_width = 1;
  int output_rows = 1;
  std::ptrdiff_t input_stride = 3; // bytes
  std::ptrdiff_t output_stride = 3;
  ResampleTable table;
  std::vector<std::uint8_t> input; // nothing behind the last row
  std::string text;

  // Whatever follows the weights of the last window is not the call's.
  std::size_t weights() const {
    return (table.windows.size() - 1) * table.stride + static_cast<std::size_t>(table.windows.back().count);
  }
  std::size_t output_bytes() const {
    return static_cast<std::size_t>((output_rows - 1) * output_stride + output_width * 3);
  }
  ResampleArgs args() const {
    return {.input = input.data(),
            .input_stride = input_stride,
            .input_width = input_width,
            .windows = table.windows.data(),
            .weights = table.weights.data(),
            .weight_stride = static_cast<std::ptrdiff_t>(table.stride),
            .output = nullptr,
            .output_stride = output_stride,
            .output_width = output_width};
  }
};

void (*kernel(const KernelTable &table, Pass pass))(const ResampleArgs &, Range) {
  return pass == Pass::horizontal ? table.resample.horizontal : table.resample.vertical;
}

// Windows anywhere, with weights whose sums reach the bound.
ResampleTable extreme_table(Random &random, int inputs, int outputs) {
  ResampleTable table;
  table.stride = static_cast<std::size_t>(random.between(1, inputs));
  for (int i = 0; i < outputs; ++i) {
    const int count = random.between(1, static_cast<int>(table.stride));
    table.windows.push_back({random.between(0, inputs - count), count});
    const std::int32_t limit = max_resample_weight_sum / count;
    std::vector<std::int32_t> weights = random.values<std::int32_t>(table.stride, -limit, limit);
    maybe_extreme(random, weights, -limit, limit);
    table.weights.insert(table.weights.end(), weights.begin(), weights.end());
  }
  return table;
}

Case make_case(Pass pass, int inputs, int outputs, int others, ResampleTable table, Random &random) {
  Case c;
  c.input_width = pass == Pass::horizontal ? inputs : others;
  c.input_rows = pass == Pass::horizontal ? others : inputs;
  c.output_width = pass == Pass::horizontal ? outputs : others;
  c.output_rows = pass == Pass::horizontal ? others : outputs;
  c.input_stride = c.input_width * 3;
  c.output_stride = c.output_width * 3;
  c.table = std::move(table);
  c.input = random.values<std::uint8_t>(static_cast<std::size_t>(c.input_rows * c.input_stride), 0, 255);
  return c;
}

Case random_case(Pass pass, Random &random) {
  const int inputs = random.between(1, random.between(0, 3) == 0 ? 300 : 40);
  const int size = random.between(1, 60);
  const int first = random.between(0, size - 1);
  const int outputs = random.between(1, size - first);
  const int others = random.between(1, pass == Pass::horizontal ? 9 : 60);
  const bool extreme = random.between(0, 3) == 0;
  const auto filter = static_cast<ResizeFilter>(random.between(0, 3));
  Case c = make_case(
      pass, inputs, outputs, others,
      extreme ? extreme_table(random, inputs, outputs) : resample_table(inputs, size, filter, first, outputs), random);
  c.input_stride += random.between(0, 5);
  c.output_stride += random.between(0, 5);
  c.input = random.values<std::uint8_t>(
      static_cast<std::size_t>((c.input_rows - 1) * c.input_stride + c.input_width * 3), 0, 255);
  maybe_extreme<std::uint8_t>(random, c.input, 0, 255);
  c.text = std::to_string(c.input_width) + " x " + std::to_string(c.input_rows) + " to " +
           std::to_string(c.output_width) + " x " + std::to_string(c.output_rows) + ", " +
           (extreme ? "extreme weights" : std::string(name(filter)));
  return c;
}

template <Pass pass> std::optional<Failure> round(const KernelTable &table, Random &random, GuardedMemory &memory) {
  const Case c = random_case(pass, random);
  const int begin = random.between(0, c.output_rows - 1);
  const Range rows{begin, random.between(begin, c.output_rows)};
  const OutputRange range{
      1, static_cast<std::size_t>(c.output_stride), rows, {0, c.output_width * 3}, c.output_bytes()};

  const auto canary = static_cast<std::byte>(random.bits());
  std::vector<std::byte> expected(range.bytes, canary);
  ResampleArgs args = c.args();
  args.output = reinterpret_cast<std::uint8_t *>(expected.data());
  kernel(reference_kernels(), pass)(args, rows);

  const std::string shape = range_text("rows", rows, c.output_rows) + ", " + c.text;
  for (const Against against : {Against::end, Against::begin}) {
    memory.restart(against, canary);
    std::byte *output = memory.output("output", range.bytes, 1);
    args.input = memory.input("input", c.input.data(), c.input.size());
    args.windows = memory.input("windows", c.table.windows.data(), c.table.windows.size());
    args.weights = memory.input("weights", c.table.weights.data(), c.weights());
    args.output = reinterpret_cast<std::uint8_t *>(output);
    const auto run = [&] { kernel(table, pass)(args, rows); };
    if (auto failure = run_guarded({shape, range, expected, output, memory}, run))
      return failure;
  }
  return std::nullopt;
}

// What a photograph of 500 x 375 takes whose short side becomes 248.
template <Pass pass> Timing time(const KernelTable &table) {
  Random random(1);
  const bool horizontal = pass == Pass::horizontal;
  const int inputs = horizontal ? 500 : 375;
  const int outputs = horizontal ? 330 : 248;
  const int others = horizontal ? 375 : 330;
  const Case c = make_case(pass, inputs, outputs, others,
                           resample_table(inputs, outputs, ResizeFilter::bicubic, 0, outputs), random);
  std::vector<std::uint8_t> output(c.output_bytes());
  ResampleArgs args = c.args();
  args.output = output.data();
  Timing timing = measure([&] { kernel(table, pass)(args, {0, c.output_rows}); });
  for (const ResampleWindow &window : c.table.windows)
    timing.macs += 3.0 * window.count * others;
  return timing;
}

} // namespace

void add_resample_checks(std::vector<Check> &checks) {
  checks.push_back({"resample-horizontal", "500 x 375 to 330 x 375", round<Pass::horizontal>, time<Pass::horizontal>});
  checks.push_back({"resample-vertical", "330 x 375 to 330 x 248", round<Pass::vertical>, time<Pass::vertical>});
}

} // namespace intvit::test
