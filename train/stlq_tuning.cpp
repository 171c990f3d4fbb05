#include "train/stlq_tuning.hpp"

#include <ATen/Parallel.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <torch/torch.h>
#include <utility>

#include "models/architectures/stlq_words.hpp"
#include "models/quantize/linear/two_words.hpp"
#include "models/quantize/options.hpp"

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

// How model files hold the words: groups of four inputs, second words of two bits.
constexpr const FourBitStorage &kStorage = *storage_of(WeightLevels::stlq, kernels::word_group_inputs);

const stlq::NearestValues &nearest_value(bool two_words) {
  static const stlq::NearestValues one(kStorage, false);
  static const stlq::NearestValues two(kStorage, true);
  return two_words ? two : one;
}

float value_of(const stlq::NearestValues &nearest, float weight) {
  return std::isnan(weight) ? weight : static_cast<float>(nearest(static_cast<double>(weight)));
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
  fill(weight, unit, residuals, [](float w, std::int64_t) { return w - first_word(w); });
  return residuals;
}

RowMatrix matrix_of(const torch::Tensor &tensor) {
  return Eigen::Map<const RowMatrix>(tensor.data_ptr<float>(), tensor.size(0), tensor.size(1));
}

// Calls work(WordProblem). What an error of a weight costs is taken as a product of its input's cost and its output's.
template <class Work> void with_problem(const torch::Tensor &weight, const torch::Tensor &costs, const Work &work) {
  const RowMatrix matrix = matrix_of(weight);
  const Eigen::ArrayXXd of_weights = matrix_of(costs).array().cast<double>();
  const Eigen::ArrayXd inputs = of_weights.colwise().sum().transpose();
  const Eigen::ArrayXd outputs = of_weights.rowwise().sum() / std::max(of_weights.sum(), 1e-300);
  const Eigen::ArrayXd input_scale = Eigen::ArrayXd::Ones(matrix.cols());
  work(WordProblem{matrix, input_scale, inputs, outputs, kStorage, WordGrid(kStorage, matrix.cols()),
                   scale_candidates(WeightLevels::stlq, {})});
}

// Softmax of |r1 o (1 - C)| over a layer, divided by the largest of them; 0 where there is a second word.
torch::Tensor initial_v(const torch::Tensor &residuals, const torch::Tensor &selected) {
  const torch::Tensor magnitudes = (residuals * (1 - selected)).abs();
  const torch::Tensor shares = torch::softmax(magnitudes.flatten(), 0).view_as(magnitudes) * (1 - selected);
  return shares / shares.max().clamp_min(1e-30);
}

} // namespace

float first_word(float weight) {
  return value_of(nearest_value(false), weight);
}

float word_sum(float weight, float share) {
  const float first = first_word(weight);
  return value_of(nearest_value(true), first + (weight - first) * share);
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
                       const Vit &model, const std::vector<torch::Tensor> &batches)
    : lambda_(options.lambda > 0 ? options.lambda : lambda_for(schedule)) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!has_words(weights[i]))
      continue;
    Layer layer;
    layer.index = i;
    layer.name = weights[i].name.substr(0, weights[i].name.rfind(".weight"));
    layer.weight = weights[i].value;
    if (!layer.weight.isfinite().all().item<bool>())
      throw std::runtime_error(weights[i].name + " has weights that are not finite");
    layer.words = model.parameters()[i].value;
    layers_.push_back(std::move(layer));
  }
  find_costs(model, batches);
  choose(options.ratio);
  for (Layer &layer : layers_) {
    layer.v = options.fixed ? torch::zeros_like(layer.weight)
                            : initial_v(first_residuals(layer.weight, layer.unit), layer.selected);
    layer.momentum = torch::zeros_like(layer.weight);
  }
}

// The mean squared gradients of a sum of the model's outputs with random signs, which is that of all outputs. Their
// common mean is left out, because it changes no probability.
void StlqTuning::find_costs(const Vit &model, const std::vector<torch::Tensor> &batches) {
  for (Layer &layer : layers_) {
    layer.words.copy_(layer.weight);
    layer.costs = torch::zeros_like(layer.weight);
  }
  torch::manual_seed(0);
  for (const torch::Tensor &images : batches) {
    {
      const torch::AutoGradMode with_gradients(true);
      const torch::Tensor outputs = model.forward(images, Precision::f32);
      const torch::Tensor signs = torch::randint(2, outputs.sizes()) * 2 - 1;
      ((outputs - outputs.mean(1, true)) * signs).sum().backward();
    }
    for (Layer &layer : layers_)
      layer.costs.add_(layer.words.grad().square());
    for (const StateTensor &parameter : model.parameters())
      parameter.value.mutable_grad() = torch::Tensor();
  }
}

// As the quantizer chooses: at one price of second words for the rows of all layers.
void StlqTuning::choose(double ratio) {
  const int threads = at::get_num_threads();
  WordDemand demand;
  for (const Layer &layer : layers_)
    with_problem(layer.weight, layer.costs, [&](const WordProblem &problem) { demand.add(problem, threads); });
  const double price = demand.price(ratio);
  for (Layer &layer : layers_) {
    WordChoice choice;
    with_problem(layer.weight, layer.costs,
                 [&](const WordProblem &problem) { choice = choose_words(problem, price, threads); });
    layer.costs = torch::Tensor();
    layer.unit = torch::empty({layer.weight.size(0), 1});
    for (Eigen::Index row = 0; row < choice.scale.size(); ++row)
      layer.unit.data_ptr<float>()[row] = rounded_unit(kUnits * static_cast<float>(choice.scale[row]));
    layer.selected = torch::empty_like(layer.weight);
    for (std::size_t i = 0; i < choice.two_words.size(); ++i)
      layer.selected.data_ptr<float>()[i] = choice.two_words[i] ? 1.0F : 0.0F;
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
