// Command lines of every subcommand, in this process: the words are the input's lines. No word holds a slash, and the
// process works in a temporary folder with a model and pictures, so that nothing outside of it is read or written.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "cli/subcommands.hpp"
#include "models/architectures/registry.hpp"
#include "tests/fuzz/model_mutator.hpp"
#include "tests/fuzz/targets/temporary_folder.hpp"

namespace {

namespace fs = std::filesystem;
using namespace intvit;
using cli::Arguments;

void fill_folder() {
  // Benchmarks run for as long as they are told, so they find no model.
  fs::create_directories(fuzz::temporary_folder() / "empty");
  fs::create_directories(fuzz::temporary_folder() / "work" / "d");
  fs::current_path(fuzz::temporary_folder() / "work");
  const std::vector<std::byte> model = fuzz::model_seeds(0).front();
  std::ofstream("m", std::ios::binary)
      .write(reinterpret_cast<const char *>(model.data()), static_cast<std::streamsize>(model.size()));
  for (const char *name : {"i", "d/a.ppm", "d/b.ppm"})
    std::ofstream(name, std::ios::binary) << "P6 2 2 255\n" << std::string(12, 'x');
  std::ofstream("l.csv") << "a.ppm,1\nb.ppm,2\n";
  std::ofstream("broken") << "no model";
}

// Words of a list that could name an architecture, whose random weights take a while.
bool names_architecture(const std::string &word) {
  std::istringstream parts(word);
  for (std::string part; std::getline(parts, part, ',');)
    if (find_architecture(part.substr(part.find('=') + 1)))
      return true;
  return false;
}

} // namespace

extern "C" int LLVMFuzzerInitialize(int *, char ***) {
  fill_folder();
  setenv("INTVIT_MODEL", "m", 1);
  std::cout.rdbuf(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  std::string text(reinterpret_cast<const char *>(data), size);
  std::replace(text.begin(), text.end(), '/', '_');
  std::replace(text.begin(), text.end(), '\0', '_'); // which no argument of a process holds
  Arguments words;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    words.push_back(line);
  if (words.empty() || words.size() > 40 || std::any_of(words.begin(), words.end(), names_architecture))
    return 0;
  for (const auto &[name, purpose, run] : cli::subcommands) {
    if (words[0] != name)
      continue;
    fs::current_path(fuzz::temporary_folder() / (words[0] == "bench" ? "empty" : "work"));
    std::string message;
    int code = cli::exit_usage;
    try {
      code = run({words.begin() + 1, words.end()});
    } catch (const std::exception &error) { // as main() does
      message = error.what();
      if (message.empty())
        fuzz::report("a failure has no message", name);
    }
    if (code < cli::exit_ok || code > cli::exit_usage)
      fuzz::report("another exit code than 0, 1 and 2", name);
    std::cout.clear();
    fs::current_path(fuzz::temporary_folder() / "work");
  }
  return 0;
}
