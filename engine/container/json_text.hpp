// Parses the JSON texts inside a file's metadata, which a stranger may have written.
#pragma once

#include <cstddef>
#include <string_view>

#include <nlohmann/json.hpp>

namespace intvit {

// A parsed tree can take about 50 times the memory of its text, and several are read one after the other.
inline constexpr std::size_t max_json_text = std::size_t{1} << 24;
// The deepest text, a graph, has three levels.
inline constexpr int max_json_depth = 8;

// The result is_discarded() if the text is not JSON, longer than max_json_text or nested deeper than max_json_depth, or
// if two readers could see two things in it: a key twice in an object, a byte order mark, anything behind a zero byte.
nlohmann::json parse_json_text(std::string_view text);

} // namespace intvit
