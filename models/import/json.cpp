#include "models/import/json.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string_view>

#include "engine/container/file_io.hpp"
#include "engine/container/file_kind.hpp"
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
    if (text.empty())
      throw std::runtime_error("the file is empty");
    const std::string_view kind = text.front() == '{' ? std::string_view() : file_kind(bytes);
    throw std::runtime_error(kind.empty() ? "parse error: not JSON in UTF-8 at its byte " + std::to_string(error.byte)
                                          : "not JSON but " + std::string(kind));
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
  // Of every type of number that JSON knows, a double is right for the integers in range, and no other is one of them.
  const double real = value.is_number() ? value.get<double>() : 0;
  if (!(real >= 1 && real <= 1'000'000 && real == std::floor(real)))
    refuse(key, "a positive integer", value);
  return static_cast<int>(real);
}

double number(const json &value, const std::string &key) {
  double real = std::numeric_limits<double>::quiet_NaN();
  if (value.is_number()) {
    real = value.get<double>();
  } else if (value.is_string()) {
    const auto &text = value.get_ref<const std::string &>();
    const char *end = text.data() + text.size();
    if (const auto [stop, error] = std::from_chars(text.data(), end, real); error != std::errc() || stop != end)
      refuse(key, "a number", value);
  }
  if (!std::isfinite(real))
    refuse(key, "a number", value);
  return real;
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
  if (!value.is_array() || value.size() == 1) {
    const double all = number(value.is_array() ? value[0] : value, key);
    return {all, all, all};
  }
  array(value, key, 3);
  return {number(value[0], key), number(value[1], key), number(value[2], key)};
}

std::vector<std::string> class_names(const json &value, const std::string &key) {
  const auto name = [&](const json &element, const std::string &of) {
    if (element.is_number() || element.is_boolean())
      return element.dump();
    return string(element, of);
  };
  if (!value.is_array() && !value.is_object())
    refuse(key, "a list of names or an object", value);
  const std::size_t count = value.size();
  if (count == 0)
    throw std::runtime_error("\"" + key + "\" is empty");
  std::vector<std::string> names(count);
  if (value.is_array()) {
    for (std::size_t i = 0; i < count; ++i)
      names[i] = name(value[i], key + "." + std::to_string(i));
    return names;
  }
  for (const auto &[number, element] : value.items()) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), index);
    if (error != std::errc() || index >= count || number != std::to_string(index))
      throw std::runtime_error("\"" + key + "\" has " + std::to_string(count) + " entries, but the key " +
                               show(json(number)) + ": they must be 0 to " + std::to_string(count - 1));
    names[index] = name(element, key + "." + number);
  }
  return names;
}

bool are_placeholders(const std::vector<std::string> &names) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] != "LABEL_" + std::to_string(i))
      return false;
  return true;
}

std::string show(const json &value) {
  constexpr std::size_t longest = 80;
  std::string text = value.dump(-1, ' ', true); // ASCII: it can be cut anywhere
  if (text.size() > longest)
    text.replace(longest, std::string::npos, "...");
  return text;
}

} // namespace intvit::importer
