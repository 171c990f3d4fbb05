// A model evaluated from its file without the engine: the graph's JSON node by node, in 128-bit integers, as
// docs/numerics.md and docs/format.md define the operations. Nothing of kernels/ or engine/runtime takes part.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/container/safetensors.hpp"
#include "engine/image/image.hpp"

namespace intvit::test {

// Throws std::logic_error where an intermediate value leaves the range that a kernel computes in.
std::vector<std::int32_t> naive_logits(const SafetensorsFile &file, const Image &image);

// Likewise what the graph names its features; empty where it names none.
std::vector<std::int32_t> naive_features(const SafetensorsFile &file, const Image &image);

// Likewise its patch tokens, [patches, channels].
std::vector<std::int32_t> naive_patch_tokens(const SafetensorsFile &file, const Image &image, int patches,
                                             int channels);

} // namespace intvit::test
