#include "models/quantize/emit/model_builder.hpp"

#include <array>
#include <stdexcept>

#include "engine/runtime/session.hpp"

namespace intvit {

namespace {

template <typename T> T value_of(Result<T> result) {
  if (!result.ok())
    throw std::runtime_error(result.status().message());
  return std::move(*result);
}

void require(const Status &status) {
  if (!status.ok())
    throw std::runtime_error(status.message());
}

std::vector<std::byte> with_golden(SafetensorsWriter tensors, const ModelDescription &description, const Image &image,
                                   std::span<const std::int32_t> logits, std::span<const std::int32_t> features) {
  require(tensors.add_tensor(golden_image_tensor, DType::u8, {image.height, image.width, 3},
                             std::as_bytes(std::span(image.rgb))));
  require(tensors.add_tensor(golden_logits_tensor, DType::i32, {static_cast<std::int64_t>(logits.size())},
                             std::as_bytes(logits)));
  if (!features.empty())
    require(tensors.add_tensor(golden_features_tensor, DType::i32, {static_cast<std::int64_t>(features.size())},
                               std::as_bytes(features)));
  add_model_metadata(description, tensors);
  return tensors.serialize();
}

} // namespace

void ModelBuilder::node(std::string name, std::vector<std::string> inputs, Operation operation) {
  description_.graph.nodes.push_back({std::move(name), std::move(inputs), std::move(operation)});
}

void ModelBuilder::weights(const StlqWeights &weights) {
  const auto matrix = [&](const char *suffix, const std::vector<std::uint8_t> &bytes, std::int64_t columns) {
    constant(suffix, bytes, {static_cast<std::int64_t>(bytes.size()) / columns, columns});
  };
  matrix(stlq_first_constant, weights.first, kernels::stlq_row_bytes(weights.in_features));
  matrix(stlq_tiles_constant, weights.tiles, kernels::stlq_tile_row_bytes(weights.in_features));
  matrix(stlq_second_constant, weights.second, kernels::stlq_tile_bytes);
}

void ModelBuilder::requantization(const FixedPoint &fixed) {
  constant("multiplier", fixed.multiplier);
  constant("offset", fixed.offset);
}

void ModelBuilder::add(std::string name, DType dtype, std::vector<std::int64_t> shape,
                       std::span<const std::byte> bytes) {
  if (const Status status = tensors_.add_tensor(std::move(name), dtype, std::move(shape), bytes); !status.ok())
    throw std::logic_error(status.message());
}

void ModelBuilder::features(int count, int fraction_bits) {
  description_.graph.features = description_.graph.nodes.back().name;
  description_.graph.feature_fraction_bits = fraction_bits;
  feature_count_ = count;
}

std::vector<std::byte> ModelBuilder::finish(const Image &golden_image, int outputs) const {
  // A first file with empty results is run to get the real ones.
  const std::vector<std::int32_t> logits(static_cast<std::size_t>(outputs), 0);
  const std::vector<std::int32_t> features(static_cast<std::size_t>(feature_count_), 0);
  const ModelFile draft = value_of(
      ModelFile::parse(with_golden(tensors_, description_, golden_image, logits, features), "quantized model"));
  Session session = value_of(Session::create(value_of(Model::create(draft)), {.threads = 1, .max_batch = 1}));
  const std::array<const std::uint8_t *, 1> input{golden_image.rgb.data()};
  require(session.run(input));
  return with_golden(tensors_, description_, golden_image, session.logits(),
                     feature_count_ == 0 ? std::span<const std::int32_t>() : session.features());
}

} // namespace intvit
