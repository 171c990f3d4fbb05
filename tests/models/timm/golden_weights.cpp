#include "tests/models/timm/golden_weights.hpp"

#include <cmath>
#include <functional>
#include <numeric>
#include <random>

namespace intvit::test {

namespace {

struct Range {
  float low;
  float high;
};

Range range_of(const std::string &name, const std::vector<std::int64_t> &shape, std::int64_t elements) {
  if (name.ends_with("relative_position_bias_table") || name.ends_with("_token") || name == "pos_embed")
    return {-1.0F, 1.0F};
  if (name.ends_with(".gamma"))
    return {0.25F, 1.0F};
  if (name.ends_with(".bias"))
    return {-0.25F, 0.25F};
  if (name.find("norm") != std::string::npos)
    return {0.5F, 1.5F};
  if (name.ends_with(".logit_scale")) // up to beyond log(100), to which it is cut
    return {1.0F, 6.0F};
  const float high = std::sqrt(3.0F / static_cast<float>(elements / shape.front()));
  return {-high, high};
}

} // namespace

WeightTensor golden_tensor(const std::string &name, const std::vector<std::int64_t> &shape) {
  std::uint32_t hash = 2166136261U;
  for (const char character : name)
    hash = (hash ^ static_cast<std::uint8_t>(character)) * 16777619U;
  std::mt19937 generator(hash);
  const std::int64_t elements = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  const Range range = range_of(name, shape, elements);
  WeightTensor tensor{shape, std::vector<float>(static_cast<std::size_t>(elements))};
  for (float &value : tensor.values)
    value = range.low + (range.high - range.low) * (static_cast<float>(generator() >> 8) * 0x1p-24F);
  return tensor;
}

Image golden_image(int width, int height) {
  std::mt19937 generator(1);
  Image image{width, height, {}};
  image.rgb.resize(image.row_bytes() * static_cast<std::size_t>(height));
  for (std::uint8_t &value : image.rgb)
    value = static_cast<std::uint8_t>(generator() >> 24);
  return image;
}

} // namespace intvit::test
