#include "models/quantize/emit/finish.hpp"

#include <array>
#include <stdexcept>

#include "engine/runtime/session.hpp"

namespace intvit {

namespace {

template <typename T> T value_of(Result<T> result) {
  require_ok(result.status());
  return std::move(*result);
}

std::vector<std::byte> with_golden(SafetensorsWriter tensors, const ModelDescription &description, const Image &image,
                                   std::span<const std::int32_t> logits, std::span<const std::int32_t> features) {
  require_ok(tensors.add_tensor(golden_image_tensor, DType::u8, {image.height, image.width, 3},
                                std::as_bytes(std::span(image.rgb))));
  require_ok(tensors.add_tensor(golden_logits_tensor, DType::i32, {static_cast<std::int64_t>(logits.size())},
                                std::as_bytes(logits)));
  if (!features.empty())
    require_ok(tensors.add_tensor(golden_features_tensor, DType::i32, {static_cast<std::int64_t>(features.size())},
                                  std::as_bytes(features)));
  add_model_metadata(description, tensors);
  return tensors.serialize();
}

} // namespace

void require_ok(const Status &status) {
  if (!status.ok())
    throw std::runtime_error(status.message());
}

std::vector<std::byte> finish_model(const GraphBuilder &graph, ModelDescription description, const Image &golden_image,
                                    int outputs, int features) {
  require_ok(graph.status());
  description.graph = graph.graph();
  // A first file with empty results is run to get the real ones.
  const std::vector<std::int32_t> no_logits(static_cast<std::size_t>(outputs), 0);
  const std::vector<std::int32_t> no_features(static_cast<std::size_t>(features), 0);
  const ModelFile draft = value_of(ModelFile::parse(
      with_golden(graph.constants(), description, golden_image, no_logits, no_features), "quantized model"));
  Session session = value_of(Session::create(value_of(Model::create(draft, kernels::default_kernels(), any_work)),
                                             {.threads = 1, .max_batch = 1}));
  const std::array<const std::uint8_t *, 1> input{golden_image.rgb.data()};
  require_ok(session.run(input));
  return with_golden(graph.constants(), description, golden_image, session.logits(),
                     features == 0 ? std::span<const std::int32_t>() : session.features());
}

} // namespace intvit
