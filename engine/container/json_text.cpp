#include "engine/container/json_text.hpp"

#include <algorithm>

namespace intvit {

namespace {

// The largest number of brackets that are open at once. For text that is not JSON the result has no meaning, which does
// no harm: the parser refuses such text.
int depth(std::string_view text) {
  int open = 0;
  int most = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\')
      ++i;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && (c == '[' || c == '{'))
      most = std::max(most, ++open);
    else if (!in_string && (c == ']' || c == '}'))
      --open;
  }
  return most;
}

} // namespace

nlohmann::json parse_json_text(std::string_view text) {
  if (text.size() > max_json_text || depth(text) > max_json_depth)
    return nlohmann::json(nlohmann::json::value_t::discarded);
  return nlohmann::json::parse(text, nullptr, false);
}

} // namespace intvit
