// Data flows one way, kernels <- engine <- models <- cli and train: no file includes one of a folder that stands on its
// own, and no headers include one another in a circle.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/data.hpp"

namespace {

namespace fs = std::filesystem;

// What a folder, with all below it, may not include. Paths are relative to the repository.
struct Rule {
  std::string folder;
  std::vector<std::string> forbidden;
};

const std::vector<Rule> rules = {
    {"kernels", {"engine", "models", "train", "cli", "tests"}},
    {"engine", {"models", "train", "cli", "tests"}},
    {"models", {"train", "cli", "tests"}},
    {"models/import", {"models/quantize"}}, // reading weights needs no quantizer
    {"train", {"cli", "tests"}},
    {"cli", {"train", "tests"}},
    {"examples", {"kernels", "engine", "models", "train", "cli", "tests"}}, // <intvit.h> alone
    {"python", {"kernels", "engine", "models", "train", "cli", "tests"}},
};

bool is_below(const std::string &path, const std::string &folder) {
  return path.starts_with(folder + "/");
}

// The project's own headers that a file includes: those in quotes, by their path from the root.
std::vector<std::string> includes_of(const fs::path &file) {
  const std::string begin = "#include \"";
  std::vector<std::string> result;
  std::ifstream text(file);
  for (std::string line; std::getline(text, line);)
    if (line.starts_with(begin))
      result.push_back(line.substr(begin.size(), line.find('"', begin.size()) - begin.size()));
  return result;
}

using Includes = std::map<std::string, std::vector<std::string>>; // of every file that the rules are about

Includes all_includes(const fs::path &root) {
  Includes result;
  for (const Rule &rule : rules) {
    if (!fs::is_directory(root / rule.folder))
      continue;
    for (const fs::directory_entry &entry : fs::recursive_directory_iterator(root / rule.folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension == ".hpp" || extension == ".cpp" || extension == ".h" || extension == ".c")
        result[entry.path().lexically_relative(root).generic_string()] = includes_of(entry.path());
    }
  }
  return result;
}

std::vector<std::string> wrong_ways(const Includes &includes) {
  std::vector<std::string> result;
  for (const auto &[file, headers] : includes)
    for (const std::string &header : headers)
      for (const Rule &rule : rules)
        for (const std::string &forbidden : rule.forbidden)
          if (is_below(file, rule.folder) && is_below(header, forbidden))
            result.push_back(file + " includes " + header);
  return result;
}

// Goes from a file to all that it includes. `path` is how it was reached, `done` is what leads to no circle.
void search(const Includes &includes, const std::string &file, std::vector<std::string> &path,
            std::set<std::string> &done, std::vector<std::string> &circles) {
  for (std::size_t i = 0; i < path.size(); ++i)
    if (path[i] == file) {
      std::string circle;
      for (; i < path.size(); ++i)
        circle += path[i] + " includes ";
      circles.push_back(circle + file);
      return;
    }
  const auto found = includes.find(file);
  if (found == includes.end() || done.contains(file))
    return;
  path.push_back(file);
  for (const std::string &header : found->second)
    search(includes, header, path, done, circles);
  path.pop_back();
  done.insert(file);
}

std::vector<std::string> circles(const Includes &includes) {
  std::vector<std::string> result;
  std::set<std::string> done;
  for (const auto &[file, headers] : includes) {
    std::vector<std::string> path;
    search(includes, file, path, done, result);
  }
  return result;
}

void plant(const fs::path &path, std::string_view text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

} // namespace

TEST_CASE("includes: one way only, kernels <- engine <- models <- cli and train, without circles") {
  const Includes includes = all_includes(intvit::test::source_file(".."));
  CHECK(includes.size() > 300);
  const std::vector<std::string> wrong = wrong_ways(includes);
  CAPTURE(wrong);
  CHECK(wrong.empty());
  const std::vector<std::string> round = circles(includes);
  CAPTURE(round);
  CHECK(round.empty());
}

TEST_CASE("includes: what is planted is found, and nothing else") {
  const fs::path root = intvit::test::temporary_file("planted-includes");
  plant(root / "kernels/a.hpp", "#pragma once\n#include <vector>\n#include \"kernels/vector/b.hpp\"\n");
  plant(root / "kernels/vector/b.hpp", "// #include \"cli/c.hpp\"\n");
  plant(root / "models/import/d.cpp", "#include \"kernels/a.hpp\"\n#include \"models/quantized/e.hpp\"\n");
  CHECK(wrong_ways(all_includes(root)).empty());
  CHECK(circles(all_includes(root)).empty());

  plant(root / "kernels/vector/b.hpp", "#include \"engine/status.hpp\"\n");
  plant(root / "models/import/d.cpp", "#include \"models/quantize/e.hpp\"\n");
  plant(root / "examples/f.c", "#include \"engine/include/intvit.h\"\n");
  CHECK(wrong_ways(all_includes(root)) ==
        std::vector<std::string>{"examples/f.c includes engine/include/intvit.h",
                                 "kernels/vector/b.hpp includes engine/status.hpp",
                                 "models/import/d.cpp includes models/quantize/e.hpp"});
  CHECK(circles(all_includes(root)).empty());

  plant(root / "engine/status.hpp", "#include \"engine/text.hpp\"\n");
  plant(root / "engine/text.hpp", "#include \"kernels/a.hpp\"\n");
  CHECK(circles(all_includes(root)) ==
        std::vector<std::string>{"engine/status.hpp includes engine/text.hpp includes kernels/a.hpp includes "
                                 "kernels/vector/b.hpp includes engine/status.hpp"});
}
