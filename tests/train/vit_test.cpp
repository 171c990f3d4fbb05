#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <torch/torch.h>

#include "tests/support/data.hpp"
#include "tests/support/small_vit.hpp"
#include "train/vit.hpp"
#include "train/weights.hpp"

using namespace intvit;
using namespace intvit::train;

namespace {

using Rows = std::vector<std::vector<double>>;

// The forward pass once more, in double, one number at a time, from the paper's formulas and timm's names.
class PlainVit {
public:
  explicit PlainVit(const Vit &vit) : config_(vit.config()) {
    for (const StateTensor &parameter : vit.parameters()) {
      const torch::Tensor flat = parameter.value.detach().flatten().to(torch::kFloat64).contiguous();
      weights_[parameter.name] = {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
    }
  }

  std::vector<double> logits(const torch::Tensor &image) const {
    const auto pixels = image.accessor<float, 3>();
    const std::int64_t side = config_.image_height / config_.patch;
    Rows x(1, weights_.at("cls_token"));
    for (std::int64_t patch = 0; patch < side * side; ++patch) {
      std::vector<double> row;
      for (std::int64_t c = 0; c < 3; ++c)
        for (std::int64_t y = 0; y < config_.patch; ++y)
          for (std::int64_t x_in = 0; x_in < config_.patch; ++x_in)
            row.push_back(pixels[c][patch / side * config_.patch + y][patch % side * config_.patch + x_in]);
      x.push_back(linear(row, "patch_embed.proj"));
    }
    for (std::size_t n = 0; n < x.size(); ++n)
      for (std::size_t d = 0; d < x[n].size(); ++d)
        x[n][d] += weights_.at("pos_embed")[n * x[n].size() + d];
    for (std::int64_t i = 0; i < config_.depth; ++i) {
      const std::string name = "blocks." + std::to_string(i) + ".";
      attend(x, name);
      for (auto &row : x) {
        std::vector<double> hidden = linear(norm(row, name + "norm2"), name + "mlp.fc1");
        for (double &h : hidden)
          h *= 0.5 * (1 + std::erf(h / std::sqrt(2.0)));
        add(row, linear(hidden, name + "mlp.fc2"));
      }
    }
    return linear(norm(x[0], "norm"), "head");
  }

private:
  static void add(std::vector<double> &to, const std::vector<double> &from) {
    for (std::size_t i = 0; i < to.size(); ++i)
      to[i] += from[i];
  }

  std::vector<double> linear(const std::vector<double> &x, const std::string &name) const {
    const auto &weight = weights_.at(name + ".weight");
    std::vector<double> y = weights_.at(name + ".bias");
    for (std::size_t o = 0; o < y.size(); ++o)
      for (std::size_t i = 0; i < x.size(); ++i)
        y[o] += weight[o * x.size() + i] * x[i];
    return y;
  }

  std::vector<double> norm(const std::vector<double> &x, const std::string &name) const {
    double mean = 0;
    double variance = 0;
    const auto count = static_cast<double>(x.size());
    for (const double v : x)
      mean += v / count;
    for (const double v : x)
      variance += (v - mean) * (v - mean) / count;
    std::vector<double> y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      y[i] = (x[i] - mean) / std::sqrt(variance + 1e-6) * weights_.at(name + ".weight")[i] +
             weights_.at(name + ".bias")[i];
    return y;
  }

  void attend(Rows &x, const std::string &name) const {
    const auto width = static_cast<std::size_t>(config_.channels);
    const std::size_t head_width = width / static_cast<std::size_t>(config_.heads);
    Rows qkv;
    for (const auto &row : x)
      qkv.push_back(linear(norm(row, name + "norm1"), name + "attn.qkv"));
    for (std::size_t n = 0; n < x.size(); ++n) {
      std::vector<double> mixed(width, 0);
      for (std::size_t h = 0; h < width; h += head_width) {
        std::vector<double> score(x.size(), 0);
        double sum = 0;
        for (std::size_t m = 0; m < x.size(); ++m) {
          for (std::size_t d = h; d < h + head_width; ++d)
            score[m] += qkv[n][d] * qkv[m][width + d] / std::sqrt(static_cast<double>(head_width));
          sum += score[m] = std::exp(score[m]);
        }
        for (std::size_t m = 0; m < x.size(); ++m)
          for (std::size_t d = h; d < h + head_width; ++d)
            mixed[d] += score[m] / sum * qkv[m][2 * width + d];
      }
      add(x[n], linear(mixed, name + "attn.proj"));
    }
  }

  VitConfig config_;
  std::map<std::string, std::vector<double>> weights_;
};

VitConfig small_config() {
  return test::small_vit_config(
      {.height = 12, .width = 12, .patch = 4, .channels = 12, .heads = 3, .hidden = 20, .classes = 4});
}

// A model whose every parameter matters: biases and norms are not left at 0 and 1, weights are large.
Vit stirred(const VitConfig &config) {
  Vit vit(config, 1);
  const torch::NoGradGuard no_grad;
  for (const StateTensor &parameter : vit.parameters()) {
    torch::Tensor value = parameter.value;
    value.add_(torch::randn_like(value) * 0.3);
  }
  return vit;
}

} // namespace

TEST_CASE("forward computes a Vision Transformer") {
  const Vit vit = stirred(small_config());
  const PlainVit plain(vit);
  const torch::Tensor images = torch::randn({3, 3, 12, 12});
  const torch::Tensor logits = vit.forward(images, Precision::f32);
  REQUIRE(logits.sizes() == torch::IntArrayRef({3, 4}));
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::vector<double> want = plain.logits(images[i]);
    for (std::int64_t c = 0; c < 4; ++c)
      CHECK(logits[i][c].item<double>() == Approx(want[static_cast<std::size_t>(c)]).margin(1e-4));
  }
}

