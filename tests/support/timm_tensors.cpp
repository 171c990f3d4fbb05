#include "tests/support/timm_tensors.hpp"

#include <stdexcept>

namespace intvit::test {

WeightTensors timm_tensors(VitModel model) {
  const VitConfig &config = model.config;
  if (config.prefix_tokens != 1 || config.pool != Pool::token)
    throw std::invalid_argument("not a plain ViT");
  WeightTensors tensors;
  for (const NamedTensor &tensor : named_tensors(config, model.weights))
    tensors[tensor.name] = {tensor.shape, std::vector<float>(tensor.data, tensor.data + tensor.elements())};
  auto token = tensors.extract("prefix");
  token.key() = "cls_token";
  token.mapped().shape = {1, 1, config.channels};
  tensors.insert(std::move(token));
  auto position = tensors.extract("position");
  position.key() = "pos_embed";
  position.mapped().shape = {1, config.tokens(), config.channels};
  std::vector<float> &values = position.mapped().values;
  values.insert(values.begin(), static_cast<std::size_t>(config.channels), 0.0F);
  tensors.insert(std::move(position));
  return tensors;
}

} // namespace intvit::test
