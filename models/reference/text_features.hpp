// The float32 forward of a text tower; models/reference/forward.hpp makes the promise on bits.
#pragma once

#include <span>

#include "models/architectures/text_tower.hpp"

namespace intvit::reference {

// [features] of a text, not normalized. At least one token and at most config.positions, each below config.vocabulary
// (std::invalid_argument if not).
RowVector text_features(const TextTower &tower, std::span<const int> tokens);

} // namespace intvit::reference
