// How the models of each architecture are read: from files under timm's names and from folders that Hugging Face's
// transformers wrote. A new architecture is entered here: for timm's names it must be, or nothing compiles; for
// transformers only if transformers has it.
#pragma once

#include <array>
#include <string_view>
#include <utility>
#include <variant>

#include "models/architectures/float_model.hpp"

namespace intvit::importer {

struct TimmSource;        // timm_source.hpp
class ConfigFields;       // huggingface_source.hpp
struct HuggingFaceConfig; // likewise
struct BlockNames;        // tensors.hpp
class TensorReader;       // tensors.hpp

// timm.

template <class Model> struct TimmFormat;

template <> struct TimmFormat<VitModel> {
  static constexpr const char *blocks = "blocks."; // how the names of its blocks' tensors begin
  static constexpr const char *name = "a ViT";     // in messages
  static VitModel read(const TimmSource &source);
};

template <> struct TimmFormat<SwinModel> {
  static constexpr const char *blocks = "layers.";
  static constexpr const char *name = "a Swin Transformer";
  static SwinModel read(const TimmSource &source);
};

// transformers. The configuration that config.json describes, and what else of it decides how tensors are read; and the
// model of such a configuration.

VitConfig vit_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config);
VitModel read_transformers(TensorReader &tensors, const VitConfig &model, const HuggingFaceConfig &config);

// Of CLIP and SigLIP the image towers, whose tensors read_tower() reads.
VitConfig clip_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config);
VitConfig siglip_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config);
VitModel read_tower(TensorReader &tensors, const VitConfig &model, const HuggingFaceConfig &config);
// Of the blocks of all their towers.
BlockNames clip_block_names();

// Of the block whose tensors' names begin with `block`, in ViT, DeiT, Swin and DINOv2: the names that transformers had
// up to version 4, `attention` standing before "query", or those that it has inside from version 5 on and writes where
// a model's state is saved and not the model.
BlockNames transformers_block_names(const TensorReader &tensors, const std::string &block, const std::string &attention,
                                    const HuggingFaceConfig &config);

// DINOv3.
VitConfig dinov3_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config);
VitModel read_dinov3(TensorReader &tensors, const VitConfig &model, const HuggingFaceConfig &config);

// BEiT and Data2Vec-vision.
VitConfig beit_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config);
VitModel read_beit(TensorReader &tensors, const VitConfig &model, const HuggingFaceConfig &config);

SwinConfig swin_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config);
SwinConfig swin_v2_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config);
SwinModel read_transformers(TensorReader &tensors, const SwinConfig &model, const HuggingFaceConfig &config);

struct TransformersType {
  std::string_view name;    // config.json's "model_type"
  std::string_view classes; // what the names of its model classes begin with
  std::string_view prefix;  // what a classifier puts before the names of its model's tensors; empty: the type's name
  ArchitectureConfig (*config)(const ConfigFields &fields, HuggingFaceConfig &config);
  // The model of HuggingFaceConfig::architecture, which `config` gave.
  FloatModel (*model)(TensorReader &tensors, const ArchitectureConfig &architecture, const HuggingFaceConfig &config);
};

// With the read_transformers() of what `Config` returns.
template <auto Config>
constexpr TransformersType transformers_type(std::string_view name, std::string_view classes,
                                             std::string_view prefix = {}) {
  return {
      name, classes, prefix,
      [](const ConfigFields &fields, HuggingFaceConfig &config) -> ArchitectureConfig {
        return Config(fields, config);
      },
      [](TensorReader &tensors, const ArchitectureConfig &architecture, const HuggingFaceConfig &config) -> FloatModel {
        using Known = decltype(Config(std::declval<const ConfigFields &>(), std::declval<HuggingFaceConfig &>()));
        return read_transformers(tensors, std::get<Known>(architecture), config);
      }};
}

inline constexpr std::array transformers_types = {
    transformers_type<vit_of_transformers>("vit", "ViT"),
    transformers_type<vit_of_transformers>("deit", "DeiT"),
    transformers_type<swin_of_transformers>("swin", "Swin"),
    transformers_type<swin_v2_of_transformers>("swinv2", "Swinv2"),
    transformers_type<vit_of_transformers>("dinov2", "Dinov2"),
    transformers_type<vit_of_transformers>("dinov2_with_registers", "Dinov2WithRegisters"),
    transformers_type<vit_of_transformers>("vit_mae", "ViTMAE", "vit"),
    transformers_type<vit_of_transformers>("vit_msn", "ViTMSN", "vit"),
    transformers_type<vit_of_transformers>("ijepa", "IJepa"),
    transformers_type<dinov3_of_transformers>("dinov3_vit", "DINOv3ViT"),
    transformers_type<beit_of_transformers>("beit", "Beit"),
    transformers_type<beit_of_transformers>("data2vec-vision", "Data2VecVision", "data2vec_vision"),
    transformers_type<clip_of_transformers>("clip", "CLIP"),
    transformers_type<clip_of_transformers>("clip_vision_model", "CLIPVision"),
    transformers_type<siglip_of_transformers>("siglip", "Siglip"),
    transformers_type<siglip_of_transformers>("siglip_vision_model", "SiglipVision"),
};

} // namespace intvit::importer
