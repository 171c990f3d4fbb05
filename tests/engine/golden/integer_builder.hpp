// What models with integers from a generator are put together from.
//
// Typical sizes: codes some 40, codes of the int16 stream some 500, weights some 73 (they are uniform), hence
// accumulators of K products some 2900 sqrt(K).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/builder.hpp"
#include "tests/kernels/random.hpp"
#include "tests/support/model_parts.hpp"

namespace intvit::test {

class IntegerBuilder {
public:
  // Of images of this size. `stlq`: linear maps have weights of one and two words.
  IntegerBuilder(int width, int height, kernels::ElementType stream, bool stlq = false);

  template <class... Arguments> void add(Arguments &&...arguments) {
    graph_.add(std::forward<Arguments>(arguments)...);
  }

  // A constant of a node, of values in low .. high.
  template <typename T>
  void values(const std::string &name, const char *suffix, std::vector<std::int64_t> shape, T low, T high) {
    std::size_t count = 1;
    for (const std::int64_t length : shape)
      count *= static_cast<std::size_t>(length);
    graph_.constant(name, suffix, random_.values<T>(count, low, high), std::move(shape));
  }
  template <typename T> void values(const std::string &name, const char *suffix, int count, T low, T high) {
    values<T>(name, suffix, std::vector<std::int64_t>{count}, low, high);
  }
  template <typename T> void prefix_tokens(const std::string &name, int rows, int channels, T low, T high) {
    const std::size_t count = static_cast<std::size_t>(rows) * static_cast<std::size_t>(channels);
    graph_.prefix_tokens(name, rows, channels, random_.values<T>(count, low, high));
  }

  void weight(const std::string &name, int out, int in);

  // One output code for every `divisor` of the accumulator, within a third, of either sign; up to 10 codes are added.
  void requantization(const std::string &name, int count, int shift, std::int64_t divisor);
  // The same of outputs in several parts: how many, and their divisor.
  void requantization(const std::string &name, int shift, const std::vector<std::pair<int, std::int64_t>> &parts);

  void linear(const std::string &name, std::vector<std::string> inputs, int in, int out, int shift,
              std::int64_t divisor, Linear operation);

  // `divisor`: of normalized values, which have 16 fraction bits.
  void layer_norm(const std::string &name, const std::string &input, int channels, kernels::ElementType input_type,
                  std::int64_t divisor = 65536 / 40, kernels::ElementType output_type = kernels::ElementType::int8);
  bool centred_norms_ = true; // of those that follow

  // Scores of a query spread over some three e-folds. The polynomials are those of docs/numerics.md.
  Attention attention(int heads, kernels::Softmax softmax) const;
  void score_multipliers(const std::string &name, int heads, kernels::Softmax softmax);
  void attention_constants(const std::string &name, int heads, int channels, kernels::Softmax softmax);

  // How many codes of the stream make what is one code of the int8 stream.
  int scale() const { return stream_ == kernels::ElementType::int8 ? 1 : 12; }
  kernels::ElementType stream() const { return stream_; }

  std::vector<std::byte> file(int classes);

private:
  kernels::ElementType stream_; // of the residual stream
  bool stlq_;
  Random random_;
  GraphBuilder graph_;
};

} // namespace intvit::test
