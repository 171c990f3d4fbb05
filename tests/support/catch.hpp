#pragma once

namespace intvit::test {

// Runs the test cases of this program as its arguments say. Returns Catch2's exit code.
int run_test_cases(int argc, char *argv[]);

} // namespace intvit::test
