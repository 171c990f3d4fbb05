// What the numbers mean that a model ends in.
#pragma once

#include <cstdint>
#include <string_view>

namespace intvit {

enum class ResultKind : std::uint8_t {
  logits,    // one a class; the classes exclude one another, so their probabilities are a softmax
  embedding, // the image's features, of a model without a head
  labels,    // one a label; each is true or not by itself, so it has a probability of its own, a sigmoid
  scores,    // numbers without a probability, of a model that was trained to give them (regression)
};

// What options, messages and results call them.
constexpr std::string_view outputs_word(ResultKind kind) {
  switch (kind) {
  case ResultKind::logits:
    return "classes";
  case ResultKind::embedding:
    return "features";
  case ResultKind::labels:
    return "labels";
  case ResultKind::scores:
    return "scores";
  }
  return "";
}

} // namespace intvit
