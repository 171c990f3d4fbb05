#pragma once

#include <cstddef>
#include <vector>

#include "engine/format/model_file.hpp"
#include "engine/graph/builder.hpp"
#include "engine/image/image.hpp"

namespace intvit {

// Throws std::runtime_error with the status's message where it tells of an error: what the quantizer itself has written
// is at fault then.
void require_ok(const Status &status);

// A finished model file: the graph with its constants, the rest of `description`, and what the reference kernels give
// for `golden_image`: `outputs` logits and, where the graph names features besides them, so many `features`. Throws
// std::runtime_error where the engine rejects the model.
std::vector<std::byte> finish_model(const GraphBuilder &graph, ModelDescription description, const Image &golden_image,
                                    int outputs, int features = 0);

} // namespace intvit
