#include "models/import/timm_config.hpp"

#include <map>
#include <set>
#include <stdexcept>

#include "models/import/huggingface_source.hpp"
#include "models/import/json.hpp"

namespace intvit {

namespace {

using namespace importer;

// What the head reads.
void read_global_pool(const json &value, const std::string &key, TimmConfig &config) {
  if (value != "token" && value != "avg" && value != "map")
    throw std::runtime_error("\"" + key + "\" is " + show(value) +
                             "; only models that classify by the class token (\"token\"), the mean of the patches "
                             "(\"avg\") or attention to them (\"map\") are supported");
  config.mean_pool = value == "avg";
  config.attention_pool = value == "map";
}

Activation activation(const json &value, const std::string &key) {
  if (value == "gelu")
    return Activation::gelu;
  if (value == "gelu_tanh")
    return Activation::gelu_tanh;
  if (value == "quick_gelu")
    return Activation::quick_gelu;
  if (value == "silu" || value == "swish")
    return Activation::silu;
  throw std::runtime_error("\"" + key + "\" is " + show(value) +
                           "; \"gelu\", \"gelu_tanh\", \"quick_gelu\" and \"silu\" can be imported");
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

// Whether an argument does not matter: in training only; or the tensors tell of it themselves; or it is about pictures
// of other sizes than the model's; or it has the value that the models here have.
bool is_irrelevant(const std::string &name, const json &value) {
  static const std::set<std::string, std::less<>> names = {
      "attn_drop_rate",  "drop_path_rate",   "drop_rate",
      "dynamic_img_pad", "dynamic_img_size", "fc_norm",
      "fix_init",        "head_dim",         "head_init_scale",
      "no_embed_class",  "patch_drop_rate",  "pos_drop_rate",
      "proj_drop_rate",  "qkv_bias",         "pos_embed_grid_size",
      "rel_pos_dim",     "shared_rel_pos",   "strict_img_size",
      "use_fc_norm",     "use_rel_pos_bias", "use_shared_rel_pos_bias",
      "weight_init"};
  static const std::map<std::string, json, std::less<>> usual = {
      {"always_partition", false}, {"ape", false},           {"final_norm", true}, {"norm_layer", "layernorm"},
      {"patch_norm", true},        {"pos_embed", "learn"},   {"proj_bias", true},  {"qk_norm", false},
      {"scale_attn_norm", false},  {"scale_mlp_norm", false}};
  const auto found = usual.find(name);
  if (name == "rel_pos_type") // a table or a network, which the tensors tell; not Swin V2's network
    return value == "mlp" || value == "bias";
  return names.contains(name) || (found != usual.end() && found->second == value);
}

// [height, width], or one number for both.
std::pair<int, int> size(const json &value, const std::string &key) {
  if (!value.is_array())
    return {positive_integer(value, key), positive_integer(value, key)};
  array(value, key, 2);
  return {positive_integer(value[0], key), positive_integer(value[1], key)};
}

int side_of_square(const json &value, const std::string &key) {
  const auto [height, width] = size(value, key);
  if (height != width)
    throw std::runtime_error("\"" + key + "\" is " + show(value) + "; only squares can be imported");
  return height;
}

// timm passes model_args to the model's constructor: one that is not understood would change the architecture unseen.
// null stands for the constructor's default.
void read_model_arg(const std::string &name, const json &value, TimmConfig &config) {
  const std::string key = "model_args." + name;
  if (name == "img_size") {
    config.image_size = size(value, key);
  } else if (name == "patch_size") {
    config.patch = side_of_square(value, key);
  } else if (name == "in_chans") {
    config.colours = positive_integer(value, key);
  } else if (name == "embed_dim") {
    config.channels = positive_integer(value, key);
  } else if (name == "depth") {
    config.depth = positive_integer(value, key);
  } else if (name == "depths") {
    config.depths = positive_integers(value, key);
  } else if (name == "num_heads") {
    config.heads = value.is_array() ? positive_integers(value, key) : std::vector<int>{positive_integer(value, key)};
  } else if (name == "window_size") {
    if (value.is_array() && value.size() != 2)
      config.stage_windows = positive_integers(value, key);
    else
      config.window = side_of_square(value, key);
  } else if (name == "pretrained_window_sizes") {
    config.pretrained_windows.emplace();
    for (const json &element : array(value, key, value.size()))
      config.pretrained_windows->push_back(element == 0 ? 0 : positive_integer(element, key));
  } else if (name == "mlp_ratio") {
    config.mlp_ratio = number(value, key);
  } else if (name == "num_classes") {
    config.classes = class_count(value, key);
  } else if (name == "class_token") {
    config.class_tokens = static_cast<int>(boolean(value, key));
  } else if (name == "reg_tokens") {
    config.register_tokens = value == 0 ? 0 : positive_integer(value, key);
  } else if (name == "init_values") { // 0 stands for no layer scale
    config.layer_scales = number(value, key) != 0 ? 2 : 0;
  } else if (name == "global_pool") {
    read_global_pool(value, key, config);
  } else if (name == "pre_norm") {
    config.pre_norm = boolean(value, key);
  } else if (name == "pool_include_prefix") {
    config.pools_prefix = boolean(value, key);
  } else if (name == "use_abs_pos_emb") {
    config.absolute_positions = boolean(value, key);
  } else if (name == "act_layer") {
    config.activation = activation(value, key);
  } else if (!is_irrelevant(name, value)) {
    throw std::runtime_error("\"" + key + "\" is not supported (value " + show(value) +
                             "): only plain ViT, DeiT, DINOv2 and Swin models can be imported");
  }
}

CropMode crop_mode(const json &value, const std::string &key) {
  if (value == "center")
    return CropMode::center;
  if (value == "squash")
    return CropMode::squash;
  throw std::runtime_error("\"" + key + "\" is " + show(value) + "; \"center\" and \"squash\" can be followed");
}

void read_pretrained_cfg(const json &pretrained, TimmConfig &config) {
  for (const auto &[name, value] : pretrained.items()) {
    const std::string key = "pretrained_cfg." + name;
    if (value.is_null())
      continue;
    if (name == "tag") {
      config.tag = string(value, key);
    } else if (name == "mean") {
      config.mean = three_numbers(value, key);
    } else if (name == "std") {
      config.std = three_numbers(value, key);
    } else if (name == "crop_pct") {
      config.crop_pct = number(value, key);
    } else if (name == "interpolation") {
      config.interpolation = string(value, key);
    } else if (name == "crop_mode") {
      config.crop_mode = crop_mode(value, key);
    } else if (name == "input_size" && !config.image_size) { // [colours, height, width]; model_args goes first
      array(value, key, 3);
      config.image_size = {positive_integer(value[1], key), positive_integer(value[2], key)};
    }
  }
}

// What transformers adds.
void read_timm_wrapper(const json &root, TimmConfig &config) {
  std::string name = "TimmWrapperForImageClassification";
  if (const auto found = root.find("architectures"); found != root.end() && !found->is_null())
    name = string(array(*found, "architectures", 1)[0], "architectures");
  const bool has_head = name == "TimmWrapperForImageClassification";
  if (!has_head && name != "TimmWrapperModel")
    throw std::runtime_error("\"architectures\" is [\"" + name +
                             "\"]; can be imported: TimmWrapperForImageClassification, TimmWrapperModel");
  if (has_head)
    config.head = ConfigFields(root).head(config.classes.value_or(0));
  else
    config.classes = 0; // whatever the file says
  if (!has_head || are_placeholders(config.labels))
    config.labels.clear();
}

} // namespace

bool is_timm_wrapper(const json &root) {
  const auto found = root.find("model_type");
  return found != root.end() && *found == "timm_wrapper";
}

TimmConfig timm_config(const json &root) {
  TimmConfig config;
  if (root.contains("architecture"))
    config.architecture = string(root["architecture"], "architecture");
  if (root.contains("num_classes"))
    config.classes = class_count(root["num_classes"], "num_classes");
  if (root.contains("global_pool"))
    read_global_pool(root["global_pool"], "global_pool", config);
  for (const char *key : {"labels", "label_names"}) // the first is that of early versions
    if (root.contains(key) && !root[key].is_null())
      config.labels = class_names(root[key], key);
  if (root.contains("model_args"))
    for (const auto &[name, value] : object(root["model_args"], "model_args").items())
      if (!value.is_null())
        read_model_arg(name, value, config);
  if (is_timm_wrapper(root))
    read_timm_wrapper(root, config);
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
