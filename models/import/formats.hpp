// How the models of each architecture are read: from files under timm's names and from folders that Hugging Face's
// transformers wrote. A new architecture is entered here, once for each of the two; one that is missing does not
// compile.
#pragma once

#include <array>
#include <string_view>

#include "models/architectures/float_model.hpp"

namespace intvit::importer {

struct TimmSource;        // timm_source.hpp
class ConfigFields;       // huggingface_source.hpp
struct HuggingFaceConfig; // likewise
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

SwinConfig swin_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config);
SwinModel read_transformers(TensorReader &tensors, const SwinConfig &model, const HuggingFaceConfig &config);

struct TransformersType {
  std::string_view name;    // config.json's "model_type"
  std::string_view classes; // what the names of its model classes begin with
  ArchitectureConfig (*config)(const ConfigFields &fields, HuggingFaceConfig &config);
};

template <auto Config> ArchitectureConfig any_of_transformers(const ConfigFields &fields, HuggingFaceConfig &config) {
  return Config(fields, config);
}

inline constexpr std::array<TransformersType, 5> transformers_types = {{
    {"vit", "ViT", any_of_transformers<vit_of_transformers>},
    {"deit", "DeiT", any_of_transformers<vit_of_transformers>},
    {"swin", "Swin", any_of_transformers<swin_of_transformers>},
    {"dinov2", "Dinov2", any_of_transformers<vit_of_transformers>},
    {"dinov2_with_registers", "Dinov2WithRegisters", any_of_transformers<vit_of_transformers>},
}};

} // namespace intvit::importer
