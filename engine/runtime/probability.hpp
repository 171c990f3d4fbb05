// From logits to probabilities, for people: integers here too, so that every machine shows the same digits. Defined in
// docs/numerics.md, "Probabilities".
#pragma once

#include <cstdint>
#include <span>

#include "engine/graph/result_kind.hpp"

namespace intvit {

// The probabilities of a model's outputs, in millionths: of classes the softmax of their logits, of labels each one's
// label_millionths().
class Probabilities {
public:
  // Logits in units of 2^-fraction_bits. Requires 1 to 2^24 of them, which is as many as a model that loads can have,
  // fraction_bits in 0 .. 30, and a kind that has probabilities: logits or labels.
  Probabilities(std::span<const std::int32_t> logits, int fraction_bits, ResultKind kind = ResultKind::logits);

  // Of a class or label with this logit, one of those given: within 1 of the exact value, for up to 2^16 logits.
  std::int32_t millionths(std::int32_t logit) const;

private:
  ResultKind kind_;
  int fraction_bits_;
  // Of classes:
  std::int32_t largest_ = 0;
  int exponential_bits_ = 0; // fractional bits of one exponential
  std::uint64_t sum_ = 0;
};

// The sigmoid of a logit in units of 2^-fraction_bits, in millionths: the probability of a label that excludes no
// other. Within 1 of the exact value. Requires fraction_bits in 0 .. 30.
std::int32_t label_millionths(std::int32_t logit, int fraction_bits);

} // namespace intvit
