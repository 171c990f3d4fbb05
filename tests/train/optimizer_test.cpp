#include <catch2/catch.hpp>
#include <cmath>
#include <torch/torch.h>

#include "train/optimizer.hpp"

using namespace intvit::train;

namespace {

StateTensor parameter(const std::string &name, const torch::Tensor &value) {
  return {name, value.clone().requires_grad_(true)};
}

void set_gradient(const StateTensor &parameter, const torch::Tensor &gradient) {
  torch::Tensor value = parameter.value;
  value.mutable_grad() = gradient.clone();
}

} // namespace

TEST_CASE("AdamW follows its formulas, with decay on matrices only") {
  const StateTensor matrix = parameter("head.weight", torch::full({1, 2}, 2.0));
  const StateTensor bias = parameter("head.bias", torch::full({2}, 2.0));
  Optimizer optimizer({matrix, bias}, OptimizerKind::adamw, 0.1);
  double m = 0, v = 0, w = 2, b = 2;
  for (int step = 0; step < 5; ++step) {
    const double gradient = 0.3 * step - 0.5;
    set_gradient(matrix, torch::full({1, 2}, gradient));
    set_gradient(bias, torch::full({2}, gradient));
    optimizer.update(0.01, static_cast<std::uint64_t>(step));
    m = 0.9 * m + 0.1 * gradient;
    v = 0.99 * v + 0.01 * gradient * gradient;
    const double move =
        0.01 * m / (1 - std::pow(0.9, step + 1)) / (std::sqrt(v / (1 - std::pow(0.99, step + 1))) + 1e-8);
    w = w * (1 - 0.01 * 0.1) - move;
    b -= move;
    CHECK(matrix.value[0][1].item<double>() == Approx(w).epsilon(1e-5));
    CHECK(bias.value[1].item<double>() == Approx(b).epsilon(1e-5));
    CHECK_FALSE(matrix.value.grad().defined()); // cleared for the next step
  }
}

TEST_CASE("class token and positions do not decay, patch embedding does") {
  const std::vector<StateTensor> parameters = {
      parameter("cls_token", torch::ones({1, 1, 4})), parameter("pos_embed", torch::ones({1, 3, 4})),
      parameter("norm.weight", torch::ones({4})), parameter("patch_embed.proj.weight", torch::ones({4, 3, 2, 2}))};
  for (const OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::muon}) {
    Optimizer optimizer(parameters, kind, 0.5);
    for (const StateTensor &p : parameters)
      set_gradient(p, torch::zeros_like(p.value));
    optimizer.update(0.1, 0);
  }
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(parameters[i].value.min().item<double>() == 1);
  CHECK(parameters[3].value.max().item<double>() == Approx(0.95 * 0.95));
}

TEST_CASE("clipping scales all gradients by one factor, and only above the limit") {
  const StateTensor a = parameter("a.weight", torch::zeros({1, 1}));
  const StateTensor b = parameter("b.bias", torch::zeros({1}));
  Optimizer optimizer({a, b}, OptimizerKind::adamw, 0);
  set_gradient(a, torch::full({1, 1}, 3.0));
  set_gradient(b, torch::full({1}, -4.0));
  CHECK(optimizer.clip_gradients(10) == Approx(5));
  CHECK(a.value.grad().item<double>() == 3);
  CHECK(optimizer.clip_gradients(1) == Approx(5));
  CHECK(a.value.grad().item<double>() == Approx(0.6));
  CHECK(b.value.grad().item<double>() == Approx(-0.8));
}

TEST_CASE("orthogonalized matrices keep their singular vectors and have singular values near one") {
  torch::manual_seed(3);
  const torch::Tensor matrices = torch::randn({4, 12, 20});
  const torch::Tensor result = orthogonalize(matrices);
  const auto [u, s, vh] = torch::linalg_svd(matrices, false);
  // In the basis of the input's singular vectors the result must be diagonal, about 1.
  const torch::Tensor turned = torch::matmul(torch::matmul(u.transpose(1, 2), result), vh.transpose(1, 2));
  const torch::Tensor diagonal = turned.diagonal(0, 1, 2);
  CHECK(diagonal.min().item<double>() > 0.6);
  CHECK(diagonal.max().item<double>() < 1.3);
  CHECK((turned - torch::diag_embed(diagonal)).abs().max().item<double>() < 0.05);
}

TEST_CASE("Muon moves a block's matrix along its orthogonalized gradient; q, k and v each on their own") {
  torch::manual_seed(4);
  const StateTensor qkv = parameter("blocks.0.attn.qkv.weight", torch::zeros({24, 8}));
  const StateTensor tall = parameter("blocks.0.mlp.fc1.weight", torch::zeros({16, 8}));
  Optimizer optimizer({qkv, tall}, OptimizerKind::muon, 0);
  const torch::Tensor qkv_gradient = torch::randn({24, 8}) * torch::linspace(0.01, 10, 24).unsqueeze(1);
  const torch::Tensor tall_gradient = torch::randn({16, 8});
  set_gradient(qkv, qkv_gradient);
  set_gradient(tall, tall_gradient);
  optimizer.update(1, 0);
  const auto along = [](const torch::Tensor &gradient, double scale, const torch::Tensor &moved) {
    const auto [u, s, vh] = torch::linalg_svd(gradient, false);
    return torch::matmul(torch::matmul(u.t(), moved), vh.t()).diagonal() / -scale;
  };
  for (std::int64_t part = 0; part < 3; ++part) {
    const torch::Tensor shares =
        along(qkv_gradient.narrow(0, part * 8, 8), 0.2 * std::sqrt(8.0), qkv.value.detach().narrow(0, part * 8, 8));
    CHECK(shares.max().item<double>() < 1.3);
    CHECK(shares.median().item<double>() > 0.6); // a nearly singular direction may lag behind
  }
  const torch::Tensor shares = along(tall_gradient, 0.2 * std::sqrt(16.0), tall.value.detach());
  CHECK(shares.min().item<double>() > 0.6);
  CHECK(shares.max().item<double>() < 1.3);
}

TEST_CASE("both optimizers reach the minimum of a quadratic") {
  for (const OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::muon}) {
    torch::manual_seed(5);
    const torch::Tensor goal = torch::randn({6, 9});
    const StateTensor matrix = parameter("blocks.0.attn.proj.weight", torch::zeros({6, 9}));
    Optimizer optimizer({matrix}, kind, 0);
    for (std::uint64_t step = 0; step < 400; ++step) {
      (matrix.value - goal).square().sum().backward();
      optimizer.update(0.1 * (1 - static_cast<double>(step) / 400), step);
    }
    CHECK((matrix.value - goal).norm().item<double>() < 0.02 * goal.norm().item<double>());
  }
}

TEST_CASE("the optimizer's state names what each kind keeps") {
  const std::vector<StateTensor> parameters = {parameter("blocks.0.attn.proj.weight", torch::zeros({2, 2})),
                                               parameter("norm.bias", torch::zeros({2}))};
  const auto names = [&](OptimizerKind kind) {
    std::vector<std::string> result;
    for (const StateTensor &state : Optimizer(parameters, kind, 0).state())
      result.push_back(state.name);
    return result;
  };
  CHECK(names(OptimizerKind::adamw) == std::vector<std::string>{"momentum/blocks.0.attn.proj.weight",
                                                                "variance/blocks.0.attn.proj.weight",
                                                                "momentum/norm.bias", "variance/norm.bias"});
  CHECK(names(OptimizerKind::muon) ==
        std::vector<std::string>{"momentum/blocks.0.attn.proj.weight", "momentum/norm.bias", "variance/norm.bias"});
}
