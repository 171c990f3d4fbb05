// timm's names of architectures, with their dimensions and preprocessing.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "models/architectures/float_model.hpp"

namespace intvit {

// All known architectures, in the order in which they are listed to a user. 1000 classes each, but for those that give
// features.
std::span<const ArchitectureConfig> known_architectures();

// The architecture of that name, with the preprocessing of the pretrained tag behind its dot (".fb_in22k_ft_in1k")
// where that is another than its architecture's. What else stands there is ignored.
std::optional<ArchitectureConfig> find_architecture(std::string_view name);

// Throws std::runtime_error where timm's network of that name is known to compute something that none of these do,
// though its tensors may look like theirs.
void refuse_foreign(std::string_view name);

// As find_architecture(). Throws std::runtime_error as refuse_foreign(), or one that lists the known names if there is
// no such architecture.
ArchitectureConfig architecture(std::string_view name);

} // namespace intvit
