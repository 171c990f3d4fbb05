#include "models/import/huggingface_source.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "models/import/formats.hpp"
#include "models/import/tensors.hpp"

namespace intvit::importer {

namespace {

const TransformersType &model_type(const ConfigFields &fields) {
  const json *value = fields.find("model_type");
  if (value == nullptr)
    throw std::runtime_error("\"model_type\" is missing");
  const std::string name = string(*value, "model_type");
  const auto *found = std::find_if(transformers_types.begin(), transformers_types.end(),
                                   [&](const TransformersType &type) { return type.name == name; });
  if (found != transformers_types.end())
    return *found;
  std::string known;
  for (const TransformersType &type : transformers_types)
    known += (known.empty() ? "" : ", ") + std::string(type.name);
  throw std::runtime_error("\"model_type\" is " + show(*value) + "; can be imported: " + known);
}

// Which class an image tower was saved by. A file without "architectures" is taken for the whole model's.
void read_tower_class(const ConfigFields &fields, const std::string &classes, HuggingFaceConfig &config) {
  const bool siglip = config.is_siglip();
  std::vector<std::string> known = {classes + "Model"}; // of a tower alone
  if (config.model_type == "clip_vision_model")
    known.push_back("CLIPVisionModelWithProjection");
  const std::string family = siglip ? "Siglip" : "CLIP";
  if (classes == family) // transformers once saved towers alone with the configuration of both
    known = {family + "Model", family + "ForImageClassification", family + "VisionModel"};
  if (classes == "CLIP")
    known.push_back("CLIPVisionModelWithProjection");
  std::string name = known.front();
  if (const json *value = fields.find("architectures"))
    name = string(array(*value, "architectures", 1)[0], "architectures");
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    std::string list;
    for (const std::string &entry : known)
      list += (list.empty() ? "" : ", ") + entry;
    throw std::runtime_error("\"architectures\" is [\"" + name + "\"]; can be imported: " + list);
  }
  config.has_head = name.ends_with("ForImageClassification");
  config.has_text = name == family + "Model";
  config.projects = !siglip && (config.has_text || name.ends_with("WithProjection"));
}

// Which head stands on the model. A file without "architectures" is taken for the usual classifier's.
void read_model_class(const ConfigFields &fields, const TransformersType &type, HuggingFaceConfig &config) {
  const std::string classes(type.classes);
  config.base = std::string(type.prefix.empty() ? type.name : type.prefix) + ".";
  if (config.model_type == "vit_mae") { // whose other class has a decoder besides, which makes pictures
    const json *value = fields.find("architectures");
    const std::string name =
        value == nullptr ? "ViTMAEModel" : string(array(*value, "architectures", 1)[0], "architectures");
    if (name != "ViTMAEModel" && name != "ViTMAEForPreTraining")
      throw std::runtime_error("\"architectures\" is [\"" + name +
                               "\"]; can be imported: ViTMAEModel, ViTMAEForPreTraining");
    config.has_head = false;
    config.prefix = name == "ViTMAEModel" ? "" : config.base;
    return;
  }
  if (config.model_type == "dinov3_vit") { // which has no classifier
    if (const json *value = fields.find("architectures"))
      if (const std::string name = string(array(*value, "architectures", 1)[0], "architectures");
          name != "DINOv3ViTModel")
        throw std::runtime_error("\"architectures\" is [\"" + name + "\"]; can be imported: DINOv3ViTModel");
    config.has_head = false;
    return;
  }
  const std::string classifier = classes + "ForImageClassification";
  std::string name = classifier;
  if (const json *value = fields.find("architectures"))
    name = string(array(*value, "architectures", 1)[0], "architectures");
  const bool deit = config.model_type == "deit";
  config.teacher = deit && name == classifier + "WithTeacher";
  config.has_head = config.teacher || name == classifier;
  if (!config.has_head && name != classes + "Model")
    throw std::runtime_error("\"architectures\" is [\"" + name + "\"]; can be imported: " + classifier + ", " +
                             (deit ? classifier + "WithTeacher, " : "") + classes + "Model");
  config.prefix = config.has_head ? config.base : "";
}

// The number of names in id2label is the number of classes.
void read_id2label(const ConfigFields &fields, HuggingFaceConfig &config) {
  const json *value = fields.find("id2label");
  if (value == nullptr) {
    config.classes = fields.integer("num_labels", 2);
    return;
  }
  config.labels = class_names(*value, "id2label");
  config.classes = static_cast<int>(config.labels.size());
  if (are_placeholders(config.labels) || !config.has_head)
    config.labels.clear();
}

} // namespace

const json *ConfigFields::find(const char *key) const {
  const auto found = root_.find(key);
  return found == root_.end() || found->is_null() ? nullptr : &*found;
}

int ConfigFields::integer(const char *key, int otherwise) const {
  const json *value = find(key);
  return value != nullptr ? positive_integer(*value, key) : otherwise;
}

int ConfigFields::count(const char *key, int otherwise) const {
  const json *value = find(key);
  return value != nullptr && *value == 0 ? 0 : integer(key, otherwise);
}

Activation ConfigFields::activation(const char *otherwise) const {
  const json *value = find("hidden_act");
  const std::string name = value != nullptr ? string(*value, "hidden_act") : otherwise;
  if (name == "gelu" || name == "gelu_python")
    return Activation::gelu;
  if (name == "quick_gelu")
    return Activation::quick_gelu;
  if (name == "silu" || name == "swish")
    return Activation::silu;
  if (name == "gelu_pytorch_tanh" || name == "gelu_new" || name == "gelu_fast" || name == "gelu_accurate")
    return Activation::gelu_tanh;
  throw std::runtime_error("\"hidden_act\" is " + show(json(name)) +
                           "; gelu, quick_gelu, gelu_pytorch_tanh and silu can be imported");
}

