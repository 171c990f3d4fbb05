// Without the data folder tests are skipped, but not where it is required.
#include <cstdlib>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "tests/support/data.hpp"

TEST_CASE("required data: what is not there fails a test instead of skipping it") {
  const char *before = std::getenv("INTVIT_REQUIRE_DATA");
  const std::string given = before != nullptr ? before : "";
  setenv("INTVIT_REQUIRE_DATA", "1", 1);
  CHECK_THROWS_WITH(intvit::test::shared_data("nonexistent"),
                    Catch::EndsWith("nonexistent is not there, and INTVIT_REQUIRE_DATA is set"));
  setenv("INTVIT_REQUIRE_DATA", given.c_str(), 1);
}
