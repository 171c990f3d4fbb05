// Log-Int-Softmax against the codes that FQ-ViT's published code computes.
#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include "engine/ops/bounds.hpp"
#include "kernels/softmax.hpp"
#include "tests/kernels/fqvit.hpp"
#include "tests/kernels/golden.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

TEST_CASE("log_int_softmax: FQ-ViT's codes, but for its own rounding of scores") {
  const auto file = open_golden();
  if (!file)
    return;
  constexpr int zero = 16; // codes of 4 bits: probability 0
  std::size_t codes = 0;
  std::size_t different = 0;
  for (const std::string name : {"lis0", "lis1", "lis2", "lis3"}) {
    const auto scores = golden_values<std::uint8_t>(*file, name + ".scores");
    const auto golden = golden_values<std::uint8_t>(*file, name + ".codes");
    const double scale = golden_values<double>(*file, name + ".scale")[0];
    const auto tokens = static_cast<std::size_t>(file->find(name + ".scores")->shape[1]);
    int octaves = 30;
    while (!intvit::exp_table_is_valid(fqvit_polynomial(scale, octaves), static_cast<int>(tokens)))
      --octaves;
    const ExpPolynomial polynomial = fqvit_polynomial(scale, octaves);
    const ExpTable table = build_exp_table(polynomial);
    std::size_t different_here = 0;

    for (std::size_t row = 0; row < scores.size(); row += tokens) {
      const int largest = *std::max_element(&scores[row], &scores[row] + tokens);
      std::uint32_t sum = 0;
      double fqvit_sum = 0;
      // FQ-ViT sees real scores and divides them by the scale again.
      const auto fqvit_distance = [&](std::size_t i) { return scores[i] * scale / scale - largest * scale / scale; };
      for (std::size_t i = row; i < row + tokens; ++i) {
        sum += table[static_cast<std::size_t>(largest - scores[i])];
        fqvit_sum += fqvit_exp(fqvit_distance(i), scale);
      }
      for (std::size_t i = row; i < row + tokens; ++i) {
        const int expected = golden[i] == 255 ? zero : golden[i];
        if (std::min(fqvit_code(fqvit_sum, fqvit_exp(fqvit_distance(i), scale)), zero) != expected)
          FAIL("FQ-ViT's rule in double does not give the golden code " << i << " of " << name);
        const int distance = largest - scores[i];
        if (std::min(log_int_softmax_code(sum, table[static_cast<std::size_t>(distance)]), zero) == expected)
          continue;
        // A distance of whole octaves came out a little short of the integer, so that FQ-ViT took the end of the octave
        // before instead of the beginning of this one. With the integer it agrees with us.
        const int octave = distance / polynomial.units_per_octave;
        CHECK(distance % polynomial.units_per_octave == 0);
        CHECK(fqvit_octave(fqvit_distance(i), scale) == octave - 1);
        ++different_here;
      }
    }
    CAPTURE(name, octaves, different_here);
    CHECK(different_here == (name == "lis3" ? 6U : 0U));
    codes += golden.size();
    different += different_here;
  }
  CHECK(codes == 18'912);
  CHECK(different == 6);
}
