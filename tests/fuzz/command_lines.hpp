// Command lines of every subcommand, run in this process, in a folder of models, pictures and weights of its own: many
// models that load, of which some have no classes, odd graphs, or text that terminals would obey.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "tests/kernels/random.hpp"

namespace intvit::fuzz {

// Changes this process's folder, its standard streams of C++ and INTVIT_MODEL, so there is one in a process.
class CommandLines {
public:
  CommandLines();

  // Command lines that do something, of every subcommand.
  static std::vector<cli::Arguments> seeds();

  // Another model; or also one to three words put in, taken out, exchanged or copied.
  cli::Arguments changed(cli::Arguments words, test::Random &random) const;

  // Runs words[0] with the other words, as main() does, unless they ask for more time or memory than a test has. No
  // word may hold a slash, so that nothing outside of the folder is read or written; afterwards the folder is as it was
  // before. Ends the process where the exit code is none of those that are documented, where a failure has no message,
  // or where something is printed that a terminal would obey. The exit code, or -1 where nothing was run.
  int run(const cli::Arguments &words);

private:
  void fill_folder() const;
  void add_words_model(); // "v", made of the CLIP in "t"
  bool run_takes_long(const cli::Arguments &words) const;

  struct File {
    std::string path;
    std::string content;
  };
  std::vector<File> files_;
  std::vector<std::string> vocabulary_; // names of files, numbers, and all words of the subcommands' help
};

} // namespace intvit::fuzz
