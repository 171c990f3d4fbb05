// JSON values to put into a graph or header: numbers at the edges of ranges, words of the format, values of other
// types.
#pragma once

#include <cstddef>

#include <nlohmann/json.hpp>

#include "tests/kernels/random.hpp"

namespace intvit::fuzz {

class JsonValues {
public:
  explicit JsonValues(test::Random &random) : random_(random) {}

  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_.bits() % limit); }
  bool one_in(std::size_t n) { return below(n) == 0; }

  const char *word(); // of the format: an operation, a type, a name
  nlohmann::json integer();
  nlohmann::json neighbour(const nlohmann::json &number); // one more or less, twice, half; or any integer
  nlohmann::json anything();

protected:
  test::Random &random_;
};

} // namespace intvit::fuzz
