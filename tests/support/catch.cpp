// Catch2 itself, compiled once for all programs.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "tests/support/catch.hpp"

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

namespace intvit::test {

int run_test_cases(int argc, char *argv[]) {
#ifdef _WIN32
  ::_setmode(::_fileno(stdout), _O_BINARY); // CMake reads the list of tests, whose lines end with a line feed alone
#endif
  return Catch::Session().run(argc, argv);
}

} // namespace intvit::test
