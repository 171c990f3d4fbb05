#include "tests/support/catch.hpp"

int main(int argc, char *argv[]) {
  return intvit::test::run_test_cases(argc, argv);
}
