// Some of what the fuzz target of command lines tries, in every build. INTVIT_COMMAND_COUNT: how many.
#include <cstdlib>
#include <map>

#include <catch2/catch.hpp>

#include "cli/subcommands.hpp"
#include "tests/fuzz/command_lines.hpp"

namespace intvit::fuzz {
namespace {

TEST_CASE("command lines: every subcommand on many models, with words that nobody meant") {
  CommandLines lines;
  const char *wanted = std::getenv("INTVIT_COMMAND_COUNT");
  const int count = wanted != nullptr ? std::atoi(wanted) : 600;
  const std::vector<cli::Arguments> seeds = CommandLines::seeds();
  std::map<std::string, std::map<int, int>> codes;
  for (const cli::Arguments &words : seeds)
    ++codes[words[0]][lines.run(words)];
  for (const cli::Subcommand &subcommand : cli::subcommands) {
    CAPTURE(subcommand.name);
    CHECK(codes[subcommand.name][cli::exit_ok] > 0); // else the seeds are none
  }
  test::Random random(1);
  int ran = 0;
  for (int i = 0; i < count; ++i)
    ran += lines.run(lines.changed(seeds[random.bits() % seeds.size()], random)) == cli::exit_ok ? 1 : 0;
  CHECK(ran > count / 20);
}

} // namespace
} // namespace intvit::fuzz
