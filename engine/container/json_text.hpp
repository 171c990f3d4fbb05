// JSON texts inside a file's metadata, which strangers wrote.
#pragma once

#include <cstddef>
#include <string_view>

#include <nlohmann/json.hpp>

namespace intvit {

// A tree takes up to some 50 times the memory of its text, and several are read one after the other.
inline constexpr std::size_t max_json_text = std::size_t{1} << 24;
// A graph, the deepest, has three levels.
inline constexpr int max_json_depth = 8;

// Discarded (is_discarded()) where the text is no JSON, longer than max_json_text or nested deeper than max_json_depth.
nlohmann::json parse_json_text(std::string_view text);

} // namespace intvit
