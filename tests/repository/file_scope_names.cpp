// Sources that are compiled together (INTVIT_UNITY) share their unnamed namespace. Two functions of one name in it are
// an error if they take the same, but overloads if not: a call in one source might then choose the other source's. So
// names are told apart, from those of other sources and from those that headers declare.
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/data.hpp"

namespace {

namespace fs = std::filesystem;

// A function's name, in a line at file scope as clang-format lays it out: "type name(".
std::string function_name(const std::string &line) {
  static const std::regex function(
      R"(^(?!return|using|namespace|template|else|throw)[A-Za-z_][\w:<>,&*\[\] ]*[ &*>](\w+)\(.*)");
  std::smatch match;
  return std::regex_match(line, match, function) ? match[1].str() : "";
}

using Names = std::map<std::string, std::set<std::string>>; // of functions, and the files that have them

// The functions that headers below `folder` declare, or those in the unnamed namespaces of sources.
void find_names(const fs::path &folder, bool headers, Names &names) {
  for (const fs::directory_entry &entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != (headers ? ".hpp" : ".cpp"))
      continue;
    bool inside = headers;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (!headers && line == "namespace {")
        inside = true;
      else if (!headers && line == "} // namespace")
        inside = false;
      else if (const std::string name = inside ? function_name(line) : ""; !name.empty())
        names[name].insert(entry.path().generic_string());
    }
  }
}

// What is wrong with the sources of a folder, which may include the headers of others.
std::vector<std::string> clashes(const fs::path &root, const std::string &folder,
                                 const std::vector<std::string> &others) {
  Names own;
  find_names(root / folder, false, own);
  Names declared;
  find_names(root / folder, true, declared);
  for (const std::string &other : others)
    find_names(root / other, true, declared);
  std::vector<std::string> result;
  for (const auto &[name, files] : own) {
    const auto header = declared.find(name);
    if (files.size() > 1)
      result.push_back(name + " is in " + *files.begin() + " and in " + *files.rbegin());
    if (header != declared.end())
      result.push_back(name + " is in " + *files.begin() + " and in " + *header->second.begin());
  }
  return result;
}

} // namespace

TEST_CASE("names at file scope: no source's functions are called like another's or a header's") {
  const fs::path root = intvit::test::source_file("..");
  for (const auto &[folder, others] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"models", {"engine", "kernels"}}, {"cli", {"models", "engine", "kernels"}}}) {
    const std::vector<std::string> found = clashes(root, folder, others);
    CAPTURE(found);
    CHECK(found.empty());
    Names own;
    find_names(root / folder, false, own);
    CHECK(own.size() > 100);
  }
}

TEST_CASE("names at file scope: what is planted is found") {
  const fs::path root = intvit::test::temporary_file("names");
  fs::create_directories(root / "a");
  fs::create_directories(root / "b");
  const auto plant = [&](const std::string &file, const std::string &text) { std::ofstream(root / file) << text; };
  plant("b/declares.hpp", "std::string printable(std::string_view text);\n");
  plant("a/one.cpp", "namespace {\nint number(int x) {\n  return x;\n}\n} // namespace\nint shared(int x) {\n}\n");
  plant("a/two.cpp", "namespace {\nint shared(int x) {\n}\n} // namespace\n");
  CHECK(clashes(root, "a", {"b"}).empty());
  plant("a/three.cpp", "namespace {\nstd::string printable(const std::string &text) {\n}\n} // namespace\n");
  REQUIRE(clashes(root, "a", {"b"}).size() == 1);
  CHECK(clashes(root, "a", {"b"})[0].find("printable is in ") == 0);
  plant("a/four.cpp", "namespace {\nconst double *number(double x) {\n}\n} // namespace\n");
  CHECK(clashes(root, "a", {"b"}).size() == 2);
}
