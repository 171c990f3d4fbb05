// How well outputs fit what is known of images: the measures that the evaluations have, on plain numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace intvit {

// The cosine of the angle between two vectors of equal length; 0 if one of them is zero.
double cosine(std::span<const double> a, std::span<const double> b);

// The image, of two at least, whose features are nearest to those of `image`, by the cosine; of equally near ones the
// first.
std::size_t nearest_to(std::size_t image, std::span<const std::vector<double>> features);

// Of two models' features of the same images, at least three: the share of images of which both find the same other one
// nearest, by the cosine.
double neighbour_agreement(std::span<const std::vector<double>> a, std::span<const std::vector<double>> b);

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
