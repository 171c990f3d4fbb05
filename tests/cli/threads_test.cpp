// How many threads the program uses when nobody says, and that more threads than processors change no bit.
#include <cstddef>

#include <sched.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "kernels/dispatch.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/threads.hpp"

using namespace intvit::test;
using nlohmann::json;

namespace {

// Binds the command to one of the processors that this process may use.
std::string on_one_processor() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  REQUIRE(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  std::size_t first = 0;
  while (!CPU_ISSET(first, &allowed))
    ++first;
  return "taskset -c " + std::to_string(first) + " ";
}

int threads_of(const std::string &before, const std::string &after = "") {
  const Outcome outcome = run_shell(before + "\"$INTVIT\" bench --runs 1 --warmup 0 --format json " + after);
  REQUIRE(outcome.exit_code == 0);
  return json::parse(outcome.out)["results"].at(0)["threads"].get<int>();
}

} // namespace

TEST_CASE("as many threads as processors that the program may use, but for what it is told") {
  const std::string unset = "unset OMP_NUM_THREADS; ";
  CHECK(threads_of(unset + on_one_processor()) == 1);
  CHECK(threads_of("export OMP_NUM_THREADS=3; " + on_one_processor()) == (has_threads ? 3 : 1));
  CHECK(threads_of("export OMP_NUM_THREADS=3; ", "-t 2") == 2);
}

TEST_CASE("more threads than processors change no bit") {
  const auto classify = [](const std::string &before, const std::string &after) {
    const Outcome outcome = run_shell(before + "\"$INTVIT\" classify --raw-logits --format csv -k 1 " + after + " " +
                                      quoted(sample_photograph()) + " " + quoted(sample_photograph()));
    REQUIRE(outcome.exit_code == 0);
    return outcome.out;
  };
  for (const intvit::kernels::KernelTable &kernels : intvit::kernels::available_kernels()) {
    const std::string isa = "--isa " + std::string(kernels.name);
    INFO(isa);
    const std::string expected = classify("", isa + " -t 1");
    CHECK(classify(on_one_processor(), isa + " -t 16") == expected);
    CHECK(classify(on_one_processor(), isa + " -t 5 -b 2") == expected);
    CHECK(classify("", isa + " -t 16 -b 2") == expected);
    CHECK(classify("export OMP_NUM_THREADS=16 OMP_WAIT_POLICY=active; ", isa) == expected);
  }
}
