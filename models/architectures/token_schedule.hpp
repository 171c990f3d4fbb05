// Where a network merges tokens, and how many (docs/quantization.md, "Token merging").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/architectures/network.hpp"

namespace intvit {

struct TokenSchedule {
  std::vector<int> pairs; // that each block merges behind its attention; blocks that are not named merge none

  bool merges() const;
};

// "0,0,0,18,18": pairs of each block from the first on. Throws std::runtime_error where it is something else.
std::vector<int> parse_token_pairs(const std::string &text);
std::string to_string(const TokenSchedule &schedule);

// Brings the schedule into a network that does not merge yet: every block knows how many rows it has, and the end what
// it reads. Throws std::runtime_error where that is not possible: with windows (Swin) or rotary positions, in a block
// of which a few rows alone go on, or with more pairs than half of the tokens that may merge. Where the head reads
// prefix tokens alone, the others are weighted by what the first one attends to.
void merge_tokens(Network &network, const TokenSchedule &schedule);

// Of one image, in its linear maps and attention.
std::int64_t multiply_accumulates(const Network &network);

} // namespace intvit
