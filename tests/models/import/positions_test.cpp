// Position embeddings at other sizes against torch.nn.functional.interpolate(mode="bicubic"), whose results are stored.
#include "models/architectures/positions.hpp"

#include <catch2/catch.hpp>

using namespace intvit;

namespace {

// A grid of `height` x `width` cells and one channel, far from smooth.
RowMatrix grid(int height, int width) {
  RowMatrix result(height * width, 1);
  for (int i = 0; i < height * width; ++i)
    result(i, 0) = static_cast<float>(i * i * 7 % 23) / 8;
  return result;
}

void check(const RowMatrix &actual, const std::vector<float> &expected) {
  REQUIRE(actual.rows() == static_cast<Eigen::Index>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(actual(static_cast<Eigen::Index>(i), 0) == Approx(expected[i]).margin(1e-5));
  }
}

} // namespace

TEST_CASE("resampled positions equal torch's, with antialiasing and without") {
  check(resample_positions(grid(4, 3), 4, 3, 2, 2, Resampling::cubic), {1.172058F, 1.348938F, 2.279358F, 1.849792F});
  check(resample_positions(grid(3, 4), 3, 4, 5, 6, Resampling::cubic),
        {-0.3294965F, 0.3101876F, 0.7986447F, 0.3482512F, 1.214313F, 2.22075F,  1.037589F, 1.09525F,
         1.255897F,   1.441999F,  1.98025F,   2.404665F,  2.565104F, 2.03125F,  1.830585F, 2.604312F,
         2.78125F,    2.61415F,   2.000354F,  1.931547F,  1.885272F, 1.924124F, 2.255453F, 2.5534F,
         1.213181F,   1.650219F,  1.807117F,  1.120779F,  1.655282F, 2.459074F});
  check(resample_positions(grid(5, 5), 5, 5, 3, 7, Resampling::cubic),
        {0.5072753F, 1.127997F, 1.500473F, 1.268519F, 1.67626F,   2.132714F,  2.335312F,
         1.161443F,  1.902697F, 2.547194F, 2.375F,    1.478498F,  1.394315F,  1.924199F,
         1.945214F,  1.509043F, 1.297028F, 1.486111F, 0.7355171F, 0.8372069F, 1.487623F});
  check(resample_positions(grid(4, 3), 4, 3, 2, 2, Resampling::antialiased),
        {1.464117F, 1.416701F, 2.26553F, 1.94146F});
  check(resample_positions(grid(3, 4), 3, 4, 5, 6, Resampling::antialiased),
        {-0.2543133F, 0.3010544F, 0.8064673F, 0.423715F, 1.303413F, 2.194017F, 0.9108528F, 1.029083F,
         1.212043F,   1.35836F,   1.915606F,  2.369072F, 2.549342F, 2.088235F, 1.828414F,  2.628183F,
         2.742647F,   2.616776F,  1.882266F,  1.876207F, 1.862696F, 1.835505F, 2.19628F,   2.525456F,
         1.250993F,   1.613763F,  1.814722F,  1.163102F, 1.738346F, 2.436352F});
  check(resample_positions(grid(5, 5), 5, 5, 3, 7, Resampling::antialiased),
        {0.6849141F, 1.266503F, 1.664695F, 1.451923F, 1.680674F,  2.009839F, 2.245575F,
         1.346258F,  2.107384F, 2.775712F, 2.65F,     1.670586F,  1.611396F, 2.079431F,
         1.822311F,  1.592398F, 1.503005F, 1.657692F, 0.9063468F, 1.043256F, 1.617625F});
}

TEST_CASE("positions of the same grid stay what they are") {
  CHECK(resample_positions(grid(4, 3), 4, 3, 4, 3, Resampling::antialiased) == grid(4, 3));
  CHECK(resample_positions(grid(4, 3), 4, 3, 4, 3, Resampling::cubic) == grid(4, 3));
}
