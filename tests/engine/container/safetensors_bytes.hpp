// Safetensors files put together by hand, for tests of the reader.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace intvit::test {

std::vector<std::byte> to_bytes(std::string_view text);

// `header` after its length, then `data`.
std::vector<std::byte> safetensors_bytes(std::string_view header, std::string_view data);

} // namespace intvit::test
