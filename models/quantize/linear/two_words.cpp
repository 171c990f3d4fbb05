#include "models/quantize/linear/two_words.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "models/parallel.hpp"

namespace intvit {

namespace {

using Eigen::ArrayXd;
using Eigen::Index;

// Prices are from 2^-121 to 2^59, 32 in each octave, as far apart as each other.
constexpr int lowest_exponent = -120;
constexpr int octaves = 180;
constexpr int in_an_octave = 32;
constexpr int prices = octaves * in_an_octave;

double price_at(int index) {
  return std::ldexp(0.5 + 0.5 * (index % in_an_octave) / in_an_octave, lowest_exponent + index / in_an_octave);
}

// The largest price that is not above `gain`; -1 where all are.
int last_price(double gain) {
  if (!(gain >= price_at(0)))
    return -1;
  int exponent = 0;
  const double mantissa = std::frexp(gain, &exponent); // from 1/2 to 1
  const int index = (exponent - lowest_exponent) * in_an_octave + static_cast<int>((mantissa - 0.5) * 2 * in_an_octave);
  return std::min(index, prices - 1);
}

// A row with one of the scales.
struct Offer {
  double scale = 0;
  double error = 0;          // without second words
  std::vector<double> gains; // by how much second words of each group make it smaller, per weight
};

// How many weights a group of a row has.
int weights_of(const WordProblem &problem, std::size_t group) {
  const auto begin = static_cast<int>(group) * problem.storage.group_inputs;
  return std::min(problem.storage.group_inputs, static_cast<int>(problem.weight.cols()) - begin);
}

std::vector<Offer> offers_of(const WordProblem &problem, Index row) {
  const Index in = problem.weight.cols();
  const ArrayXd weights = problem.weight.row(row).transpose().array().cast<double>() * problem.input_scale;
  const double largest = std::max(weights.abs().maxCoeff(), 1e-30);
  const double cost = problem.output_costs.size() == 0 ? 1.0 : problem.output_costs[row];
  const stlq::NearestValues &one_word = problem.grid.values(false);
  const stlq::NearestValues &two_words = problem.grid.values(true);
  std::vector<Offer> offers(problem.scales.count());
  for (std::size_t i = 0; i < offers.size(); ++i) {
    Offer &offer = offers[i];
    offer.scale = problem.scales.candidate(i, row, largest, problem.grid.largest());
    offer.gains.assign(static_cast<std::size_t>(problem.storage.groups_in_row(static_cast<int>(in))), 0.0);
    for (std::size_t group = 0; group < offer.gains.size(); ++group) {
      double gain = 0;
      const Index begin = static_cast<Index>(group) * problem.storage.group_inputs;
      for (Index c = begin; c < begin + weights_of(problem, group); ++c) {
        const double weight = weights[c] / offer.scale;
        const double one = weight - one_word(weight);
        const double two = weight - two_words(weight);
        offer.error += one * one * problem.variance[c];
        gain += (one * one - two * two) * problem.variance[c];
      }
      offer.gains[group] = gain * offer.scale * offer.scale * cost / weights_of(problem, group);
    }
    offer.error *= offer.scale * offer.scale * cost;
  }
  return offers;
}

// Whether a group with this gain has second words. For nothing it takes none even at no price.
bool buys(double gain, double price) {
  return gain >= price && gain > 0;
}

// Of the offers that which costs least, of equal ones the first.
const Offer &best_offer(const WordProblem &problem, const std::vector<Offer> &offers, double price) {
  const Offer *best = &offers.front();
  double least = std::numeric_limits<double>::infinity();
  for (const Offer &offer : offers) {
    double sum = offer.error;
    for (std::size_t group = 0; group < offer.gains.size(); ++group)
      if (buys(offer.gains[group], price))
        sum -= (offer.gains[group] - price) * weights_of(problem, group);
    if (sum < least) {
      best = &offer;
      least = sum;
    }
  }
  return *best;
}

// A row's demand at all prices, from the highest to the lowest: what each offer costs changes by a little from one
// price to the next.
class RowDemand {
public:
  RowDemand(const WordProblem &problem, const std::vector<Offer> &offers) : curves_(offers.size()) {
    for (std::size_t i = 0; i < offers.size(); ++i) {
      Curve &curve = curves_[i];
      curve.error = offers[i].error;
      for (std::size_t group = 0; group < offers[i].gains.size(); ++group) {
        const double gain = offers[i].gains[group];
        const int weights = weights_of(problem, group);
        curve.steps.push_back({last_price(gain), weights, gain * weights});
      }
      // Stable, so that sums are the same with every standard library.
      std::stable_sort(curve.steps.begin(), curve.steps.end(),
                       [](const Step &a, const Step &b) { return a.price > b.price; });
      highest_ = std::max(highest_, curve.steps.front().price);
    }
  }

