#include "models/import/timm_config.hpp"

#include <set>
#include <stdexcept>

#include "models/import/json.hpp"

namespace intvit {

namespace {

using namespace importer;

// Whether the head reads the mean of the patches.
bool mean_pool(const json &value, const std::string &key) {
  if (value != "token" && value != "avg")
    throw std::runtime_error("\"" + key + "\" is " + show(value) +
                             "; only models that classify by the class token (\"token\") or the mean of the patches "
                             "(\"avg\") are supported");
  return value == "avg";
}

// 0: no head.
int class_count(const json &value, const std::string &key) {
  return value == 0 ? 0 : positive_integer(value, key);
}

std::vector<int> positive_integers(const json &value, const std::string &key) {
  std::vector<int> values;
  for (const json &element : array(value, key, value.size()))
    values.push_back(positive_integer(element, key));
  return values;
}

// Arguments that matter in training only, or that the tensors tell of themselves.
bool is_irrelevant(const std::string &name) {
  static const std::set<std::string, std::less<>> names = {
      "attn_drop_rate",  "drop_path_rate", "drop_rate",      "fc_norm",  "no_embed_class",
      "patch_drop_rate", "pos_drop_rate",  "proj_drop_rate", "qkv_bias", "weight_init"};
  return names.contains(name);
}

// timm passes model_args to the model's constructor: one that is not understood would change the architecture unseen.
// null stands for the constructor's default.
void read_model_arg(const std::string &name, const json &value, TimmConfig &config) {
  const std::string key = "model_args." + name;
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
  } else if (name == "depths") {
    config.depths = positive_integers(value, key);
  } else if (name == "num_heads") {
    config.heads = value.is_array() ? positive_integers(value, key) : std::vector<int>{positive_integer(value, key)};
  } else if (name == "window_size") {
    config.window = positive_integer(value, key);
  } else if (name == "mlp_ratio") {
    config.mlp_ratio = number(value, key);
  } else if (name == "num_classes") {
    config.classes = class_count(value, key);
  } else if (name == "class_token") {
    config.class_tokens = static_cast<int>(boolean(value, key));
  } else if (name == "reg_tokens") {
    config.register_tokens = value == 0 ? 0 : positive_integer(value, key);
  } else if (name == "init_values") {
    number(value, key);
    config.layer_scales = 2;
  } else if (name == "global_pool") {
    config.mean_pool = mean_pool(value, key);
  } else if (!(name == "in_chans" && value == 3) && !is_irrelevant(name)) {
    throw std::runtime_error("\"" + key + "\" is not supported (value " + show(value) +
                             "): only plain ViT, DeiT, DINOv2 and Swin models of RGB images can be imported");
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

} // namespace

TimmConfig timm_config(const json &root) {
  TimmConfig config;
  if (root.contains("architecture"))
    config.architecture = string(root["architecture"], "architecture");
  if (root.contains("num_classes"))
    config.classes = class_count(root["num_classes"], "num_classes");
  if (root.contains("global_pool"))
    config.mean_pool = mean_pool(root["global_pool"], "global_pool");
  if (root.contains("label_names")) {
    const json &names = root["label_names"];
    if (!names.is_array())
      throw std::runtime_error("\"label_names\" must be a list of strings");
    for (const json &name : names)
      config.labels.push_back(string(name, "label_names"));
  }
  if (root.contains("model_args"))
    for (const auto &[name, value] : object(root["model_args"], "model_args").items())
      if (!value.is_null())
        read_model_arg(name, value, config);
  // Early versions of timm wrote the content of pretrained_cfg at the top.
  read_pretrained_cfg(root.contains("pretrained_cfg") ? object(root["pretrained_cfg"], "pretrained_cfg") : root,
                      config);
  return config;
}

TimmConfig read_timm_config(const std::string &path) {
  TimmConfig config;
  read_json_file(path, [&](const json &root) { config = timm_config(root); });
  return config;
}

} // namespace intvit
