// A plain Vision Transformer for training: class token, pre-norm blocks, erf GELU, qkv bias, LayerNorm eps 1e-6.
// Parameters carry timm's names and shapes (Dosovitskiy et al., 2020; timm's vision_transformer).
#pragma once

#include <cstdint>
#include <string>
#include <torch/types.h>
#include <vector>

#include "models/architectures/vit.hpp"

namespace intvit::train {

// What is trained where nothing else is asked for. Images are square, the head reads the class token.
VitConfig default_vit();

// A tensor of a model's or an optimizer's state, under its name in files.
struct StateTensor {
  std::string name;
  torch::Tensor value;
};

// What matrix products compute in. Parameters, the residual stream, LayerNorm and the loss are float32 in both.
enum class Precision : std::uint8_t { f32, bf16 };

class Vit {
public:
  // Weights as timm draws them, from LibTorch's global generator after seeding it with `seed`.
  Vit(const VitConfig &config, std::uint64_t seed);

  const VitConfig &config() const { return config_; }
  // In timm's order. The tensors are the model's own: writing to them changes the model.
  const std::vector<StateTensor> &parameters() const { return parameters_; }

  // images: float32 [B, 3, image_height, image_width], normalized. Returns logits, float32 [B, classes].
  torch::Tensor forward(const torch::Tensor &images, Precision precision) const;

private:
  struct Linear {
    torch::Tensor weight, bias;
    torch::Tensor operator()(const torch::Tensor &x, Precision precision) const;
  };
  struct Norm {
    torch::Tensor weight, bias;
    torch::Tensor operator()(const torch::Tensor &x) const;
  };
  struct Block {
    Norm norm1;
    Linear qkv, proj;
    Norm norm2;
    Linear fc1, fc2;
  };

  torch::Tensor attention(const torch::Tensor &qkv) const;
  torch::Tensor add(const std::string &name, torch::Tensor value);
  Linear add_linear(const std::string &name, std::int64_t outputs, std::int64_t inputs);
  Norm add_norm(const std::string &name);

  VitConfig config_;
  std::vector<StateTensor> parameters_;
  torch::Tensor cls_token_, pos_embed_;
  Linear patch_embed_, head_;
  std::vector<Block> blocks_;
  Norm norm_;
};

} // namespace intvit::train
