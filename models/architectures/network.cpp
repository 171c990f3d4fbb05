#include "models/architectures/network.hpp"

#include <algorithm>

namespace intvit {

int Network::blocks() const {
  return static_cast<int>(std::count_if(body.begin(), body.end(),
                                        [](const BodyPart &part) { return std::holds_alternative<BlockPart>(part); }));
}

} // namespace intvit
