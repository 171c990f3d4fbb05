// Integers of 128 bits and the graph's JSON: what naive_logits() is written with. Sizes and ranges are checked in every
// step.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/container/safetensors.hpp"

namespace intvit::test {

__extension__ using Int = __int128;

struct Table {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<Int> values;

  Table(std::size_t r, std::size_t c) : rows(r), columns(c), values(r * c) {}
  Int &at(std::size_t r, std::size_t c) { return values.at(r * columns + c); }
  const Int &at(std::size_t r, std::size_t c) const { return values.at(r * columns + c); }
};

Int power_of_two(int exponent);

// The value itself, which must fit a signed integer of so many bits.
Int within(Int value, int bits);

Int floor_divide(Int dividend, Int divisor);

Int saturate(Int value, Int low, Int high);

// What is stored of a result as "int8", "int16" or "int32".
Int stored(Int value, const std::string &type);

// floor(n * factor / 2^shift + 1/2) with the 30-bit factor that stands for 2^16 / divisor; see docs/numerics.md,
// "Division by a row's constant". `scaled` is the divisor times 2^left, in [2^30, 2^31).
Int divide_by_row_constant(Int n, Int scaled, int left);

// The node under evaluation, with its fields and constants.
struct NodeReader {
  const SafetensorsFile &file;
  const nlohmann::json &node;

  int integer(const char *field) const { return node.at(field).get<int>(); }
  std::string text(const char *field) const { return node.at(field).get<std::string>(); }
  bool has_constant(const std::string &suffix) const;
  std::vector<Int> constant(const std::string &suffix) const;
  std::vector<std::int64_t> shape(const std::string &suffix) const;
  bool is_int16(const std::string &suffix) const;
};

// floor((value * multiplier + residual + offset) / 2^shift).
class Requantizer {
public:
  explicit Requantizer(const NodeReader &reader);

  Int operator()(Int value, std::size_t channel, Int residual = 0) const;

private:
  std::vector<Int> multiplier_;
  std::vector<Int> offset_;
  int shift_;
};

// naive_attention.cpp
Table naive_attention(const NodeReader &reader, const Table &qkv, const std::vector<Int> &sizes);
Table naive_window_attention(const NodeReader &reader, const Table &qkv);

// Distances from a query's largest score, of every token in a head; `sizes` of tokens, or none.
std::vector<Int> naive_distances(const NodeReader &reader, const Table &qkv, const std::vector<Int> &sizes,
                                 std::size_t head, std::size_t query);
// The table of exponentials at that distance.
Int naive_exp(const NodeReader &reader, Int distance);

// naive_merging.cpp; `sizes` of the tokens, or none.
Table naive_match_tokens(const NodeReader &reader, const Table &qkv, const std::vector<Int> &sizes);
Table naive_merge_tokens(const Table &stream, const Table &groups);
// Of the tokens that remain, from what naive_match_tokens() gave.
std::vector<Int> remaining_sizes(const Table &groups);

} // namespace intvit::test
