// Rotation of queries and keys.
#include "tests/checkasm/check.hpp"

namespace intvit::test {

using namespace kernels;

namespace {

struct Shape {
  int rows;
  int first;
  int heads;
  int head_dim;
  bool shared; // all heads have the same angles

  std::size_t width() const { return static_cast<std::size_t>(3 * heads * head_dim); }
  int table_columns() const { return (shared ? 1 : heads) * head_dim / 2; }
  std::size_t table_size() const {
    return static_cast<std::size_t>(rows - first) * static_cast<std::size_t>(table_columns());
  }
  RotateArgs arguments() const {
    return {.heads = heads,
            .head_dim = head_dim,
            .first = first,
            .row_stride = table_columns(),
            .head_stride = shared ? 0 : head_dim / 2};
  }
};

std::optional<Failure> round_rotate(const KernelTable &table, Random &random, GuardedMemory &memory) {
  const int row_count = random.between(1, 6);
  const Shape s{row_count, random.between(0, row_count - 1), random.between(1, 4), 2 * random.between(1, 48),
                random.between(0, 1) == 0};
  const std::size_t count = static_cast<std::size_t>(row_count) * s.width();
  auto input = random.values<std::int8_t>(count, INT8_MIN, INT8_MAX);
  maybe_extreme<std::int8_t>(random, input, INT8_MIN, INT8_MAX);
  const auto cosine = random.values<std::int16_t>(s.table_size(), -(1 << rotation_bits), 1 << rotation_bits);
  const auto sine = random.values<std::int16_t>(s.table_size(), -(1 << rotation_bits), 1 << rotation_bits);
  const int begin = random.between(0, row_count);
  const Range rows{begin, random.between(begin, row_count)};
  const OutputRange range{
      1, s.width(), rows, {0, static_cast<int>(s.width())}, static_cast<std::size_t>(rows.end) * s.width()};

  const auto canary = static_cast<std::byte>(random.bits());
  std::vector<std::byte> expected(range.bytes, canary);
  RotateArgs args = s.arguments();
  args.input = input.data();
  args.cosine = cosine.data();
  args.sine = sine.data();
  args.output = reinterpret_cast<std::int8_t *>(expected.data());
  reference_kernels().rotate(args, rows);

  const std::string shape = std::to_string(s.heads) + " heads of " + std::to_string(s.head_dim) + ", " +
                            std::to_string(s.first) + " rows unturned, " + range_text("rows", rows, row_count);
  const std::size_t turned =
      static_cast<std::size_t>(std::max(rows.end - s.first, 0)) * static_cast<std::size_t>(s.table_columns());
  for (const Against against : {Against::end, Against::begin}) {
    memory.restart(against, canary);
    std::byte *output = memory.output("output", range.bytes, 1);
    args.output = reinterpret_cast<std::int8_t *>(output);
    args.input = memory.input("input", input.data(), static_cast<std::size_t>(rows.end) * s.width());
    args.cosine = memory.input("cosine", cosine.data(), turned);
    args.sine = memory.input("sine", sine.data(), turned);
    const auto run = [&] { table.rotate(args, rows); };
    if (auto failure = run_guarded({shape, range, expected, output, memory}, run))
      return failure;
  }
  return std::nullopt;
}

Timing time_rotate(const KernelTable &table) {
  const Shape s{201, 5, 12, 64, true};
  Random random(1);
  const auto input = random.values<std::int8_t>(static_cast<std::size_t>(s.rows) * s.width(), -100, 100);
  const auto angles = random.values<std::int16_t>(s.table_size(), -11000, 11000);
  std::vector<std::int8_t> output(input.size());
  RotateArgs args = s.arguments();
  args.input = input.data();
  args.cosine = angles.data();
  args.sine = angles.data();
  args.output = output.data();
  return measure([&] { table.rotate(args, {0, s.rows}); });
}

} // namespace

void add_rotate_checks(std::vector<Check> &checks) {
  checks.push_back({"rotate", "201 x 12 x 64", round_rotate, time_rotate});
}

} // namespace intvit::test
