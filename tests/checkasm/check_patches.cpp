// Cutting an image into patches.
#include "tests/checkasm/check.hpp"

#include "tests/kernels/aligned_bytes.hpp"

namespace intvit::test {

using namespace kernels;

namespace {

std::optional<Failure> round_patches(const KernelTable &table, Random &random, GuardedMemory &memory) {
  constexpr int usual_sides[] = {4, 8, 14, 16, 32};
  const int patch = random.between(0, 1) == 0 ? usual_sides[random.between(0, 4)] : random.between(1, 33);
  const int columns = random.between(1, 6);
  const int rows = random.between(1, 6);
  const int count = rows * columns;
  const auto length = static_cast<std::size_t>(patch * patch * 3);
  const std::size_t bytes = length * static_cast<std::size_t>(count);
  // Pixels at the right may fill no patch; those below are not part of the operand, so none may be read.
  const int width = columns * patch + (random.between(0, 1) == 0 ? 0 : random.between(0, patch - 1));
  std::vector<std::uint8_t> rgb =
      random.values<std::uint8_t>(static_cast<std::size_t>(width) * static_cast<std::size_t>(rows * patch * 3), 0, 255);
  maybe_extreme<std::uint8_t>(random, rgb, 0, 255);
  const int begin = random.between(0, count - 1);
  const Range patches{begin, random.between(begin, count)};
  const OutputRange range{1, length, patches, {0, static_cast<int>(length)}, bytes};

  const auto canary = static_cast<std::byte>(random.bits());
  std::vector<std::byte> expected(range.bytes, canary);
  reference_kernels().patches({rgb.data(), width, patch, reinterpret_cast<std::int8_t *>(expected.data())}, patches);

  const std::string shape = range_text("patches", patches, count) + ", " + std::to_string(columns) + " a row of " +
                            std::to_string(width) + " pixels, side " + std::to_string(patch);
  for (const Against against : {Against::end, Against::begin}) {
    memory.restart(against, canary);
    std::byte *output = memory.output("output", bytes, 1);
    const PatchesArgs args{memory.input("rgb", rgb.data(), rgb.size()), width, patch,
                           reinterpret_cast<std::int8_t *>(output)};
    const auto run = [&] { table.patches(args, patches); };
    if (auto failure = run_guarded({shape, range, expected, output, memory}, run))
      return failure;
  }
  return std::nullopt;
}

Timing time_patches(const KernelTable &table) {
  constexpr int side = 224;
  Random random(1);
  const std::vector<std::uint8_t> rgb = random.values<std::uint8_t>(std::size_t{side} * side * 3, 0, 255);
  AlignedBytes output(rgb.size());
  const PatchesArgs args{rgb.data(), side, 16, reinterpret_cast<std::int8_t *>(output.data())};
  return measure([&] { table.patches(args, {0, side / 16 * (side / 16)}); });
}

} // namespace

void add_patches_checks(std::vector<Check> &checks) {
  checks.push_back({"patches", "224 x 224, side 16", round_patches, time_patches});
}

} // namespace intvit::test
