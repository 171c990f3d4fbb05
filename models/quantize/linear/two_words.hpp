// Which weights of four bits get a second word (selective two-word quantization, STLQ; Oh, Sim, Lee, Lee: Automated
// Log-Scale Quantization for Low-Cost Deep Neural Networks, CVPR 2021), and with which scale each row is rounded.
//
// Both are one choice: a row with another scale needs second words elsewhere. A second word has a price, in the unit of
// errors: every row takes the scale, and its groups the second words, with which the row's expected squared error plus
// the price of its second words is least. At the right price the rows of all maps together have as many as were asked
// for, or all that gain by it where these are fewer, and no other choice of as many has a smaller error.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/ops/four_bits_weights.hpp"
#include "models/architectures/weights.hpp"
#include "models/quantize/linear/weight_rounding.hpp"
#include "models/quantize/options.hpp"

namespace intvit {

// Decoded weights [out, in] in the form of model files. A group of as many inputs as the storage's has second words if
// at least one of its weights needs one.
FourBitWeights words_of(const FourBitStorage &storage, const std::vector<std::int8_t> &values, int out);

// A map whose weights are to be rounded to words, each by itself. An error of a weight costs its square times the
// input's scale squared, the variance of the input's code, and what an error of the output costs.
struct WordProblem {
  const RowMatrix &weight;
  const Eigen::ArrayXd &input_scale;
  const Eigen::ArrayXd &variance;
  const Eigen::ArrayXd &output_costs; // empty: 1
  const FourBitStorage &storage;
  const WordGrid &grid; // the storage's
  Scales scales;
};

// How many weights would have second words, at each of many prices.
class WordDemand {
public:
  WordDemand();

  // The rows of a map.
  void add(const WordProblem &problem, int threads);

  // The price at which this part of the weights has second words, or next to nothing more or less. 0, where so many do
  // not gain by it.
  double price(double ratio) const;

private:
  std::int64_t weights_ = 0;
  std::vector<std::int64_t> wanted_; // at each price
};

struct WordChoice {
  Eigen::ArrayXd scale;        // of each row
  std::vector<bool> two_words; // of each weight, row-major
};
WordChoice choose_words(const WordProblem &problem, double price, int threads);

} // namespace intvit
