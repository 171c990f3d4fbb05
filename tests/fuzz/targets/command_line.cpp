// Command lines: the words are the input's lines.
#include <algorithm>
#include <sstream>

#include "tests/fuzz/command_lines.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t *data, std::size_t size, std::size_t max_size);

namespace {

using namespace intvit;

fuzz::CommandLines &command_lines() {
  static fuzz::CommandLines lines;
  return lines;
}

// No word holds a slash, or a zero byte, which no argument of a process holds.
cli::Arguments words_of(const std::uint8_t *data, std::size_t size) {
  std::string text(reinterpret_cast<const char *>(data), size);
  std::replace(text.begin(), text.end(), '/', '_');
  std::replace(text.begin(), text.end(), '\0', '_');
  cli::Arguments words;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    words.push_back(line);
  return words;
}

} // namespace

extern "C" int LLVMFuzzerInitialize(int *, char ***) {
  command_lines();
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t *data, std::size_t size, std::size_t max_size,
                                               unsigned int seed) {
  if (seed % 4 == 0)
    return LLVMFuzzerMutate(data, size, max_size);
  test::Random random(seed);
  std::string text;
  for (const std::string &word : command_lines().changed(words_of(data, size), random))
    text += word + "\n";
  text.resize(std::min(text.size(), max_size));
  std::copy(text.begin(), text.end(), reinterpret_cast<char *>(data));
  return text.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  command_lines().run(words_of(data, size));
  return 0;
}
