// The model that ships, by what knows the engine alone: where a build has no program to `intvit verify` it with.
#include <catch2/catch.hpp>

#include "tests/support/run_model.hpp"

namespace intvit {
namespace {

TEST_CASE("shipped model: every instruction set gives its golden logits and features") {
  const Result<ModelFile> file = ModelFile::open(INTVIT_SHIPPED_MODEL);
  INFO(file.status().message());
  REQUIRE(file.ok());
  for (const kernels::KernelTable &table : kernels::available_kernels()) {
    CAPTURE(table.name);
    Session session = test::start_session(test::load_model(*file, table));
    const Image image = test::golden_image(*file);
    CHECK(test::run_logits(session, {&image, 1}) == file->golden_logits());
    REQUIRE(session.features().size() == 192);
    CHECK(std::vector(session.features().begin(), session.features().end()) == file->golden_features());
  }
}

} // namespace
} // namespace intvit
