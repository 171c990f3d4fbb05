// checkasm: every kernel of every instruction set that this processor has, and of matrix_product.hpp, against the
// reference: random shapes and ranges, extreme codes, forbidden memory on both sides of every buffer; then the time a
// call takes.
//
//   checkasm [--seed N] [--rounds N] [--round R] [--isa NAME] [--kernel PREFIX] [--no-time | --bench] [--self-test]
//
// Exit code 0: all equal; 1: something differs or crashed; 2: the command line makes no sense.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <cxxopts.hpp>

#include "kernels/dispatch.hpp"
#include "tests/checkasm/check.hpp"
#include "tests/checkasm/matrix_product.hpp"
#include "tests/checkasm/planted.hpp"

using namespace intvit::kernels;
using namespace intvit::test;

namespace {

struct Options {
  std::uint64_t seed = 0;
  int first_round = 0;
  int rounds = 0;
  std::vector<const KernelTable *> tables;
  std::vector<const Check *> checks;
};

// Reports of one kernel in one instruction set; more would say the same.
constexpr int most_failures = 3;

// Each round of each kernel has random numbers of its own, so that it can be repeated alone.
Random random_of(std::uint64_t seed, const Check &check, int round) {
  std::seed_seq sequence{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                         static_cast<std::uint32_t>(&check - all_checks().data()), static_cast<std::uint32_t>(round)};
  std::uint32_t words[2];
  sequence.generate(std::begin(words), std::end(words));
  return Random(std::uint64_t{words[0]} << 32 | words[1]);
}

int check_kernels(const Options &options) {
  GuardedMemory memory;
  long long rounds = 0;
  long long failed = 0;
  for (const KernelTable *table : options.tables) {
    std::cout << table->name << "\n";
    for (const Check *check : options.checks) {
      int failures = 0;
      for (int round = options.first_round; round < options.first_round + options.rounds; ++round) {
        Random random = random_of(options.seed, *check, round);
        ++rounds;
        const std::optional<Failure> failure = check->round(*table, random, memory);
        if (!failure)
          continue;
        std::cout << "  " << check->name << ": FAILED: " << failure->text << " (--isa " << table->name << " --kernel "
                  << check->name << " --seed " << options.seed << " --round " << round << ")" << std::endl;
        if (++failures == most_failures)
          break;
      }
      failed += failures;
      if (failures == 0)
        std::cout << "  " << check->name << ": ok" << std::endl;
    }
  }
  std::cout << "checkasm: seed " << options.seed << ": " << rounds << " rounds, " << options.checks.size()
            << " kernels, " << options.tables.size() << " instruction sets: "
            << (failed == 0 ? "all equal to the reference" : std::to_string(failed) + " failed") << "\n";
  return failed == 0 ? 0 : 1;
}

void time_kernels(const Options &options) {
  std::printf("%-19s %-22s %-12s %12s %12s %10s %8s\n", "kernel", "shape", "isa", "best ns", "median ns", "GMAC/s",
              "speed-up");
  for (const Check *check : options.checks) {
    double slowest = 0;
    for (const KernelTable *table : options.tables) {
      if (table == &matrix_product_kernels()) // nobody runs them
        continue;
      const Timing timing = check->time(*table);
      if (slowest == 0)
        slowest = timing.best_ns;
      char rate[32] = "";
      if (timing.macs > 0)
        std::snprintf(rate, sizeof rate, "%.1f", timing.macs / timing.best_ns);
      std::printf("%-19s %-22s %-12s %12.0f %12.0f %10s %7.1fx\n", check->name, check->timed_shape, table->name,
                  timing.best_ns, timing.median_ns, rate, slowest / timing.best_ns);
    }
  }
}

// Every kernel with every planted mistake must be reported, and as what it is.
int self_test(const Options &options) {
  GuardedMemory memory;
  int missed = 0;
  int reported = 0;
  for (const Plant &plant : planted_kernels())
    for (const Check *check : options.checks) {
      std::optional<Failure> failure;
      // Not every range gives a mistake the chance to do harm.
      for (int round = 0; round < 100 && !failure; ++round) {
        Random random = random_of(options.seed, *check, round);
        failure = check->round(plant.table, random, memory);
      }
      const bool found = failure && std::count(plant.reported_as.begin(), plant.reported_as.end(), failure->kind) > 0;
      std::cout << check->name << " with " << plant.mistake << ": " << (found ? "" : "NOT ") << "reported"
                << (failure ? ": " + failure->text : "") << std::endl;
      ++(found ? reported : missed);
    }
  std::cout << "checkasm: seed " << options.seed << ": " << reported << " planted mistakes reported, " << missed
            << " missed\n";
  return missed == 0 && reported > 0 ? 0 : 1;
}

class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

int run(int argc, char **argv) {
  cxxopts::Options parser("checkasm", "Compares every kernel with the reference, then times it.");
  parser.add_options()("seed", "Seed of the random operands (default: a random one)", cxxopts::value<std::uint64_t>())(
      "rounds", "Random calls of each kernel", cxxopts::value<int>()->default_value("200"))(
      "round", "Only this one, as a failure's report names it",
      cxxopts::value<int>())("isa", "Only this instruction set", cxxopts::value<std::string>())(
      "kernel", "Only kernels whose names begin so",
      cxxopts::value<std::string>()->default_value(""))("no-time", "Compare only")("bench", "Time only")(
      "self-test", "Show that planted mistakes are reported")("h,help", "This help");
  cxxopts::ParseResult result;
  try {
    result = parser.parse(argc, argv);
  } catch (const std::exception &error) { // cxxopts's own, whose name changed between versions
    throw UsageError(error.what());
  }
  if (result.count("help") > 0) {
    std::cout << parser.help();
    return 0;
  }
  if (!result.unmatched().empty())
    throw UsageError("unexpected argument \"" + result.unmatched().front() + "\"");

  Options options;
  std::random_device device;
  options.seed = result.count("seed") > 0 ? result["seed"].as<std::uint64_t>() : device();
  options.rounds = result["rounds"].as<int>();
  if (options.rounds < 1)
    throw UsageError("--rounds must be at least 1");
  if (result.count("round") > 0) {
    options.first_round = result["round"].as<int>();
    options.rounds = 1;
  }
  std::string names;
  const auto add = [&](const KernelTable &table) {
    if (result.count("isa") == 0 || result["isa"].as<std::string>() == table.name)
      options.tables.push_back(&table);
  };
  for (const KernelTable &table : available_kernels()) {
    names += std::string(names.empty() ? "" : ", ") + table.name;
    add(table);
  }
  add(matrix_product_kernels());
  if (options.tables.empty())
    throw UsageError("--isa \"" + result["isa"].as<std::string>() + "\" is not available here; there are " + names);
  for (const Check &check : all_checks())
    if (std::string(check.name).starts_with(result["kernel"].as<std::string>()))
      options.checks.push_back(&check);
  if (options.checks.empty())
    throw UsageError("no kernel's name begins with \"" + result["kernel"].as<std::string>() + "\"");

  std::cout << "checkasm: seed " << options.seed << "; this processor has " << names << std::endl;
  if (result.count("self-test") > 0)
    return self_test(options);
  const int exit_code = result.count("bench") > 0 ? 0 : check_kernels(options);
  if (result.count("no-time") == 0 && exit_code == 0)
    time_kernels(options);
  return exit_code;
}

} // namespace

int main(int argc, char **argv) {
  try {
    return run(argc, argv);
  } catch (const UsageError &error) {
    std::cerr << "checkasm: " << error.what() << "\n";
    return 2;
  } catch (const std::exception &error) {
    std::cerr << "checkasm: " << error.what() << "\n";
    return 1;
  }
}
