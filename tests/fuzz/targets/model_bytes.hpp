// What the targets that take model files share. model_bytes.cpp has libFuzzer's mutator for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace intvit::fuzz {

inline std::vector<std::byte> bytes_of(const std::uint8_t *data, std::size_t size) {
  const auto *bytes = reinterpret_cast<const std::byte *>(data);
  return {bytes, bytes + size};
}

} // namespace intvit::fuzz
