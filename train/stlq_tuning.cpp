#include "train/stlq_tuning.hpp"

#include <ATen/Parallel.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <torch/torch.h>
#include <utility>

#include "models/quantize/linear/two_words.hpp"

namespace intvit::train {

namespace {

constexpr float kUnits = 128; // 2^-7 U is a unit
constexpr double kSmallestV = 0.001;
constexpr double kMomentum = 0.9;

// Rows in parallel: body(row).
template <class Body> void for_rows(std::int64_t rows, const Body &body) {
  at::parallel_for(0, rows, 8, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      body(row);
  });
}

// To 16 significant bits, so that U times a word's sum, seven bits, is an exact float.
float rounded_unit(float unit) {
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(unit) + 0x80U) & ~0xffU);
}

// For every row the U, of 16 candidates over two octaves, with the least squared error; [out, 1].
torch::Tensor search_units(const torch::Tensor &weight, const torch::Tensor &share) {
  const std::int64_t columns = weight.size(1);
  torch::Tensor units = torch::empty({weight.size(0), 1});
  for_rows(weight.size(0), [&](std::int64_t row) {
    const float *w = weight.data_ptr<float>() + row * columns;
    const float *s = share.data_ptr<float>() + row * columns;
    float largest = 1e-30F;
    for (std::int64_t c = 0; c < columns; ++c)
      largest = std::max(largest, std::abs(w[c]));
    double least = std::numeric_limits<double>::infinity();
    for (int eighths = -12; eighths < 4; ++eighths) {
      // The largest word is U / 2.
      const float unit = rounded_unit(2 * largest * std::exp2(static_cast<float>(eighths) / 8));
      const float step = unit / kUnits;
      double error = 0;
      for (std::int64_t c = 0; c < columns; ++c) {
        const auto difference = static_cast<double>(w[c] - step * word_sum(w[c] / step, s[c]));
        error += difference * difference;
      }
      if (error < least) {
        least = error;
        units.data_ptr<float>()[row] = unit;
      }
    }
  });
  return units;
}

// to = 2^-7 U value(weight / (2^-7 U), index), element by element.
template <class Value>
void fill(const torch::Tensor &weight, const torch::Tensor &unit, const torch::Tensor &to, const Value &value) {
  const std::int64_t columns = weight.size(1);
  const float *weights = weight.data_ptr<float>();
  const float *units = unit.data_ptr<float>();
  float *values = to.data_ptr<float>();
  for_rows(weight.size(0), [=, &value](std::int64_t row) {
    const float step = units[row] / kUnits;
    for (std::int64_t i = row * columns; i < (row + 1) * columns; ++i)
      values[i] = step * value(weights[i] / step, i);
  });
}

torch::Tensor first_residuals(const torch::Tensor &weight, const torch::Tensor &unit) {
  torch::Tensor residuals = torch::empty_like(weight);
  fill(weight, unit, residuals, [](float w, std::int64_t) { return w - log_word(w); });
  return residuals;
}

// C: the tiles whose first words leave most.
torch::Tensor select(const torch::Tensor &residuals, double ratio) {
  const torch::Tensor squares = residuals.square();
  const RowMatrix matrix = Eigen::Map<const RowMatrix>(squares.data_ptr<float>(), residuals.size(0), residuals.size(1));
  const std::vector<bool> two_words = select_tiles(matrix, ratio);
  torch::Tensor selected = torch::zeros_like(residuals);
  for (std::size_t i = 0; i < two_words.size(); ++i)
    selected.data_ptr<float>()[i] = two_words[i] ? 1.0F : 0.0F;
  return selected;
}

// Softmax of |r1 o (1 - C)| over a layer, divided by the largest of them; 0 where there is a second word.
torch::Tensor initial_v(const torch::Tensor &residuals, const torch::Tensor &selected) {
  const torch::Tensor magnitudes = (residuals * (1 - selected)).abs();
  const torch::Tensor shares = torch::softmax(magnitudes.flatten(), 0).view_as(magnitudes) * (1 - selected);
  return shares / shares.max().clamp_min(1e-30);
}

} // namespace

// Adding to the bits carries into the exponent where the mantissa is above that of sqrt(2), 0x3504f3, halfway to the
// next power of two in the logarithm; then the mantissa is dropped.
float log_word(float x) {
  const float magnitude = std::abs(x);
  const auto power = std::bit_cast<float>((std::bit_cast<std::uint32_t>(magnitude) + 0x4afb0cU) & 0x7f800000U);
  const float word = magnitude < 0.5F ? 0.0F : std::clamp(power, 1.0F, 64.0F);
  return std::copysign(word, x);
}

