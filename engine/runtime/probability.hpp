// From logits to probabilities, for people: integers here too, so that every machine shows the same digits. Defined in
// docs/numerics.md, "Probabilities".
#pragma once

#include <cstdint>
#include <span>

namespace intvit {

// The softmax of logits in units of 2^-fraction_bits, in millionths.
class Probabilities {
public:
  // Requires 1 to 2^24 logits, which is as many as a model that loads can have, and fraction_bits in 0 .. 30.
  Probabilities(std::span<const std::int32_t> logits, int fraction_bits);

  // Of a class with this logit, one of those given: within 1 of the exact value, for up to 2^16 logits.
  std::int32_t millionths(std::int32_t logit) const;

private:
  std::int32_t largest_;
  int fraction_bits_;
  int exponential_bits_; // fractional bits of one exponential
  std::uint64_t sum_;
};

// The sigmoid of a logit in units of 2^-fraction_bits, in millionths: the probability of a label that excludes no
// other. Within 1 of the exact value. Requires fraction_bits in 0 .. 30.
std::int32_t label_millionths(std::int32_t logit, int fraction_bits);

} // namespace intvit
