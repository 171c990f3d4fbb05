#include "train/teacher.hpp"

#include <algorithm>
#include <stdexcept>
#include <torch/torch.h>
#include <utility>
#include <variant>

#include "models/import/load.hpp"

namespace intvit::train {

namespace {

// What Vit has not; nullptr where it is such a model.
const char *foreign_part(const VitConfig &config) {
  const VitConfig usual;
  const std::pair<bool, const char *> parts[] = {
      {config.image_height != config.image_width || config.partial_patches, "pictures that are not square"},
      {config.color != usual.color, "grey pictures"},
      {config.prefix_tokens != 1 || config.pool != Pool::token, "a head that reads more than one class token"},
      {config.classes == 0 || config.projection != 0 || config.unit_length, "no head that gives classes"},
      {config.head != ResultKind::logits, "outputs that are not classes"},
      {config.activation != Activation::gelu, "another activation than GELU"},
      {config.mlp != usual.mlp, "gated or normalized MLPs"},
      {config.rope.grid != usual.rope.grid || !config.positions || config.position_bias,
       "positions that are not only added"},
      {config.pre_norm || config.embed_norm || config.attention_norm || config.post_norms, "norms in other places"},
      {config.layer_norm_eps != usual.layer_norm_eps || !config.centred_norms,
       "other norms than LayerNorm of eps 1e-6"},
  };
  const auto *found = std::find_if(std::begin(parts), std::end(parts), [](const auto &part) { return part.first; });
  return found == std::end(parts) ? nullptr : found->second;
}

// The imported tensor is contiguous.
void copy(const float *from, const torch::Tensor &to) {
  std::copy_n(from, to.numel(), to.data_ptr<float>());
}

} // namespace

torch::Tensor Teacher::probabilities(const torch::Tensor &images, Precision precision) const {
  const torch::NoGradGuard no_grad;
  return torch::softmax(model.forward(images, precision), 1);
}

Teacher load_teacher(const std::string &path) {
  FloatModel imported = load_float_model(path).model;
  auto *vit = std::get_if<VitModel>(&imported);
  const char *foreign = vit == nullptr ? "windows of attention" : foreign_part(vit->config);
  if (foreign != nullptr)
    throw std::runtime_error(path + ": has " + foreign +
                             "; only a plain ViT or DeiT can be trained, which classifies by its class token");
  Teacher teacher{Vit(vit->config, 0), vit->labels};
  const std::vector<NamedTensor> tensors = named_tensors(vit->config, vit->weights);
  const torch::NoGradGuard no_grad;
  for (const StateTensor &parameter : teacher.model.parameters()) {
    // The class token's position has been added to it.
    if (parameter.name == "cls_token") {
      copy(vit->weights.prefix.data(), parameter.value);
    } else if (parameter.name == "pos_embed") {
      parameter.value.zero_();
      copy(vit->weights.position.data(), parameter.value.slice(1, 1));
    } else {
      const auto same = std::find_if(tensors.begin(), tensors.end(),
                                     [&](const NamedTensor &tensor) { return tensor.name == parameter.name; });
      if (same == tensors.end() || same->elements() != parameter.value.numel())
        throw std::logic_error(path + ": " + parameter.name + " was not imported");
      copy(same->data, parameter.value);
    }
  }
  return teacher;
}

void copy_weights(const Teacher &teacher, const std::vector<StateTensor> &weights) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i].value.copy_(teacher.model.parameters()[i].value);
}

} // namespace intvit::train