  void add_to(std::vector<std::int64_t> &wanted) {
    for (int price = highest_; price >= 0; --price) {
      double least = std::numeric_limits<double>::infinity();
      std::int64_t weights = 0;
      for (Curve &curve : curves_) {
        for (; curve.next < curve.steps.size() && curve.steps[curve.next].price >= price; ++curve.next) {
          curve.weights += curve.steps[curve.next].weights;
          curve.error -= curve.steps[curve.next].gain;
        }
        const double sum = curve.error + price_at(price) * static_cast<double>(curve.weights);
        if (sum < least) {
          least = sum;
          weights = curve.weights;
        }
      }
      wanted[static_cast<std::size_t>(price)] += weights;
    }
  }

private:
  struct Step { // a group
    int price;  // the highest at which it has second words
    int weights;
    double gain; // of all of them
  };
  struct Curve {
    std::vector<Step> steps;
    std::size_t next = 0;
    double error = 0;
    std::int64_t weights = 0; // with second words
  };

  std::vector<Curve> curves_;
  int highest_ = -1;
};

} // namespace

FourBitWeights words_of(const FourBitStorage &storage, const std::vector<std::int8_t> &values, int out) {
  Result<FourBitWeights> words = encode_four_bit_values(storage.format, out, static_cast<int>(values.size()) / out,
                                                        values, storage.group_inputs / kernels::word_group_inputs);
  if (!words.ok())
    throw std::logic_error(words.status().message());
  return std::move(*words);
}

WordDemand::WordDemand() : wanted_(std::size_t{prices}) {}

void WordDemand::add(const WordProblem &problem, int threads) {
  weights_ += problem.weight.size();
  // Integers, whose sum does not depend on the order.
  std::vector<std::vector<std::int64_t>> wanted(static_cast<std::size_t>(std::max(threads, 1)));
  parallel_for(threads, static_cast<std::size_t>(problem.weight.rows()), [&](std::size_t row, std::size_t thread) {
    wanted[thread].resize(wanted_.size());
    RowDemand(problem, offers_of(problem, static_cast<Index>(row))).add_to(wanted[thread]);
  });
  for (const std::vector<std::int64_t> &share : wanted)
    std::transform(share.begin(), share.end(), wanted_.begin(), wanted_.begin(), std::plus<>());
}

double WordDemand::price(double ratio) const {
  if (ratio <= 0)
    return std::numeric_limits<double>::infinity();
  if (ratio >= 1)
    return 0;
  const double asked = ratio * static_cast<double>(weights_);
  int price = prices - 1;
  while (price >= 0 && static_cast<double>(wanted_[static_cast<std::size_t>(price)]) < asked)
    --price;
  if (price < 0)
    return 0;
  if (price == prices - 1)
    return price_at(price);
  // Between two prices.
  const auto more = static_cast<double>(wanted_[static_cast<std::size_t>(price)]);
  const auto fewer = static_cast<double>(wanted_[static_cast<std::size_t>(price) + 1]);
  return price_at(price) + (price_at(price + 1) - price_at(price)) * (more - asked) / (more - fewer);
}

WordChoice choose_words(const WordProblem &problem, double price, int threads) {
  const Index in = problem.weight.cols();
  WordChoice choice{ArrayXd(problem.weight.rows()), {}};
  // Not bits, of which threads could not write neighbours.
  std::vector<char> two_words(static_cast<std::size_t>(problem.weight.size()));
  parallel_for(threads, static_cast<std::size_t>(problem.weight.rows()), [&](std::size_t index, std::size_t) {
    const auto row = static_cast<Index>(index);
    const std::vector<Offer> offers = offers_of(problem, row);
    const Offer &best = best_offer(problem, offers, price);
    choice.scale[row] = best.scale;
    for (Index c = 0; c < in; ++c)
      two_words[static_cast<std::size_t>(row * in + c)] =
          buys(best.gains[static_cast<std::size_t>(c / problem.storage.group_inputs)], price) ? 1 : 0;
  });
  choice.two_words.assign(two_words.begin(), two_words.end());
  return choice;
}

} // namespace intvit
