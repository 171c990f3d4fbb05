// The model that ships, by what knows the engine alone: where a build has no program to `intvit verify` it with.
#include <array>

#include <catch2/catch.hpp>

#include "engine/runtime/session.hpp"
#include "kernels/dispatch.hpp"

namespace intvit {
namespace {

TEST_CASE("shipped model: every instruction set gives its golden logits and features") {
  const Result<ModelFile> file = ModelFile::open(INTVIT_SHIPPED_MODEL);
  INFO(file.status().message());
  REQUIRE(file.ok());
  for (const kernels::KernelTable &table : kernels::available_kernels()) {
    CAPTURE(table.name);
    const Result<std::shared_ptr<const Model>> model = Model::create(*file, table);
    REQUIRE(model.ok());
    Result<Session> session = Session::create(*model, {.threads = 1});
    REQUIRE(session.ok());
    const std::array<const std::uint8_t *, 1> image{file->golden_image().data()};
    REQUIRE(session->run(image).ok());
    CHECK(std::vector(session->logits().begin(), session->logits().end()) == file->golden_logits());
    REQUIRE(session->features().size() == 192);
    CHECK(std::vector(session->features().begin(), session->features().end()) == file->golden_features());
  }
}

} // namespace
} // namespace intvit
