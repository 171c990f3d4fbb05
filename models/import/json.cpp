#include "models/import/json.hpp"

#include <cmath>
#include <stdexcept>
#include <string_view>

#include "engine/container/file_io.hpp"
#include "engine/container/json_text.hpp"

namespace intvit::importer {

namespace {

[[noreturn]] void refuse(const std::string &key, const std::string &wanted, const json &value) {
  throw std::runtime_error("\"" + key + "\" must be " + wanted + ", is " + show(value));
}

// nlohmann-json parses without recursion, but what walks the result recurses, and a value takes more memory than its
// text: both are refused before it is built. Its messages show the text, which may be that of any file that a link
// leads to.
json parse(std::span<const std::byte> bytes) {
  constexpr int max_depth = 32;
  const std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  const JsonExtent extent = json_extent(text);
  if (extent.depth > max_depth)
    throw std::runtime_error("nested deeper than " + std::to_string(max_depth) + " levels");
  if (extent.values > max_json_values)
    throw std::runtime_error("holds more than " + std::to_string(max_json_values) + " values");
  try {
    return json::parse(text);
  } catch (const json::parse_error &error) {
    throw std::runtime_error("parse error: not JSON in UTF-8 at its byte " + std::to_string(error.byte));
  }
}

} // namespace

void read_json_file(const std::string &path, const std::function<void(const json &root)> &read) {
  constexpr std::int64_t max_size = std::int64_t{64} << 20;
  const Result<std::vector<std::byte>> text = read_file(path, max_size);
  if (!text.ok())
    throw std::runtime_error(text.status().message());
  try {
    const json root = parse(*text);
    if (!root.is_object())
      throw std::runtime_error("must be a JSON object, is " + show(root));
    read(root);
  } catch (const std::exception &error) { // nlohmann's own errors included
    throw std::runtime_error(path + ": " + error.what());
  }
}

int positive_integer(const json &value, const std::string &key) {
  // A large unsigned number is negative as a signed one, so each is compared as what it is.
  const bool in_range =
      value.is_number_integer() &&
      (value.is_number_unsigned() ? value.get<std::uint64_t>() - 1 < 1'000'000
                                  : value.get<std::int64_t>() >= 1 && value.get<std::int64_t>() <= 1'000'000);
  if (!in_range)
    refuse(key, "a positive integer", value);
  return value.get<int>();
}

double number(const json &value, const std::string &key) {
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    refuse(key, "a number", value);
  return value.get<double>();
}

bool boolean(const json &value, const std::string &key) {
  if (!value.is_boolean())
    refuse(key, "true or false", value);
  return value.get<bool>();
}

std::string string(const json &value, const std::string &key) {
  if (!value.is_string())
    refuse(key, "a string", value);
  return value.get<std::string>();
}

const json &array(const json &value, const std::string &key, std::size_t size) {
  if (!value.is_array() || value.size() != size)
    refuse(key, "a list of " + std::to_string(size), value);
  return value;
}

const json &object(const json &value, const std::string &key) {
  if (!value.is_object())
    refuse(key, "an object", value);
  return value;
}

std::array<double, 3> three_numbers(const json &value, const std::string &key) {
  array(value, key, 3);
  return {number(value[0], key), number(value[1], key), number(value[2], key)};
}

std::string show(const json &value) {
  constexpr std::size_t longest = 80;
  std::string text = value.dump(-1, ' ', true); // ASCII: it can be cut anywhere
  if (text.size() > longest)
    text.replace(longest, std::string::npos, "...");
  return text;
}

} // namespace intvit::importer
