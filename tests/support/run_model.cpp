#include "tests/support/run_model.hpp"

#include <stdexcept>
#include <utility>

namespace intvit::test {

namespace {

template <typename T> T succeeded(Result<T> result) {
  if (!result.ok())
    throw std::runtime_error(result.status().message());
  return std::move(*result);
}

} // namespace

ModelFile parse_model(std::vector<std::byte> file) {
  return succeeded(ModelFile::parse(std::move(file), "model"));
}

std::shared_ptr<const Model> load_model(const ModelFile &file, const kernels::KernelTable &kernels) {
  return succeeded(Model::create(file, kernels, any_work));
}

Session start_session(const std::shared_ptr<const Model> &model, const SessionOptions &options) {
  return succeeded(Session::create(model, options));
}

std::vector<std::int32_t> run_logits(Session &session, std::span<const Image> images) {
  std::vector<const std::uint8_t *> pixels;
  for (const Image &image : images)
    pixels.push_back(image.rgb.data());
  if (const Status status = session.run(pixels); !status.ok())
    throw std::runtime_error(status.message());
  return {session.logits().begin(), session.logits().end()};
}

std::vector<std::int32_t> logits_of(const ModelFile &file, const Image &image, const kernels::KernelTable &kernels) {
  Session session = start_session(load_model(file, kernels));
  return run_logits(session, {&image, 1});
}

Image golden_image(const ModelFile &file) {
  const Graph &graph = file.description().graph;
  const std::span<const std::uint8_t> pixels = file.golden_image();
  return {graph.image_width, graph.image_height, {pixels.begin(), pixels.end()}};
}

} // namespace intvit::test
