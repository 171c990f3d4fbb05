#include "models/import/huggingface_config.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "models/import/json.hpp"

namespace intvit::importer {

namespace {

struct ModelType {
  std::string_view name;
  std::string_view classes; // what the names of its model classes begin with
};

constexpr std::array<ModelType, 5> model_types = {{{"vit", "ViT"},
                                                   {"deit", "DeiT"},
                                                   {"swin", "Swin"},
                                                   {"dinov2", "Dinov2"},
                                                   {"dinov2_with_registers", "Dinov2WithRegisters"}}};

class Reader {
public:
  explicit Reader(const json &root) : root_(root) {}

  HuggingFaceConfig read() {
    model_type();
    model_class();
    labels();
    config_.qkv_bias = flag("qkv_bias", true);
    require("hidden_act", "gelu", "only the exact GELU (\"gelu\")");
    if (const int colours = integer("num_channels", 3); colours != 3)
      throw std::runtime_error("\"num_channels\" is " + std::to_string(colours) + "; only RGB models can be imported");
    if (config_.model_type == "swin")
      swin();
    else
      vit();
    return config_;
  }

private:
  const json *find(const char *key) const {
    const auto found = root_.find(key);
    return found == root_.end() || found->is_null() ? nullptr : &*found;
  }

  int integer(const char *key, int otherwise) const {
    const json *value = find(key);
    return value != nullptr ? positive_integer(*value, key) : otherwise;
  }

  double real(const char *key, double otherwise) const {
    const json *value = find(key);
    return value != nullptr ? number(*value, key) : otherwise;
  }

  bool flag(const char *key, bool otherwise) const {
    const json *value = find(key);
    return value != nullptr ? boolean(*value, key) : otherwise;
  }

  // Refuses all values but one, which is the default.
  template <typename T> void require(const char *key, const T &wanted, const std::string &supported) const {
    if (const json *value = find(key); value != nullptr && *value != wanted)
      throw std::runtime_error("\"" + std::string(key) + "\" is " + show(*value) + "; " + supported +
                               " can be imported");
  }

  // Height and width.
  std::pair<int, int> size(const char *key, int otherwise) const {
    const json *value = find(key);
    if (value == nullptr)
      return {otherwise, otherwise};
    if (!value->is_array())
      return {positive_integer(*value, key), positive_integer(*value, key)};
    array(*value, key, 2);
    return {positive_integer((*value)[0], key), positive_integer((*value)[1], key)};
  }

  std::vector<int> integers(const char *key, const std::vector<int> &otherwise) const {
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

  void model_type() {
    const json *value = find("model_type");
    if (value == nullptr)
      throw std::runtime_error("\"model_type\" is missing");
    config_.model_type = string(*value, "model_type");
    const auto *found = std::find_if(model_types.begin(), model_types.end(),
                                     [&](const ModelType &type) { return type.name == config_.model_type; });
    if (found == model_types.end()) {
      std::string known;
      for (const ModelType &type : model_types)
        known += (known.empty() ? "" : ", ") + std::string(type.name);
      throw std::runtime_error("\"model_type\" is " + show(*value) + "; can be imported: " + known);
    }
    class_prefix_ = found->classes;
  }

  // Which head stands on the model. A file without "architectures" is taken for the usual classifier's.
  void model_class() {
    const std::string classifier = class_prefix_ + "ForImageClassification";
    std::string name = classifier;
    if (const json *value = find("architectures"))
      name = string(array(*value, "architectures", 1)[0], "architectures");
    teacher_ = config_.model_type == "deit" && name == classifier + "WithTeacher";
    has_head_ = teacher_ || name == classifier;
    if (!has_head_ && name != class_prefix_ + "Model")
      throw std::runtime_error("\"architectures\" is [\"" + name + "\"]; can be imported: " + classifier + ", " +
                               (config_.model_type == "deit" ? classifier + "WithTeacher, " : "") + class_prefix_ +
                               "Model");
    if (has_head_ && config_.is_dinov2())
      throw std::runtime_error("\"architectures\" is [\"" + name +
                               "\"], whose head reads the class token and the "
                               "mean of the patches side by side, which is not supported; " +
                               class_prefix_ + "Model can be imported");
    config_.prefix = has_head_ ? config_.model_type + "." : "";
  }

  // id2label maps "0", "1", ... to names; its size is the number of classes.
  void labels() {
    const json *value = find("id2label");
    if (value == nullptr) {
      classes_ = integer("num_labels", 2);
      return;
    }
    const std::size_t count = object(*value, "id2label").size();
    if (count == 0)
      throw std::runtime_error("\"id2label\" is empty");
    classes_ = static_cast<int>(count);
    config_.labels.resize(count);
    bool placeholders = true;
    for (const auto &[key, label] : value->items()) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      if (error != std::errc() || end != key.data() + key.size() || index >= count || key != std::to_string(index))
        throw std::runtime_error("\"id2label\" has " + std::to_string(count) + " entries, but the key " +
                                 show(json(key)) + ": they must be 0 to " + std::to_string(count - 1));
      config_.labels[index] = string(label, "id2label." + key);
      placeholders = placeholders && config_.labels[index] == "LABEL_" + key;
    }
    if (placeholders || !has_head_)
      config_.labels.clear();
  }

