// Which kernels there are, in which order, and that a name gives its own.
#include "kernels/dispatch.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/kernels/linear_case.hpp"

using namespace intvit::kernels;
using intvit::test::weight_formats;

namespace {

// Every instruction set there is, slowest first within a processor's family.
const std::vector<std::string> all_names = {"reference",  "scalar",     "avx2", "avx512",       "avxvnni",
                                            "avx512vnni", "avx512vbmi", "neon", "neon-dotprod", "neon-i8mm"};

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const KernelTable &kernels : available_kernels())
    result.emplace_back(kernels.name);
  return result;
}

// INTVIT_ISA, put back at the end.
class IsaVariable {
public:
  explicit IsaVariable(const char *value) {
    if (const char *now = std::getenv("INTVIT_ISA"))
      before_ = now;
    if (value != nullptr)
      ::setenv("INTVIT_ISA", value, 1);
    else
      ::unsetenv("INTVIT_ISA");
  }
  ~IsaVariable() {
    if (before_)
      ::setenv("INTVIT_ISA", before_->c_str(), 1);
    else
      ::unsetenv("INTVIT_ISA");
  }
  IsaVariable(const IsaVariable &) = delete;
  IsaVariable &operator=(const IsaVariable &) = delete;

private:
  std::optional<std::string> before_;
};

} // namespace

TEST_CASE("dispatch: the reference, the tiled scalar kernels, then the processor's, slowest first") {
  const std::vector<std::string> found = names();
  REQUIRE(found.size() >= 2);
  CHECK(found[0] == "reference");
  CHECK(found[1] == "scalar");
  auto place = all_names.begin();
  for (const std::string &name : found) {
    CAPTURE(name);
    const auto next = std::find(place, all_names.end(), name);
    REQUIRE(next != all_names.end()); // a known name, and behind the one before it
    place = next + 1;
  }
}

// But for those of a set that brings attention alone and leaves the rest as the next slower one has it.
TEST_CASE("dispatch: a table's kernels are its own") {
  const std::span<const KernelTable> tables = available_kernels();
  for (std::size_t i = 0; i < tables.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      CAPTURE(tables[i].name, tables[j].name);
      CHECK(tables[i].attention.run != tables[j].attention.run);
      if (std::string(tables[i].name) == "avx512vbmi" && j + 1 == i) {
        CHECK(tables[i].linear.run == tables[j].linear.run);
        continue;
      }
      CHECK(tables[i].linear.run != tables[j].linear.run);
      for (const WeightFormat format : weight_formats())
        CHECK(tables[i].linear.formats[format].pack != tables[j].linear.formats[format].pack);
      CHECK(tables[i].layer_norm != tables[j].layer_norm);
      CHECK(tables[i].patches != tables[j].patches);
    }
}

TEST_CASE("dispatch: kernels are found by their names, and by no other") {
  for (const KernelTable &kernels : available_kernels())
    CHECK(find_kernels(kernels.name) == &kernels);
  for (const char *name : {"", "abacus", "Scalar", "scalar "})
    CHECK(find_kernels(name) == nullptr);
}

TEST_CASE("dispatch: INTVIT_ISA picks the default, else it is the fastest") {
  for (const KernelTable &kernels : available_kernels()) {
    const IsaVariable variable(kernels.name);
    CHECK(&default_kernels() == &kernels);
  }
  for (const char *value : {static_cast<const char *>(nullptr), "", "abacus"}) {
    const IsaVariable variable(value);
    CHECK(&default_kernels() == &available_kernels().back());
  }
}
