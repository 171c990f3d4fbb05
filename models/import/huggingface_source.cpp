#include "models/import/huggingface_source.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "models/import/formats.hpp"

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

// Which head stands on the model. A file without "architectures" is taken for the usual classifier's.
void read_model_class(const ConfigFields &fields, const std::string &classes, HuggingFaceConfig &config) {
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
  if (config.has_head && config.is_dinov2())
    throw std::runtime_error("\"architectures\" is [\"" + name +
                             "\"], whose head reads the class token and the "
                             "mean of the patches side by side, which is not supported; " +
                             classes + "Model can be imported");
  config.prefix = config.has_head ? config.model_type + "." : "";
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
  bool placeholders = true;
  for (std::size_t i = 0; i < config.labels.size(); ++i)
    placeholders = placeholders && config.labels[i] == "LABEL_" + std::to_string(i);
  if (placeholders || !config.has_head)
    config.labels.clear();
}

// What the head's outputs mean. Where the file does not say it, transformers takes a single output for a regression.
ResultKind head_of(const ConfigFields &fields, int classes) {
  const json *value = fields.find("problem_type");
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

} // namespace

const json *ConfigFields::find(const char *key) const {
  const auto found = root_.find(key);
  return found == root_.end() || found->is_null() ? nullptr : &*found;
}

int ConfigFields::integer(const char *key, int otherwise) const {
  const json *value = find(key);
  return value != nullptr ? positive_integer(*value, key) : otherwise;
}

std::vector<int> ConfigFields::integers(const char *key, const std::vector<int> &otherwise) const {
  const json *value = find(key);
  if (value == nullptr)
    return otherwise;
  if (!value->is_array())
    throw std::runtime_error("\"" + std::string(key) + "\" must be a list, is " + show(*value));
  std::vector<int> result;
  for (const json &element : *value)
    result.push_back(positive_integer(element, key));
  return result;
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
    model.head = head_of(*this, config.classes);
}

HuggingFaceConfig huggingface_config(const json &root) {
  const ConfigFields fields(root);
  const TransformersType &type = model_type(fields);
  HuggingFaceConfig config;
  config.type = &type;
  config.model_type = type.name;
  read_model_class(fields, std::string(type.classes), config);
  read_id2label(fields, config);
  config.qkv_bias = fields.flag("qkv_bias", true);
  fields.require("hidden_act", "gelu", "only the exact GELU (\"gelu\")");
  if (const int colours = fields.integer("num_channels", 3); colours != 3)
    throw std::runtime_error("\"num_channels\" is " + std::to_string(colours) + "; only RGB models can be imported");
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
