#include "models/import/timm_config.hpp"

#include <stdexcept>

#include "models/import/json.hpp"

namespace intvit {

namespace {

using namespace importer;

void require_token_pooling(const json &value, const std::string &key) {
  if (value != "token")
    throw std::runtime_error("\"" + key + "\" is " + show(value) +
                             "; only models that classify by the class token (\"token\") are supported");
}

// timm passes model_args to the model's constructor: one that is not understood would change the architecture unseen.
// null stands for the constructor's default.
void read_model_args(const json &args, TimmConfig &config) {
  for (const auto &[name, value] : args.items()) {
    const std::string key = "model_args." + name;
    if (value.is_null())
      continue;
    if (name == "img_size") {
      if (value.is_number()) {
        config.image_size = {positive_integer(value, key), positive_integer(value, key)};
      } else {
        array(value, key, 2);
        config.image_size = {positive_integer(value[0], key), positive_integer(value[1], key)};
      }
    } else if (name == "patch_size") {
      config.patch = positive_integer(value, key);
    } else if (name == "embed_dim") {
      config.channels = positive_integer(value, key);
    } else if (name == "depth") {
      config.depth = positive_integer(value, key);
    } else if (name == "num_heads") {
      config.heads = positive_integer(value, key);
    } else if (name == "mlp_ratio") {
      config.mlp_ratio = number(value, key);
    } else if (name == "num_classes") {
      config.classes = positive_integer(value, key);
    } else if (name == "in_chans" && value == 3) {
      continue;
    } else if (name == "global_pool") {
      require_token_pooling(value, key);
    } else {
      throw std::runtime_error("\"" + key + "\" is not supported (value " + show(value) +
                               "): only plain ViT and DeiT models of RGB images can be imported");
    }
  }
}

void read_pretrained_cfg(const json &pretrained, TimmConfig &config) {
  for (const auto &[name, value] : pretrained.items()) {
    const std::string key = "pretrained_cfg." + name;
    if (name == "mean") {
      config.mean = three_numbers(value, key);
    } else if (name == "std") {
      config.std = three_numbers(value, key);
    } else if (name == "crop_pct") {
      config.crop_pct = number(value, key);
    } else if (name == "interpolation") {
      config.interpolation = string(value, key);
    } else if (name == "input_size" && !config.image_size) { // [3, height, width]; model_args goes first
      array(value, key, 3);
      config.image_size = {positive_integer(value[1], key), positive_integer(value[2], key)};
    }
  }
}

TimmConfig read(const json &root) {
  TimmConfig config;
  if (root.contains("architecture"))
    config.architecture = string(root["architecture"], "architecture");
  if (root.contains("num_classes"))
    config.classes = positive_integer(root["num_classes"], "num_classes");
  if (root.contains("global_pool"))
    require_token_pooling(root["global_pool"], "global_pool");
  if (root.contains("label_names")) {
    const json &names = root["label_names"];
    if (!names.is_array())
      throw std::runtime_error("\"label_names\" must be a list of strings");
    for (const json &name : names)
      config.labels.push_back(string(name, "label_names"));
  }
  if (root.contains("model_args"))
    read_model_args(object(root["model_args"], "model_args"), config);
  // Early versions of timm wrote the content of pretrained_cfg at the top.
  read_pretrained_cfg(root.contains("pretrained_cfg") ? object(root["pretrained_cfg"], "pretrained_cfg") : root,
                      config);
  return config;
}

} // namespace

TimmConfig read_timm_config(const std::string &path) {
  TimmConfig config;
  read_json_file(path, [&](const json &root) { config = read(root); });
  return config;
}

} // namespace intvit
