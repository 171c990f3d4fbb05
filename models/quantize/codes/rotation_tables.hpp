// The constants of a rotation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/graph/builder.hpp"
#include "kernels/rotate.hpp"
#include "models/architectures/rotation.hpp"

namespace intvit {

// `node`'s cosines and sines, rounded to the fraction bits that kernels take.
inline void write_rotation(GraphBuilder &graph, const std::string &node, const Rotation &rotation) {
  constexpr int shift = 30 - kernels::rotation_bits;
  const auto write = [&](const char *suffix, const std::vector<std::int32_t> &values) {
    std::vector<std::int16_t> codes;
    codes.reserve(values.size());
    for (const std::int32_t value : values)
      codes.push_back(static_cast<std::int16_t>((value + (1 << (shift - 1))) >> shift));
    graph.constant(node, suffix, codes, {rotation.rows(), rotation.columns});
  };
  write("cosine", rotation.cosine);
  write("sine", rotation.sine);
}

} // namespace intvit
