// config.json as Hugging Face's transformers writes it beside the weights: what its readers share.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "models/architectures/float_model.hpp"
#include "models/import/json.hpp"

namespace intvit::importer {

struct TransformersType; // formats.hpp

// The model as the file describes it, and how its tensors are named.
struct HuggingFaceConfig {
  const TransformersType *type = nullptr; // an entry of transformers_types (formats.hpp)
  std::string model_type;                 // its name
  // "vit." where a head stands beside the model, else nothing: what the names of all tensors but the head's begin with.
  std::string prefix;
  std::string base;                // "vit.", as it would be beside a head
  ArchitectureConfig architecture; // but for mean, std and recipe, of which preprocessor_config.json tells
  bool has_head = true;
  bool teacher = false; // DeiT with two heads, of class token and distillation token
  int classes = 2;
  int colours = 3; // or 1: grey pictures
  int registers = 0;
  bool qkv_bias = true;
  std::array<bool, 3> biases = {true, true, true}; // DINOv3, Swin V2: of queries, keys and values
  std::vector<std::string> labels; // of id2label, or empty where these are the placeholders "LABEL_0", ...
  bool projects = false;           // CLIP: the features are those of the projection
  bool block_bias = false;         // BEiT: relative position biases of each block,
  bool shared_bias = false;        // of all blocks together
  bool layer_scale = false;        // and layer scales
  bool has_text = false;           // CLIP, SigLIP: a text tower stands beside the image tower

  bool is_siglip() const { return model_type.starts_with("siglip"); }
  bool is_tower() const { return model_type.starts_with("clip") || is_siglip(); } // an image tower
  bool has_class_token() const { return model_type != "ijepa"; }
  bool is_dinov3() const { return model_type == "dinov3_vit"; }
  bool is_beit() const { return model_type == "beit" || model_type == "data2vec-vision"; }
  bool is_dinov2() const { return model_type.starts_with("dinov2"); }
};

// The values of a config.json; one that is not there, or null, is the default of its configuration class. All throw
// std::runtime_error that names the key and shows the value where it is of another type or cannot be imported.
class ConfigFields {
public:
  explicit ConfigFields(const json &root) : root_(root) {}

  const json *find(const char *key) const; // null where it is not there
  int integer(const char *key, int otherwise) const;
  int count(const char *key, int otherwise) const; // may be 0
  std::vector<int> integers(const char *key, const std::vector<int> &otherwise) const;
  std::vector<int> counts(const char *key, const std::vector<int> &otherwise) const; // may be 0
  double real(const char *key, double otherwise) const;
  bool flag(const char *key, bool otherwise) const;
  std::pair<int, int> size(const char *key, int otherwise) const; // height and width
  // What the outputs of so many classes mean. Where the file does not say it, transformers takes a single output for a
  // regression.
  ResultKind head(int classes) const;
  Activation activation(const char *otherwise) const; // of "hidden_act"
  // The values of the object under that key, or these where there is none.
  ConfigFields section(const char *key) const;

  // Refuses all values but one, which is the default.
  template <typename T> void require(const char *key, const T &wanted, const std::string &supported) const {
    if (const json *value = find(key); value != nullptr && *value != wanted)
      throw std::runtime_error("\"" + std::string(key) + "\" is " + show(*value) + "; " + supported +
                               " can be imported");
  }

  // What all models have: image, patches, LayerNorm, classes; with the defaults of `patch` and `eps`.
  void read_common(const HuggingFaceConfig &config, int patch, double eps, ModelConfig &model) const;

private:
  const json &root_;
};

// Throws std::runtime_error: another model type or model class; an activation, a number of colours or another property
// that cannot be imported; an architecture that cannot be.
HuggingFaceConfig huggingface_config(const json &root);

// The same of a file. Messages begin with `path`; also where it is unreadable or malformed.
HuggingFaceConfig read_huggingface_config(const std::string &path);

} // namespace intvit::importer
