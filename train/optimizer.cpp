#include "train/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <torch/torch.h>

namespace intvit::train {

namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.99;
constexpr double kEpsilon = 1e-8;
constexpr double kMuonMomentum = 0.95;

bool ends_with(const std::string &text, const std::string &end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

} // namespace

Optimizer::Optimizer(const std::vector<StateTensor> &parameters, OptimizerKind kind, double weight_decay)
    : weight_decay_(weight_decay) {
  for (const StateTensor &parameter : parameters) {
    Slot slot;
    slot.parameter = parameter;
    slot.decays = ends_with(parameter.name, ".weight") && parameter.value.dim() >= 2;
    slot.orthogonal = kind == OptimizerKind::muon && slot.decays && parameter.name.rfind("blocks.", 0) == 0;
    slot.momentum = torch::zeros_like(parameter.value);
    if (!slot.orthogonal)
      slot.variance = torch::zeros_like(parameter.value);
    slots_.push_back(std::move(slot));
  }
}

double Optimizer::clip_gradients(double limit) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> norms;
  for (const Slot &slot : slots_)
    norms.push_back(slot.parameter.value.grad().norm());
  const double norm = torch::stack(norms).norm().item<double>();
  if (norm > limit)
    for (const Slot &slot : slots_)
      slot.parameter.value.grad().mul_(limit / norm);
  return norm;
}

void Optimizer::update(double learning_rate, std::uint64_t step) {
  const torch::NoGradGuard no_grad;
  update_muon(learning_rate);
  for (Slot &slot : slots_) {
    if (!slot.orthogonal)
      update_adamw(slot, learning_rate, step);
    slot.parameter.value.mutable_grad() = torch::Tensor();
  }
}

void Optimizer::update_adamw(Slot &slot, double learning_rate, std::uint64_t step) {
  torch::Tensor value = slot.parameter.value;
  const torch::Tensor gradient = value.grad();
  const double count = static_cast<double>(step) + 1;
  slot.momentum.lerp_(gradient, 1 - kBeta1);
  slot.variance.mul_(kBeta2).addcmul_(gradient, gradient, 1 - kBeta2);
  if (slot.decays)
    value.mul_(1 - learning_rate * weight_decay_);
  const torch::Tensor scale = (slot.variance / (1 - std::pow(kBeta2, count))).sqrt_().add_(kEpsilon);
  value.addcdiv_(slot.momentum, scale, -learning_rate / (1 - std::pow(kBeta1, count)));
}

// Matrices of one shape go through the iterations together, as one batched product each. qkv is three matrices; wide
// and tall ones are brought to one orientation first.
void Optimizer::update_muon(double learning_rate) {
  struct Piece {
    torch::Tensor value; // a view of the parameter, rows <= columns
    torch::Tensor direction;
  };
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<Piece>> groups;
  for (Slot &slot : slots_) {
    if (!slot.orthogonal)
      continue;
    const torch::Tensor gradient = slot.parameter.value.grad();
    slot.momentum.lerp_(gradient, 1 - kMuonMomentum);
    const torch::Tensor direction = gradient.lerp(slot.momentum, kMuonMomentum); // Nesterov's look ahead
    const std::int64_t pieces = ends_with(slot.parameter.name, "attn.qkv.weight") ? 3 : 1;
    const auto values = slot.parameter.value.chunk(pieces, 0);
    const auto directions = direction.chunk(pieces, 0);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool tall = values[i].size(0) > values[i].size(1);
      const Piece piece{tall ? values[i].t() : values[i], tall ? directions[i].t() : directions[i]};
      groups[{piece.value.size(0), piece.value.size(1)}].push_back(piece);
    }
  }
  for (auto &[shape, pieces] : groups) {
    std::vector<torch::Tensor> directions;
    for (const Piece &piece : pieces)
      directions.push_back(piece.direction);
    const torch::Tensor updates = orthogonalize(torch::stack(directions));
    const double scale = 0.2 * std::sqrt(static_cast<double>(shape.second));
    for (std::size_t i = 0; i < pieces.size(); ++i)
      pieces[i]
          .value.mul_(1 - learning_rate * weight_decay_)
          .sub_(updates[static_cast<std::int64_t>(i)], learning_rate * scale);
  }
}

torch::Tensor orthogonalize(const torch::Tensor &matrices) {
  // The quintic of Jordan et al. (2024): singular values in (0, 1] end within about 0.7 .. 1.2. bfloat16 suffices.
  constexpr double kA = 3.4445;
  constexpr double kB = -4.7750;
  constexpr double kC = 2.0315;
  const torch::Tensor norm = matrices.flatten(1).norm(2, 1).view({-1, 1, 1});
  torch::Tensor x = (matrices / (norm + 1e-7)).to(torch::kBFloat16);
  for (int i = 0; i < 5; ++i) {
    const torch::Tensor gram = torch::matmul(x, x.transpose(1, 2));
    x = kA * x + torch::matmul(kB * gram + kC * torch::matmul(gram, gram), x);
  }
  return x.to(torch::kFloat32);
}

std::vector<StateTensor> Optimizer::state() const {
  std::vector<StateTensor> state;
  for (const Slot &slot : slots_) {
    state.push_back({"momentum/" + slot.parameter.name, slot.momentum});
    if (slot.variance.defined())
      state.push_back({"variance/" + slot.parameter.name, slot.variance});
  }
  return state;
}

} // namespace intvit::train
