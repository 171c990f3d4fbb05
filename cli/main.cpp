// The `intvit` program: finds the subcommand and turns errors into messages and exit codes.
#include <algorithm>
#include <iostream>
#include <new>
#include <string>

#include "cli/command.hpp"
#include "cli/process.hpp"
#include "cli/subcommands.hpp"

namespace {

using namespace intvit::cli;
using intvit::UsageError;

void print_usage(std::ostream &out) {
  out << "intvit " INTVIT_VERSION ": integer-only Vision Transformer inference\n\n"
         "usage: intvit SUBCOMMAND [OPTIONS] (intvit SUBCOMMAND -h tells its options)\n\n";
  std::size_t width = 0;
  for (const Subcommand &subcommand : subcommands)
    width = std::max(width, std::string(subcommand.name).size() + 1);
  for (const Subcommand &subcommand : subcommands)
    out << "  " << subcommand.name << std::string(width - std::string(subcommand.name).size(), ' ')
        << subcommand.purpose << "\n";
}

int run(const Arguments &words) {
  if (words.empty()) {
    print_usage(std::cerr);
    return exit_usage;
  }
  if (words[0] == "-h" || words[0] == "--help" || words[0] == "help") {
    print_usage(std::cout);
    return exit_ok;
  }
  if (words[0] == "--version") {
    std::cout << "intvit " INTVIT_VERSION "\n";
    return exit_ok;
  }
  for (const Subcommand &subcommand : subcommands)
    if (words[0] == subcommand.name)
      return subcommand.run(Arguments(words.begin() + 1, words.end()));
  throw UsageError("no subcommand \"" + words[0] + "\" (see intvit -h)");
}

} // namespace

int main(int argc, char **argv) {
  prepare_process();
  try {
    const int code = run(program_arguments(argc, argv));
    flush_output();
    return code;
  } catch (const Interrupted &interruption) {
    std::cout.flush();
    print_error(interruption.what());
    return interrupted_exit_code();
  } catch (const UsageError &error) {
    print_error(error.what());
    return exit_usage;
  } catch (const std::bad_alloc &) {
    print_error("out of memory");
    return exit_failure;
  } catch (const std::exception &error) {
    print_error(error.what());
    return exit_failure;
  }
}
