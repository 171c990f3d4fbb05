// Merging of tokens in random networks.
#include "models/random/random_network.hpp"

namespace intvit {

std::vector<std::string> RandomNetwork::with_sizes(const std::string &input) const {
  return sizes_.empty() ? std::vector{input} : std::vector{input, sizes_};
}

void RandomNetwork::merge_tokens(const BlockPart &part) {
  const TokenMerging &merging = part.merging;
  const std::string match = part.name + ".match";
  const MatchTokens operation{merging.pairs, merging.first, merging.weighted, scores(match, part.config)};
  graph_.add(match, with_sizes(part.name + ".attn.qkv"), operation);
  graph_.add(part.name + ".merge", {stream_node_, match}, MergeTokens{});
  sizes_ = match;
  stream_node_ = part.name + ".merge";
}

} // namespace intvit
