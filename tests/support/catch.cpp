// Catch2 itself, compiled once for all programs.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "tests/support/catch.hpp"

namespace intvit::test {

int run_test_cases(int argc, char *argv[]) {
  return Catch::Session().run(argc, argv);
}

} // namespace intvit::test
