// What random graphs are put together from: values that there are already, and operations that fit them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/builder.hpp"
#include "tests/fuzz/choices.hpp"
#include "tests/fuzz/graph_constants.hpp"
#include "tests/fuzz/random_graph.hpp"

namespace intvit::fuzz {

// Typical sizes.
inline constexpr double code_spread = 40;   // of 8 bits
inline constexpr double wide_spread = 4000; // of 16 bits
inline constexpr double quotient_spread = 65536;
inline constexpr int most_elements = 40'000; // of a value

class GraphGenerator {
public:
  GraphGenerator(Choices &choices, std::int64_t multiplications)
      : choices_(choices), multiplications_(multiplications), constants_(choices, graph_) {}

  RandomGraph build();

private:
  struct Value {
    std::string name;
    kernels::ElementType type = kernels::ElementType::int8;
    int rows = 0;
    int columns = 0;
    // Of a matching: how many tokens remain, of how many that there were at first.
    int remaining = 0;
    int first_tokens = 0;

    bool is_stream() const { return type == kernels::ElementType::int8 || type == kernels::ElementType::int16; }
    int largest_size() const { return first_tokens - remaining + 1; }
  };

  int side(int most);
  void image();
  std::vector<Image> images();

  void add(std::vector<std::string> inputs, Operation operation, kernels::ElementType type, int rows, int columns);
  std::string next_name() const;

  // The last value of that kind, or now and then any; there always is one of int8.
  template <typename Predicate> std::optional<Value> value_where(Predicate predicate) {
    std::vector<Value> fitting;
    std::copy_if(values_.begin(), values_.end(), std::back_inserter(fitting), predicate);
    if (fitting.empty())
      return std::nullopt;
    return choices_.one_in(4) ? choices_.of(fitting) : fitting.back();
  }
  Value codes();
  std::optional<Value> stream();

  // How many outputs a linear map of this input may have.
  int most_outputs(const Value &input) const;

  // graph_generator.cpp
  void any_operation();
  void patch_embed(const Value &input);
  kernels::ElementType output_type();
  void layer_norm(const Value &input, kernels::ElementType type);
  void linear(const Value &input);
  void linear(const Value &input, int channels, kernels::Epilogue epilogue);
  void add_to_stream(); // a linear map into a stream of as many rows
  void take_rows(const Value &input);
  void mean_rows(const Value &input);
  void flatten(const Value &input);
  void merge_patches();
  void l2_normalize(); // of int32; where there are none, they are made first
  void rotate();
  void join(const Value &input); // with a value of as many rows
  void multiply();               // two values, of which one is made for it
  void rescale();                // with a stream of the same shape where there is one
  void head();                   // one row of int32: logits of codes, or features of a stream
  Value first_row(const Value &value);

  // graph_attention.cpp
  // An input of 3 * heads * head_dim columns, made for it where there is room.
  std::optional<Value> queries_keys_values(const Value &input, int heads, int tokens);
  Attention softmax(int heads, int tokens);
  void attention();
  void window_attention();
  void normalize_heads(); // of int16, made for it where there is room
  void place_rows();      // a grid padded, and back
  void merge_tokens();
  // A matching of which as many tokens remain as the value has rows; now and then none though there is one.
  std::optional<Value> sizes_for(const Value &value);
  static Magnitudes quotients(int channels);
  // height and width of the grid, if `rows` has two such factors.
  std::optional<std::pair<int, int>> grid(int rows, int multiple);

  Choices &choices_;
  std::int64_t multiplications_;
  GraphBuilder graph_{0, 0}; // image() knows the size
  GraphConstants constants_;
  std::vector<Value> values_; // one a node
};

} // namespace intvit::fuzz
