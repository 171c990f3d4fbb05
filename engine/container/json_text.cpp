#include "engine/container/json_text.hpp"

#include <algorithm>

namespace intvit {

namespace {

using nlohmann::json;

json refused() {
  return json(json::value_t::discarded);
}

// Of all objects in it. Recurses no deeper than max_json_depth.
std::size_t members(const json &value) {
  std::size_t count = value.is_object() ? value.size() : 0;
  if (value.is_structured())
    for (const json &inside : value)
      count += members(inside);
  return count;
}

} // namespace

JsonExtent json_extent(std::string_view text) {
  JsonExtent extent{0, 1, 0};
  int open = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\') {
      ++i;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == '[' || c == '{')) {
      extent.depth = std::max(extent.depth, ++open);
      ++extent.values; // its first
    } else if (!in_string && (c == ']' || c == '}')) {
      --open;
    } else if (!in_string && c == ',') {
      ++extent.values;
    } else if (!in_string && c == ':') {
      ++extent.keys;
      ++extent.values;
    }
  }
  return extent;
}

json parse_json_text(std::string_view text) {
  // The parser takes a zero byte for the end of the text.
  if (text.size() > max_json_text || text.starts_with("\xEF\xBB\xBF") || text.find('\0') != std::string_view::npos)
    return refused();
  const JsonExtent extent = json_extent(text);
  if (extent.depth > max_json_depth || extent.values > max_json_values)
    return refused();
  // Without a callback, with which the parser looks at all of a list's elements after each object in it. Of a key that
  // an object has twice, it keeps one.
  json result = json::parse(text, nullptr, false);
  return members(result) == extent.keys ? result : refused();
}

} // namespace intvit
