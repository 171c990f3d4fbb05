// Runs of an integer model of which inner values are kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/image/image.hpp"
#include "engine/runtime/session.hpp"

namespace intvit {

class ObservedRun {
public:
  // `values`: the program's values to keep, by their index; the image, value 0, is not among them. Throws
  // std::runtime_error where there is no memory.
  ObservedRun(std::shared_ptr<const Model> model, const std::vector<int> &values, int threads = 1);

  // `image` is of the model's size.
  void run(const Image &image);

  // Of the last run.
  std::span<const std::int32_t> logits() const { return session_.logits(); }
  std::span<const std::byte> value(int index) const;

  const Model &model() const { return session_.model(); }

private:
  // A buffer for each node; empty where its output is not kept.
  using Kept = std::vector<std::vector<std::byte>>;

  std::unique_ptr<Kept> kept_; // where the session's observer knows it
  Session session_;
};

// A logit vector in real numbers.
std::vector<double> real_logits(std::span<const std::int32_t> logits, int fraction_bits);

} // namespace intvit
