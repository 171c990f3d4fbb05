#include "models/reference/text_features.hpp"

#include <algorithm>
#include <stdexcept>

#include "models/reference/forward.hpp"
#include "models/reference/layers.hpp"

namespace intvit::reference {

namespace {

std::ptrdiff_t pooled_token(const TextConfig &config, std::span<const int> tokens) {
  switch (config.pool) {
  case TextPool::first_end: {
    const auto end = std::find(tokens.begin(), tokens.end(), config.end_token);
    return end == tokens.end() ? 0 : end - tokens.begin(); // as transformers, which takes the first then
  }
  case TextPool::largest:
    return std::max_element(tokens.begin(), tokens.end()) - tokens.begin();
  case TextPool::last:
    break;
  }
  return std::ssize(tokens) - 1;
}

} // namespace

RowVector text_features(const TextTower &tower, std::span<const int> tokens) {
  const TextConfig &config = tower.config;
  const int count = static_cast<int>(tokens.size());
  if (count < 1 || count > config.positions)
    throw std::invalid_argument("a text of " + std::to_string(count) + " tokens");
  RowMatrix stream(count, config.channels);
  for (int i = 0; i < count; ++i) {
    const int token = tokens[static_cast<std::size_t>(i)];
    if (token < 0 || token >= config.vocabulary)
      throw std::invalid_argument("token " + std::to_string(token) + " of a vocabulary of " +
                                  std::to_string(config.vocabulary));
    stream.row(i) = tower.token.row(token) + tower.position.row(i);
  }
  for (const BlockWeights &block : tower.blocks)
    stream = block_forward(config.block(count), block, stream);
  const RowMatrix pooled = layer_norm(stream.row(pooled_token(config, tokens)), tower.norm, config.layer_norm_eps);
  return linear(pooled, tower.projection).row(0);
}

} // namespace intvit::reference
