// JSON texts of strangers: what is parsed, and what is refused before it takes memory.
#include "engine/container/json_text.hpp"

#include <string>

#include <catch2/catch.hpp>

namespace intvit {
namespace {

std::string nested(int levels) {
  return std::string(static_cast<std::size_t>(levels), '[') + std::string(static_cast<std::size_t>(levels), ']');
}

TEST_CASE("JSON text: up to so many levels") {
  CHECK_FALSE(parse_json_text(nested(max_json_depth)).is_discarded());
  CHECK(parse_json_text(nested(max_json_depth + 1)).is_discarded());
  // One after the other is not nested, nor is what stands in a string.
  std::string flat = "[";
  for (int i = 0; i < 100; ++i)
    flat += "[{}],";
  CHECK(parse_json_text(flat + "[]]").size() == 101);
  CHECK(parse_json_text(R"(["[[[[[[[[[[[[", "\"[[[[[[[[[[[[", "{{{{{{{{{{{{"])").size() == 3);
}

TEST_CASE("JSON text: up to so many bytes") {
  CHECK(parse_json_text("7" + std::string(max_json_text - 1, ' ')) == 7);
  CHECK(parse_json_text("7" + std::string(max_json_text, ' ')).is_discarded());
}

TEST_CASE("JSON text: up to so many values") {
  const auto list = [](std::size_t values) {
    std::string text = "[0";
    for (std::size_t i = 1; i < values; ++i)
      text += ",0";
    return text + "]";
  };
  CHECK(parse_json_text(list(max_json_values - 1)).size() == max_json_values - 1); // and the list itself
  CHECK(parse_json_text(list(max_json_values)).is_discarded());
  // Commas and brackets in strings part nothing.
  CHECK(parse_json_text("[\"" + std::string(max_json_values, ',') + "\", \"\\\"[\"]").size() == 2);
  CHECK(json_extent(R"({"a": [1, 2, {}], "b,[": "]"})").values >= 6);
  CHECK(json_extent(R"({"a": [1, 2, {}], "b,[": "]"})").depth == 3);
  CHECK(json_extent(R"({"a": [1, 2, {"c": 1}], "b:": "\":"})").keys == 3);
}

TEST_CASE("JSON text: no JSON") {
  for (const char *text : {"", "{", "]", "[1,]", "\"", "\"\\", "nothing"})
    CHECK(parse_json_text(text).is_discarded());
}

// Two readers that see different things in one text would see different models under one checksum.
TEST_CASE("JSON text: what readers take differently") {
  for (const char *text : {R"({"a": 1, "a": 1})", R"({"a": 1, "b": 2, "a": 2})", R"([{"b": {"a": 1, "a": 1}}])",
                           R"({"a": 1, "\u0061": 2})", "\xEF\xBB\xBF{}"})
    CHECK(parse_json_text(text).is_discarded());
  CHECK(parse_json_text(std::string("{}\0", 3)).is_discarded());
  CHECK(parse_json_text(std::string("{}\0{", 4)).is_discarded());
  // The same key in objects of their own.
  CHECK(parse_json_text(R"({"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]})").size() == 2);
}

} // namespace
} // namespace intvit
