#include "models/architectures/network.hpp"

#include <algorithm>
#include <stdexcept>

namespace intvit {

int Network::blocks() const {
  return static_cast<int>(std::count_if(body.begin(), body.end(),
                                        [](const BodyPart &part) { return std::holds_alternative<BlockPart>(part); }));
}

void keep_patch_tokens(Network &network) {
  if (network.embedding.normalized)
    throw std::runtime_error("a Swin has no token for each patch in the end: several have become one");
  if (network.end.pool == Pool::mean || network.end.pool == Pool::raw_mean)
    throw std::runtime_error("the model's last norm is not for single patches, so they have no tokens that could be "
                             "compared: it reads their mean, or is not there");
  network.end.patch_tokens = true;
  for (BodyPart &part : network.body) {
    auto &block = std::get<BlockPart>(part);
    if (block.merging.pairs > 0)
      throw std::runtime_error("there is no token for each patch where tokens are merged");
    block.kept_rows = 0;
  }
}

} // namespace intvit
