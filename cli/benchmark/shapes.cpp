#include "cli/benchmark/shapes.hpp"

#include <charconv>
#include <sstream>
#include <stdexcept>

#include "models/program/text_file.hpp"

namespace intvit::cli {

namespace {

int dimension(const std::string &word) {
  int value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || value < 1 || value > max_shape_dimension)
    throw std::runtime_error("\"" + word + "\" is not an integer from 1 to " + std::to_string(max_shape_dimension));
  return value;
}

} // namespace

std::vector<Shape> read_shapes(const std::string &path) {
  std::vector<Shape> shapes;
  int number = 0;
  for (const std::string &line : text_lines(read_text_file(path))) {
    ++number;
    std::istringstream text(line.substr(0, line.find('#')));
    std::vector<std::string> words;
    for (std::string word; text >> word;)
      words.push_back(word);
    if (words.empty())
      continue;
    try {
      if (words.size() != 4)
        throw std::runtime_error("expected \"rows out in count\", found " + std::to_string(words.size()) + " words");
      shapes.push_back({dimension(words[0]), dimension(words[1]), dimension(words[2]), dimension(words[3])});
    } catch (const std::runtime_error &error) {
      throw std::runtime_error(path + ": line " + std::to_string(number) + ": " + error.what());
    }
  }
  if (shapes.empty())
    throw std::runtime_error(path + ": holds no shapes");
  return shapes;
}

} // namespace intvit::cli
