#include "engine/container/json_text.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

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

nlohmann::json refused() {
  return nlohmann::json(nlohmann::json::value_t::discarded);
}

} // namespace

nlohmann::json parse_json_text(std::string_view text) {
  // The parser takes a zero byte for the end of the text.
  if (text.size() > max_json_text || depth(text) > max_json_depth || text.starts_with("\xEF\xBB\xBF") ||
      text.find('\0') != std::string_view::npos)
    return refused();
  std::vector<std::set<std::string>> keys; // of every object that is open
  bool twice = false;
  const auto watch = [&](int, nlohmann::json::parse_event_t event, nlohmann::json &value) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start)
      keys.emplace_back();
    else if (event == Event::object_end)
      keys.pop_back();
    else if (event == Event::key && !keys.back().insert(value.get<std::string>()).second)
      twice = true;
    return true;
  };
  nlohmann::json result = nlohmann::json::parse(text, watch, false);
  return twice ? refused() : result;
}

} // namespace intvit