ConfigFields ConfigFields::section(const char *key) const {
  const json *value = find(key);
  return value != nullptr ? ConfigFields(object(*value, key)) : *this;
}

namespace {

std::vector<int> integer_list(const json &value, const char *key, bool with_zeros) {
  if (!value.is_array())
    throw std::runtime_error("\"" + std::string(key) + "\" must be a list, is " + show(value));
  std::vector<int> result;
  for (const json &element : value)
    result.push_back(with_zeros && element == 0 ? 0 : positive_integer(element, key));
  return result;
}

} // namespace

std::vector<int> ConfigFields::integers(const char *key, const std::vector<int> &otherwise) const {
  const json *value = find(key);
  return value == nullptr ? otherwise : integer_list(*value, key, false);
}

std::vector<int> ConfigFields::counts(const char *key, const std::vector<int> &otherwise) const {
  const json *value = find(key);
  return value == nullptr ? otherwise : integer_list(*value, key, true);
}

double ConfigFields::real(const char *key, double otherwise) const {
  const json *value = find(key);
  return value != nullptr ? number(*value, key) : otherwise;
}

bool ConfigFields::flag(const char *key, bool otherwise) const {
  const json *value = find(key);
  return value != nullptr ? boolean(*value, key) : otherwise;
}

std::pair<int, int> ConfigFields::size(const char *key, int otherwise) const {
  const json *value = find(key);
  if (value == nullptr)
    return {otherwise, otherwise};
  if (!value->is_array())
    return {positive_integer(*value, key), positive_integer(*value, key)};
  array(*value, key, 2);
  return {positive_integer((*value)[0], key), positive_integer((*value)[1], key)};
}

ResultKind ConfigFields::head(int classes) const {
  const json *value = find("problem_type");
  if (value == nullptr)
    return classes == 1 ? ResultKind::scores : ResultKind::logits;
  const std::string name = string(*value, "problem_type");
  if (name == "single_label_classification")
    return ResultKind::logits;
  if (name == "multi_label_classification")
    return ResultKind::labels;
  if (name == "regression")
    return ResultKind::scores;
  throw std::runtime_error("\"problem_type\" is " + show(*value) +
                           "; can be imported: single_label_classification, multi_label_classification, regression");
}

void ConfigFields::read_common(const HuggingFaceConfig &config, int patch, double eps, ModelConfig &model) const {
  model.architecture = config.model_type;
  std::tie(model.image_height, model.image_width) = size("image_size", 224);
  const auto [patch_height, patch_width] = size("patch_size", patch);
  if (patch_height != patch_width)
    throw std::runtime_error("\"patch_size\" is " + show(*find("patch_size")) +
                             "; only square patches can be imported");
  model.patch = patch_height;
  model.layer_norm_eps = real("layer_norm_eps", eps);
  model.classes = config.has_head ? config.classes : 0;
  if (config.has_head)
    model.head = head(config.classes);
}

BlockNames transformers_block_names(const TensorReader &tensors, const std::string &block, const std::string &attention,
                                    const HuggingFaceConfig &config) {
  BlockNames names;
  names.qkv_bias = config.qkv_bias;
  const bool renamed = tensors.has(block + "attention.q_proj.weight");
  if (renamed)
    names.qkv = {"attention.q_proj", "attention.k_proj", "attention.v_proj"};
  else
    names.qkv = {attention + ".query", attention + ".key", attention + ".value"};
  names.proj = renamed ? "attention.o_proj" : "attention.output.dense";
  if (config.is_dinov2()) {                             // the rest has timm's names
    if (tensors.has(block + "mlp.weights_in.weight")) { // of a gated MLP
      names.fc1 = "mlp.weights_in";
      names.fc2 = "mlp.weights_out";
    } else if (tensors.has(block + "mlp.gate_proj.weight")) {
      names.gate = "mlp.gate_proj";
      names.fc1 = "mlp.up_proj";
      names.fc2 = "mlp.down_proj";
    }
    names.scale1 = "layer_scale1.lambda1";
    names.scale2 = "layer_scale2.lambda1";
    return names;
  }
  names.norm1 = "layernorm_before";
  names.norm2 = "layernorm_after";
  if (!renamed) {
    names.fc1 = "intermediate.dense";
    names.fc2 = "output.dense";
  }
  return names;
}

HuggingFaceConfig huggingface_config(const json &root) {
  const ConfigFields fields(root);
  const TransformersType &type = model_type(fields);
  HuggingFaceConfig config;
  config.type = &type;
  config.model_type = type.name;
  if (config.is_tower())
    read_tower_class(fields, std::string(type.classes), config);
  else
    read_model_class(fields, type, config);
  read_id2label(fields, config);
  config.qkv_bias = fields.flag("qkv_bias", true);
  config.colours = fields.integer("num_channels", 3);
  if (config.colours != 3 && config.colours != 1)
    throw std::runtime_error("\"num_channels\" is " + std::to_string(config.colours) +
                             "; only models of RGB (3) and of grey pictures (1) can be imported");
  config.architecture = type.config(fields, config);
  validate(config.architecture);
  return config;
}

HuggingFaceConfig read_huggingface_config(const std::string &path) {
  HuggingFaceConfig config;
  read_json_file(path, [&](const json &root) { config = huggingface_config(root); });
  return config;
}

} // namespace intvit::importer