TEST_CASE("bf16 products stay near float32 and gradients reach every parameter") {
  const Vit vit = stirred(small_config());
  const torch::Tensor images = torch::randn({5, 3, 12, 12});
  const torch::Tensor exact = vit.forward(images, Precision::f32);
  const torch::Tensor rounded = vit.forward(images, Precision::bf16);
  CHECK(rounded.scalar_type() == torch::kFloat32);
  CHECK((exact - rounded).norm().item<double>() < 0.03 * exact.norm().item<double>());
  CHECK_FALSE(torch::equal(exact, rounded));
  rounded.square().sum().backward();
  for (const StateTensor &parameter : vit.parameters()) {
    INFO(parameter.name);
    REQUIRE(parameter.value.grad().defined());
    CHECK(parameter.value.grad().abs().sum().item<double>() > 0);
  }
}

TEST_CASE("the seed decides the weights") {
  const Vit a(small_config(), 5);
  const Vit b(small_config(), 5);
  const Vit c(small_config(), 6);
  for (std::size_t i = 0; i < a.parameters().size(); ++i)
    CHECK(torch::equal(a.parameters()[i].value, b.parameters()[i].value));
  CHECK_FALSE(torch::equal(a.parameters()[1].value, c.parameters()[1].value));
}

TEST_CASE("matrices start as a normal distribution cut at two deviations of 0.02") {
  VitConfig config = small_config();
  config.channels = 192;
  config.mlp_hidden = 768;
  const Vit vit(config, 2);
  for (const StateTensor &parameter : vit.parameters()) {
    if (parameter.name != "blocks.1.mlp.fc1.weight")
      continue;
    CHECK(parameter.value.abs().max().item<double>() <= 0.0400001);
    // A unit normal cut at two deviations has deviation 0.8796.
    CHECK(parameter.value.std().item<double>() == Approx(0.02 * 0.8796).epsilon(0.01));
    CHECK(parameter.value.mean().item<double>() == Approx(0).margin(2e-4));
  }
}

TEST_CASE("names and shapes are timm's") {
  const auto path = test::shared_data("weights/deit_tiny_patch16_224.safetensors");
  if (!path)
    return;
  VitConfig config = default_vit();
  config.image_height = 224;
  config.image_width = 224;
  config.patch = 16;
  config.channels = 192;
  config.depth = 12;
  config.heads = 3;
  config.mlp_hidden = 768;
  config.classes = 1000;
  const Vit vit(config, 0);
  const SafetensorsFile file = open_safetensors(*path);
  CHECK(vit.parameters().size() == file.tensors().size());
  for (const StateTensor &parameter : vit.parameters()) {
    INFO(parameter.name);
    const TensorView *view = file.find(parameter.name);
    REQUIRE(view != nullptr);
    CHECK(view->shape == parameter.value.sizes().vec());
  }
}