  void common(ModelConfig &model, int patch, double eps) const {
    model.architecture = config_.model_type;
    std::tie(model.image_height, model.image_width) = size("image_size", 224);
    const auto [patch_height, patch_width] = size("patch_size", patch);
    if (patch_height != patch_width)
      throw std::runtime_error("\"patch_size\" is " + show(*find("patch_size")) +
                               "; only square patches can be imported");
    model.patch = patch_height;
    model.layer_norm_eps = real("layer_norm_eps", eps);
    model.classes = has_head_ ? classes_ : 0;
  }

  void vit() {
    VitConfig model;
    const bool dinov2 = config_.is_dinov2();
    common(model, config_.model_type == "dinov2" ? 14 : 16, dinov2 ? 1e-6 : 1e-12);
    model.channels = integer("hidden_size", 768);
    model.depth = integer("num_hidden_layers", 12);
    model.heads = integer("num_attention_heads", 12);
    model.mlp_hidden = integer("intermediate_size", 3072);
    require("head_dim", model.channels / model.heads, "only heads of hidden_size / num_attention_heads");
    if (dinov2) {
      const double hidden = model.channels * real("mlp_ratio", 4);
      if (!(hidden >= 1 && hidden <= 1 << 20))
        throw std::runtime_error("\"mlp_ratio\" is " + show(*find("mlp_ratio")) + ", which no model has");
      model.mlp_hidden = static_cast<int>(hidden);
      require("use_swiglu_ffn", false, "only the MLP with GELU (false)");
      if (config_.model_type == "dinov2_with_registers")
        config_.registers = integer("num_register_tokens", 4);
    }
    model.prefix_tokens = 1 + (config_.model_type == "deit" ? 1 : 0) + config_.registers;
    model.pool = teacher_ ? VitPool::token_pair : VitPool::token;
    validate(model);
    config_.architecture = model;
  }

  void swin() {
    SwinConfig model;
    common(model, 4, 1e-5);
    model.channels = integer("embed_dim", 96);
    model.depths = integers("depths", {2, 2, 6, 2});
    model.heads = integers("num_heads", {3, 6, 12, 24});
    model.mlp_ratio = real("mlp_ratio", 4);
    model.window = integer("window_size", 7);
    require("use_absolute_embeddings", false, "only models without position embedding (false)");
    // transformers leaves PyTorch's 1e-5 in the norms of patch embedding and merging, whatever the file says.
    require("layer_norm_eps", 1e-5, "only 1e-5");
    validate(model);
    config_.architecture = model;
  }

  const json &root_;
  HuggingFaceConfig config_;
  std::string class_prefix_;
  bool has_head_ = true;
  bool teacher_ = false;
  int classes_ = 2;
};

} // namespace

HuggingFaceConfig read_huggingface_config(const std::string &path) {
  HuggingFaceConfig config;
  read_json_file(path, [&](const json &root) { config = Reader(root).read(); });
  return config;
}

} // namespace intvit::importer
