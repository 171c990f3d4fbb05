// Models and batches that need more than there is: an error, not an abort.
#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/run_model.hpp"
#include "tests/support/sanitizers.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

using test::ModelParts;

// Adds a linear map of `in` inputs with `out` outputs, all weights 1.
void add_linear(ModelParts &parts, const std::string &name, const std::string &input, kernels::Epilogue epilogue,
                std::int64_t in, std::int64_t out) {
  const auto outputs = static_cast<std::size_t>(out);
  parts.description.graph.nodes.push_back({name, {input}, Linear{.epilogue = epilogue, .shift = 32}});
  parts.set(name + ".weight", DType::i8, {out, in},
            std::vector<std::int8_t>(outputs * static_cast<std::size_t>(in), 1));
  parts.set(name + ".multiplier", DType::i32, {out}, std::vector<std::int32_t>(outputs));
  parts.set(name + ".offset", DType::i64, {out}, std::vector<std::int64_t>(outputs));
}

TEST_CASE("session: a batch whose tasks an int does not count") {
  ModelParts parts;
  parts.description.graph = {
      .image_height = 1024, .image_width = 8, .nodes = {{"p", {"image"}, Patches{8}}, {"t", {"p"}, TakeRows{1}}}};
  parts.description.recipe = squash_recipe(8, 1024);
  parts.add_blank_golden(2);
  add_linear(parts, "h", "t", kernels::Epilogue::logits, 192, 2);
  const std::shared_ptr<const Model> model = test::load_model(test::parse_model(parts.file()));
  CHECK(Session::create(model, {.threads = 1, .max_batch = 2047}).ok());
  const Result<Session> session = Session::create(model, {.threads = 1, .max_batch = 2048});
  CHECK(session.status().code() == StatusCode::bad_argument);
  CHECK(session.status().message() == "batch 2048 is too large for this model");
}

TEST_CASE("session: an arena larger than the address space") {
  if (INTVIT_ADDRESS_SANITIZER || INTVIT_THREAD_SANITIZER) {
    test::skip("sanitizers end the process where an allocation fails");
    return;
  }
  // 16383 rows of 2^18 codes, copied 600 times with all copies alive at once, 100 images: more than 2^47 bytes, from a
  // file of 4 MB.
  ModelParts parts;
  parts.description.graph = {.image_height = 127, .image_width = 129, .nodes = {{"p", {"image"}, Patches{1}}}};
  parts.description.recipe = squash_recipe(129, 127);
  parts.add_blank_golden(1);
  add_linear(parts, "l", "p", kernels::Epilogue::requantize, 3, 1 << 18);
  std::vector<Node> &nodes = parts.description.graph.nodes;
  for (int i = 0; i < 600; ++i)
    nodes.push_back({"t" + std::to_string(i), {"l"}, TakeRows{127 * 129}});
  for (int i = 0; i < 600; ++i)
    nodes.push_back({"u" + std::to_string(i), {"t" + std::to_string(i)}, TakeRows{1}});
  add_linear(parts, "h", "u0", kernels::Epilogue::logits, 1 << 18, 1);
  const ModelFile file = test::parse_model(parts.file());
  const Result<std::shared_ptr<const Model>> refused = Model::create(file);
  CHECK(refused.status().code() == StatusCode::unsupported);
  CHECK_THAT(refused.status().message(),
             Catch::Contains("41313e9 multiply-accumulates, more than the limit of 4000e9"));
  const std::shared_ptr<const Model> model = test::load_model(file);
  CHECK(model->plan().bytes > std::size_t{600} * 127 * 129 << 18);
  const Result<Session> session = Session::create(model, {.threads = 1, .max_batch = 100});
  CHECK(session.status().code() == StatusCode::out_of_memory);
  CAPTURE(session.status().message());
  CHECK(session.status().message().rfind("no memory for an arena of ", 0) == 0);
  CHECK(session.status().message().find(" bytes; use a smaller batch") != std::string::npos);
}

TEST_CASE("model: weights that take many times their file are refused") {
  // Five maps of 2048 * 2048 * 3 inputs and one output, of which panels hold many.
  constexpr int side = 2048;
  constexpr std::int64_t inputs = std::int64_t{side} * side * 3;
  ModelParts parts;
  parts.description.graph = {.image_height = side, .image_width = side, .nodes = {{"p", {"image"}, Patches{side}}}};
  parts.description.recipe = squash_recipe(side, side);
  parts.add_blank_golden(1);
  for (const char *name : {"a", "b", "c", "d", "e"})
    add_linear(parts, name, "p", kernels::Epilogue::requantize, inputs, 1);
  add_linear(parts, "h", "a", kernels::Epilogue::logits, 1, 1);
  for (auto &[name, tensor] : parts.tensors) // small enough for the sum of so many
    if (name.ends_with(".weight"))
      std::fill(tensor.bytes.begin(), tensor.bytes.end(), std::byte{0});
  const ModelFile file = test::parse_model(parts.file());
  const std::uint64_t limit = 8 * file.tensors().bytes().size() + (std::uint64_t{1} << 28);
  const std::vector<std::int8_t> zeros(static_cast<std::size_t>(inputs));
  kernels::WeightsView weights;
  weights.out_features = 1;
  weights.in_features = static_cast<int>(inputs);
  weights.int8 = zeros.data();
  for (const kernels::KernelTable &table : kernels::available_kernels()) {
    CAPTURE(table.name);
    const std::uint64_t packed = 5 * table.linear.formats[kernels::WeightFormat::int8].packed_bytes(weights);
    const Result<std::shared_ptr<const Model>> model = Model::create(file, table);
    if (packed < limit) {
      CHECK(model.ok());
    } else {
      CHECK(model.status().code() == StatusCode::unsupported);
      CHECK_THAT(model.status().message(), Catch::EndsWith(" bytes of memory, many times those of the file"));
    }
  }
  CHECK_FALSE(Model::create(file, kernels::default_kernels()).ok());
}

} // namespace
} // namespace intvit
