// kernels/ and engine/ hold no floating-point type: no word `float` or `double` stands in any of their files, code or
// comment, but in files that are off the hot path by name.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/data.hpp"

namespace {

namespace fs = std::filesystem;

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool has_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool begins = at == 0 || !is_word_character(text[at - 1]);
    const bool ends = end == text.size() || !is_word_character(text[end]);
    if (begins && ends)
      return true;
  }
  return false;
}

bool has_floating_point(std::string_view text) {
  return has_word(text, "float") || has_word(text, "double");
}

// Every file below `folder` that breaks the rule; `read` counts the files that were looked at.
std::vector<std::string> offenders(const fs::path &folder, std::size_t &read) {
  std::vector<std::string> result;
  for (const fs::directory_entry &entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().filename().string().find("off_hot_path") != std::string::npos)
      continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    ++read;
    if (has_floating_point(text))
      result.push_back(entry.path().string());
  }
  return result;
}

void plant(const fs::path &path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
}

} // namespace

TEST_CASE("integers only: no floating-point type in kernels/ and engine/") {
  for (const std::string folder : {"kernels", "engine"}) {
    std::size_t read = 0;
    const std::vector<std::string> found = offenders(intvit::test::source_file("../" + folder), read);
    CAPTURE(found);
    CHECK(found.empty());
    CHECK(read >= 10);
  }
}

TEST_CASE("integers only: the search finds planted words, and words alone") {
  for (const std::string_view text : {"float", "double x;", "long double", "static_cast<float>(x)", "(double)",
                                      "a\nfloat\n", "// as a float.", "floats float", "std::vector<double>"})
    CHECK(has_floating_point(text));
  for (const std::string_view text : {"", "floats", "doubled", "is_double", "float32", "_float", "flo at", "Float"})
    CHECK_FALSE(has_floating_point(text));

  const fs::path folder = intvit::test::temporary_file("planted");
  fs::create_directories(folder / "below");
  plant(folder / "clean.cpp", "int doubled = 2;");
  plant(folder / "display_off_hot_path.cpp", "double probability;");
  plant(folder / "below" / "planted.hpp", "int a;\nint half(int x) { return int(x * float(0.5)); }\n");
  std::size_t read = 0;
  CHECK(offenders(folder, read) == std::vector<std::string>{(folder / "below" / "planted.hpp").string()});
  CHECK(read == 2);
}
