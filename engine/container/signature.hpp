// Recognizes file formats by their first bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

namespace intvit {

inline bool begins_with(std::span<const std::byte> bytes, std::string_view signature) {
  return bytes.size() >= signature.size() &&
         std::equal(signature.begin(), signature.end(), bytes.begin(),
                    [](char c, std::byte b) { return std::byte{static_cast<unsigned char>(c)} == b; });
}

} // namespace intvit
