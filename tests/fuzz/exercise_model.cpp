#include "tests/fuzz/exercise_model.hpp"

#include <cstdio>
#include <cstdlib>

#include "engine/runtime/session.hpp"
#include "tests/fuzz/compare_kernels.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit::fuzz {

namespace {

constexpr std::uint64_t most_multiplications = 2'000'000;
constexpr std::uint64_t most_bytes = 8'000'000;

void check_refusal(const Status &status) {
  if (!status.message().starts_with("hostile: ") || status.message().size() < 20)
    report("a refusal does not say what is wrong", status.message().c_str());
}

std::vector<std::int32_t> logits(const ModelFile &file, const Image &image, const kernels::KernelTable &kernels) {
  const Result<std::shared_ptr<const Model>> model = Model::create(file, kernels);
  if (!model.ok())
    report("what binds cannot be packed", model.status().message().c_str());
  Result<Session> session = Session::create(*model, {.threads = 1, .max_batch = 1});
  if (!session.ok())
    report("what loads has no session", session.status().message().c_str());
  const std::uint8_t *pixels = image.rgb.data();
  if (const Status status = session->run({&pixels, 1}); !status.ok())
    report("what loads cannot be run", status.message().c_str());
  return {session->logits().begin(), session->logits().end()};
}

} // namespace

void report(const char *what, const char *details) {
  std::fprintf(stderr, "FAILED: %s: %s\n", what, details);
  std::abort();
}

Fate exercise_model(std::vector<std::byte> bytes, bool thorough) {
  const Result<ModelFile> file = ModelFile::parse(std::move(bytes), "hostile");
  if (!file.ok()) {
    check_refusal(file.status());
    return Fate::refused;
  }
  const Result<Program> program = file->bind();
  if (!program.ok()) {
    check_refusal(program.status());
    return Fate::refused;
  }
  const Cost needed = cost(*program);
  if (needed.multiplications > most_multiplications || needed.bytes > most_bytes) {
    const Result<std::shared_ptr<const Model>> model = Model::create(*file);
    return Fate::loaded;
  }
  const Graph &graph = file->description().graph;
  const std::vector<Image> images = test::random_images(1, graph.image_width, graph.image_height, 1);
  const std::vector<std::int32_t> expected = logits(*file, images[0], kernels::available_kernels().front());
  if (!thorough) {
    if (logits(*file, images[0], kernels::default_kernels()) != expected)
      report("logits differ from the reference's", kernels::default_kernels().name);
  } else if (const std::string difference = compare_kernels(*file, images, {expected}); !difference.empty()) {
    report("logits differ from the reference's", difference.c_str());
  }
  return Fate::ran;
}

} // namespace intvit::fuzz
