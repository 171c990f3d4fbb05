// Fine-tuning of STLQ weights (Oh, Sim, Lee, Lee: Automated Log-Scale Quantization for Low-Cost Deep Neural Networks,
// CVPR 2021): the model computes with words, the optimizer moves the float weights behind them.
//
//   w~ = Q2(Q1(w) + r1 o (C + v)),   r1 = w - Q1(w),   loss = task + lambda ||v||^2
//
// Q1 and Q2 give the nearest value of one word and of two. U, a row's scaling factor, and C, which groups of weights
// have second words, follow from the pre-trained weights and stay: so chosen that the model's outputs change least. v
// says how much of a second word the other weights still have: it starts near 1, is driven to 0 by the penalty, and
// what falls below 0.001 is 0 from then on. The derivative of w~ by w is taken as 1 (straight-through estimator), that
// by v as r1.
//
// Words are those of model files, with second words of two bits (engine/ops/four_bits_storage.hpp), so that what is
// trained is what the integer engine computes with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "train/schedule.hpp"
#include "train/vit.hpp"

namespace intvit::train {

struct StlqOptions {
  double ratio = 0.15; // part of all layers' weights, in groups, that keep their second words
  double lambda = 0;   // 0: see lambda_for()
  bool fixed = false;  // without v from the first step on
};

// With `weight` in units of 2^-7 U: Q1(w), and w~ where C + v is `share`. Integers from -127 to 127; NaN gives NaN.
float first_word(float weight);
float word_sum(float weight, float share);

// The penalty's weight with which it alone brings v from 1 to 0.001 in the first half of a run.
double lambda_for(const Schedule &schedule);

// Whether a parameter is one of the blocks' matrices; all else stays float.
bool has_words(const StateTensor &parameter);

// The float weights of a model whose matrices hold words: its parameters, but copies of those matrices.
std::vector<StateTensor> weights_behind(const Vit &model);

class StlqTuning {
public:
  // `weights`: pre-trained ones, as of weights_behind(). They and `model`'s parameters are kept, and must be in the
  // same order. `batches`: of images as Vit::forward() takes them, at least one, by which U and C are chosen.
  StlqTuning(const StlqOptions &options, const Schedule &schedule, const std::vector<StateTensor> &weights,
             const Vit &model, const std::vector<torch::Tensor> &batches);

  // The model's matrices become w~.
  void write_words();
  // After the backward pass: hands the gradients of w~ on to the weights behind, and moves v by the task's gradient,
  // dw~/dv = r1, and the penalty's. v is updated by stochastic gradient descent with momentum 0.9, as the paper does.
  void take_gradients(double learning_rate);

  // Other weights of the same shapes as words without v, which is what a model file can hold.
  void write_final_words(const std::vector<StateTensor> &weights, const Vit &model) const;

  // Mean of v over the weights without second words, and how many of them are not yet 0.
  double mean_v() const;
  std::int64_t remaining_v() const;
  double lambda() const { return lambda_; }

  // "NAME.stlq_unit" [out] for the matrix NAME.weight: U.
  std::vector<StateTensor> units() const;
  // All that is neither weights nor the model: for checkpoints.
  std::vector<StateTensor> state() const;

private:
  struct Layer {
    std::size_t index;      // of the matrix among the parameters
    std::string name;       // of the layer
    torch::Tensor weight;   // float, trained
    torch::Tensor words;    // the model's
    torch::Tensor unit;     // U, [out, 1]
    torch::Tensor selected; // C: 1 or 0
    torch::Tensor v;        // 0 where selected
    torch::Tensor momentum; // of v
    torch::Tensor costs;    // of an error of each weight, while U and C are chosen
  };

  void find_costs(const Vit &model, const std::vector<torch::Tensor> &batches);
  void choose(double ratio); // U and C

  std::vector<Layer> layers_;
  double lambda_;
};

} // namespace intvit::train
