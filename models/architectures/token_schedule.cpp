#include "models/architectures/token_schedule.hpp"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <variant>

namespace intvit {

bool TokenSchedule::merges() const {
  return std::any_of(pairs.begin(), pairs.end(), [](int count) { return count > 0; });
}

std::vector<int> parse_token_pairs(const std::string &text) {
  std::vector<int> pairs;
  std::istringstream words(text + ",");
  for (std::string word; std::getline(words, word, ',');) {
    if (word.empty() || word.size() > 5 || word.find_first_not_of("0123456789") != std::string::npos)
      throw std::runtime_error("\"" + text + "\" is not a list of numbers such as 0,0,0,18,18");
    pairs.push_back(std::atoi(word.c_str()));
  }
  return pairs;
}

std::string to_string(const TokenSchedule &schedule) {
  std::string text;
  for (const int count : schedule.pairs)
    text += (text.empty() ? "" : ",") + std::to_string(count);
  return text;
}

void merge_tokens(Network &network, const TokenSchedule &schedule) {
  if (!schedule.merges())
    return;
  const int blocks = network.blocks();
  if (static_cast<int>(schedule.pairs.size()) > blocks)
    throw std::runtime_error("tokens are to be merged in " + std::to_string(schedule.pairs.size()) +
                             " blocks, the model has " + std::to_string(blocks));
  const int prefix = network.embedding.prefix_tokens;
  if (network.end.pool == Pool::attention && network.end.first > 0)
    throw std::runtime_error("tokens cannot be merged before an attention pooling that leaves the prefix tokens out");
  const bool weighted = network.end.first + network.end.rows <= prefix;
  int merged = 0;
  std::size_t index = 0;
  for (BodyPart &part : network.body) {
    auto *block = std::get_if<BlockPart>(&part);
    if (block == nullptr || block->config.windows)
      throw std::runtime_error("tokens cannot be merged where they attend to one another within windows (Swin)");
    if (block->config.rotation)
      throw std::runtime_error(
          "tokens cannot be merged in a model with rotary positions, whose angles belong to single "
          "patches; make it without merging");
    if (block->config.bias_grid)
      throw std::runtime_error("tokens cannot be merged in a model with position biases, which belong to single "
                               "patches; make it without merging");
    const std::string where = "block " + std::to_string(index) + ": ";
    block->config.tokens -= merged;
    const int tokens = block->config.tokens;
    const int pairs = index < schedule.pairs.size() ? schedule.pairs[index] : 0;
    ++index;
    if (pairs == 0)
      continue;
    if (block->kept_rows > 0)
      throw std::runtime_error(where + "there is nothing to merge, as only what the head reads goes on");
    block->merging = {.pairs = pairs, .first = prefix, .weighted = weighted};
    const int merging = tokens - prefix;
    if (2 * pairs > merging)
      throw std::runtime_error(where + "cannot merge " + std::to_string(pairs) + " pairs of the " +
                               std::to_string(merging) + " of " + std::to_string(tokens) + " tokens that may merge");
    merged += pairs;
  }
  // What reads more than the tokens in front reads all that are left.
  EndPart &end = network.end;
  if (end.first + end.rows > prefix) {
    end.merged_from = end.rows;
    end.rows -= merged;
  }
}

std::int64_t multiply_accumulates(const Network &network) {
  const std::int64_t channels = network.embedding.channels;
  std::int64_t sum = std::int64_t{network.common.patches()} * network.common.patch_inputs() * channels;
  for (const BodyPart &part : network.body)
    if (const auto *block = std::get_if<BlockPart>(&part)) {
      const std::int64_t tokens = block->config.tokens;
      const std::int64_t queries = block->kept_rows > 0 ? block->kept_rows : tokens;
      sum += tokens * 3 * channels * channels + 2 * queries * tokens * channels + queries * channels * channels +
             (block->config.mlp.gated ? 3 : 2) * (queries - block->merging.pairs) * channels * block->mlp_hidden;
    }
  const EndPart &end = network.end;
  return sum + std::int64_t{end.projection} * end.pooled() + std::int64_t{end.classes} * end.features();
}

} // namespace intvit