float word_sum(float weight, float share) {
  const float first = log_word(weight);
  return std::clamp(first + log_word((weight - first) * share), -127.0F, 127.0F);
}

// With momentum the steps sum to learning rate / (1 - momentum), and each takes off 2 lambda v times that. In a run of
// less than some 600 steps momentum carries v to 0 sooner.
double lambda_for(const Schedule &schedule) {
  double sum = 0;
  for (std::uint64_t step = 0; step < (schedule.total_steps + 1) / 2; ++step)
    sum += schedule.rate(step);
  return -std::log(kSmallestV) * (1 - kMomentum) / (2 * sum);
}

bool has_words(const StateTensor &parameter) {
  return parameter.name.rfind("blocks.", 0) == 0 && parameter.value.dim() == 2;
}

std::vector<StateTensor> weights_behind(const Vit &model) {
  std::vector<StateTensor> weights = model.parameters();
  for (StateTensor &weight : weights)
    if (has_words(weight))
      weight.value = weight.value.detach().clone().requires_grad_(true);
  return weights;
}

StlqTuning::StlqTuning(const StlqOptions &options, const Schedule &schedule, const std::vector<StateTensor> &weights,
                       const Vit &model)
    : lambda_(options.lambda > 0 ? options.lambda : lambda_for(schedule)) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!has_words(weights[i]))
      continue;
    Layer layer;
    layer.index = i;
    layer.name = weights[i].name.substr(0, weights[i].name.rfind(".weight"));
    layer.weight = weights[i].value;
    layer.words = model.parameters()[i].value;
    const torch::Tensor none = torch::zeros_like(layer.weight);
    layer.selected = select(first_residuals(layer.weight, search_units(layer.weight, none)), options.ratio);
    layer.unit = search_units(layer.weight, layer.selected);
    layer.v = options.fixed ? none : initial_v(first_residuals(layer.weight, layer.unit), layer.selected);
    layer.momentum = torch::zeros_like(layer.weight);
    layers_.push_back(std::move(layer));
  }
}

void StlqTuning::write_words() {
  const torch::NoGradGuard no_grad;
  for (const Layer &layer : layers_) {
    const float *selected = layer.selected.data_ptr<float>();
    const float *v = layer.v.data_ptr<float>();
    fill(layer.weight, layer.unit, layer.words,
         [=](float w, std::int64_t i) { return word_sum(w, selected[i] + v[i]); });
  }
}

void StlqTuning::write_final_words(const std::vector<StateTensor> &weights, const Vit &model) const {
  const torch::NoGradGuard no_grad;
  for (const Layer &layer : layers_) {
    const float *selected = layer.selected.data_ptr<float>();
    fill(weights[layer.index].value, layer.unit, model.parameters()[layer.index].value,
         [=](float w, std::int64_t i) { return word_sum(w, selected[i]); });
  }
}

void StlqTuning::take_gradients(double learning_rate) {
  const torch::NoGradGuard no_grad;
  for (Layer &layer : layers_) {
    const torch::Tensor gradient = layer.words.grad();
    layer.weight.mutable_grad() = gradient;
    layer.words.mutable_grad() = torch::Tensor();
    const torch::Tensor active = layer.v > 0;
    if (!active.any().item<bool>())
      continue;
    const torch::Tensor slope = gradient * first_residuals(layer.weight, layer.unit) + 2 * lambda_ * layer.v;
    layer.momentum.mul_(kMomentum).add_(slope);
    layer.v.sub_(layer.momentum, learning_rate);
    layer.v.masked_fill_(active.logical_and(layer.v >= kSmallestV).logical_not(), 0);
  }
}

double StlqTuning::mean_v() const {
  double sum = 0;
  double count = 0;
  for (const Layer &layer : layers_) {
    sum += layer.v.sum().item<double>();
    count += (1 - layer.selected).sum().item<double>();
  }
  return count > 0 ? sum / count : 0;
}

std::int64_t StlqTuning::remaining_v() const {
  std::int64_t count = 0;
  for (const Layer &layer : layers_)
    count += layer.v.count_nonzero().item<std::int64_t>();
  return count;
}

std::vector<StateTensor> StlqTuning::units() const {
  std::vector<StateTensor> units;
  for (const Layer &layer : layers_)
    units.push_back({layer.name + ".stlq_unit", layer.unit.flatten()});
  return units;
}

std::vector<StateTensor> StlqTuning::state() const {
  std::vector<StateTensor> state = units();
  for (const Layer &layer : layers_) {
    state.push_back({layer.name + ".selected", layer.selected});
    state.push_back({layer.name + ".v", layer.v});
    state.push_back({layer.name + ".momentum", layer.momentum});
  }
  return state;
}

} // namespace intvit::train
