// Parses the JSON texts inside a file's metadata, which a stranger may have written.
#pragma once

#include <cstddef>
#include <string_view>

#include <nlohmann/json.hpp>

namespace intvit {

inline constexpr std::size_t max_json_text = std::size_t{1} << 24;
// The deepest text, a graph, has three levels.
inline constexpr int max_json_depth = 8;
// Keys are counted, too. Each takes up to 200 bytes of memory, of which its text has two. The longest lists are labels
// and the checksums of tensors; a graph of as many nodes as there may be has some 500,000 of both.
inline constexpr std::size_t max_json_values = std::size_t{1} << 20;

// What a text would take, told before it is parsed. Of text that is not JSON it says nothing, which does no harm: the
// parser refuses such text.
struct JsonExtent {
  int depth = 0;          // the largest number of brackets that are open at once
  std::size_t values = 0; // no more than so many, those inside of others and keys included
  std::size_t keys = 0;   // of all objects
};
JsonExtent json_extent(std::string_view text);

// The result is_discarded() if the text is not JSON, longer than max_json_text, nested deeper than max_json_depth or of
// more than max_json_values values, or if two readers could see two things in it: a key twice in an object, a byte
// order mark, anything behind a zero byte.
nlohmann::json parse_json_text(std::string_view text);

} // namespace intvit
