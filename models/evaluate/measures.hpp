// How well outputs fit what is known of images: the measures that the evaluations have, on plain numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace intvit {

// The cosine of the angle between two vectors of equal length; 0 if one of them is zero.
double cosine(std::span<const double> a, std::span<const double> b);

// Every image is compared with every other, so only the first so many are.
inline constexpr std::size_t max_neighbours = 2000;
// Of two images each is the other's nearest, whatever they are.
inline constexpr std::size_t fewest_neighbours = 3;

// Of each image, of two at least, the other one whose features are nearest, by the cosine; of equally near ones the
// first. Nothing where `proceed`, which is asked before each, returned false.
std::optional<std::vector<std::size_t>> nearest_others(std::span<const std::vector<double>> features,
                                                       const std::function<bool()> &proceed);

// The share of equal entries: of images of which two models find the same other one nearest.
double neighbour_agreement(std::span<const std::size_t> a, std::span<const std::size_t> b);

// A class is among the top k when fewer than k others have a larger logit; of equal logits the lower index is first.
bool in_top(std::span<const double> logits, int label, int k);

// Average precision of one label over several images: `outputs` are what a model gives for it, `holds` whether it is
// there. Images are taken by their outputs from the largest down, those with equal ones at once; the sum over these
// steps of precision times the gain in recall. Nothing where no image has the label.
std::optional<double> average_precision(std::span<const double> outputs, const std::vector<bool> &holds);

// Whether a label is decided to hold: where its probability is at least 1/2.
constexpr bool is_decided(double logit) {
  return logit >= 0;
}

// The share of labels of which two models decide alike on an image. Requires one at least.
double decided_alike(std::span<const double> a, std::span<const double> b);

// Decisions, yes or no, of all labels on all images.
class Decisions {
public:
  void add(bool decided, bool holds);

  // Micro F1: twice the right yes by all yes, those decided and those that hold; nothing where there are none.
  std::optional<double> f1() const;
  double right() const; // share of them; 0 of none

private:
  std::int64_t right_yes_ = 0;
  std::int64_t right_no_ = 0;
  std::int64_t wrong_ = 0;
};

// Of two lists of numbers, equally long. Of none the errors are 0.
double mean_absolute_error(std::span<const double> expected, std::span<const double> found);
double root_mean_square_error(std::span<const double> expected, std::span<const double> found);
// Pearson's; nothing where all numbers of a list are the same.
std::optional<double> correlation(std::span<const double> a, std::span<const double> b);

} // namespace intvit
