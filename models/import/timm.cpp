#include "models/import/timm.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "models/architectures/registry.hpp"
#include "models/import/tensors.hpp"
#include "models/import/timm_config.hpp"
#include "models/import/weight_files.hpp"

namespace intvit {

using namespace importer;

namespace {

namespace fs = std::filesystem;

// A dimension of the tensor `name`, which must have `rank` of them.
int dimension(const WeightFiles &file, const std::string &name, std::size_t rank, std::size_t index) {
  const TensorView *tensor = file.find(name);
  if (tensor == nullptr)
    throw std::runtime_error("tensor " + name + " is missing: not a plain ViT or DeiT under timm's names");
  if (tensor->shape.size() != rank)
    throw std::runtime_error("tensor " + name + " has shape " + shape_text(tensor->shape) + ", must have " +
                             std::to_string(rank) + " dimensions");
  const std::int64_t size = tensor->shape[index];
  if (size < 1 || size > 1 << 24)
    throw std::runtime_error("tensor " + name + " has shape " + shape_text(tensor->shape) + ", which no ViT has");
  return static_cast<int>(size);
}

// One more than the highest N of the tensors "blocks.N.*".
int count_blocks(const WeightFiles &file) {
  constexpr std::string_view prefix = "blocks.";
  int depth = 0;
  for (const auto &[name, tensor] : file.tensors()) {
    int index = 0;
    if (name.starts_with(prefix) &&
        std::from_chars(name.data() + prefix.size(), name.data() + name.size(), index).ec == std::errc() &&
        index < 1 << 16)
      depth = std::max(depth, index + 1);
  }
  return depth;
}

// What the tensors must agree with: the architecture where one is known, overridden by config.json.
struct Declaration {
  std::optional<VitConfig> architecture;
  TimmConfig config;
  std::string config_path; // empty where there is none
};

// Refuses a dimension that a declaration contradicts. config.json overrides the architecture.
void require_agreement(const char *what, int actual, const std::optional<int> &configured, int VitConfig::*member,
                       const Declaration &declaration) {
  const auto refuse = [&](int declared, const std::string &source) {
    if (actual != declared)
      throw std::runtime_error(std::string(what) + " is " + std::to_string(actual) + " by the tensors, but " +
                               std::to_string(declared) + " by " + source);
  };
  if (configured)
    refuse(*configured, declaration.config_path);
  else if (declaration.architecture)
    refuse((*declaration.architecture).*member, "architecture " + declaration.architecture->architecture);
}

void infer_dimensions(const WeightFiles &file, const Declaration &declaration, VitConfig &config) {
  config.channels = dimension(file, "patch_embed.proj.weight", 4, 0);
  config.patch = dimension(file, "patch_embed.proj.weight", 4, 2);
  config.depth = count_blocks(file);
  config.mlp_hidden = dimension(file, "blocks.0.mlp.fc1.weight", 2, 0);
  config.classes = dimension(file, "head.weight", 2, 0);

  const TimmConfig &declared = declaration.config;
  require_agreement("patch size", config.patch, declared.patch, &VitConfig::patch, declaration);
  require_agreement("embedding dimension", config.channels, declared.channels, &VitConfig::channels, declaration);
  require_agreement("depth", config.depth, declared.depth, &VitConfig::depth, declaration);
  // timm scales the hidden dimension with an embedding dimension that model_args change; its ratio is 4 by default.
  std::optional<int> mlp_hidden;
  if (declared.mlp_ratio || declared.channels)
    mlp_hidden = static_cast<int>(config.channels * declared.mlp_ratio.value_or(4.0));
  require_agreement("MLP hidden dimension", config.mlp_hidden, mlp_hidden, &VitConfig::mlp_hidden, declaration);
  // The classes of an architecture are those of ImageNet; fine-tuning changes them.
  if (declared.classes && *declared.classes != config.classes)
    throw std::runtime_error("number of classes is " + std::to_string(config.classes) + " by the tensors, but " +
                             std::to_string(*declared.classes) + " by " + declaration.config_path);
}

int choose_heads(const Declaration &declaration, const TimmOptions &options) {
  if (options.heads != 0)
    return options.heads;
  if (declaration.config.heads)
    return *declaration.config.heads;
  if (declaration.architecture)
    return declaration.architecture->heads;
  throw std::runtime_error("the number of attention heads is unknown: weights do not tell it. Name the architecture, "
                           "give the number of heads, or put config.json beside model.safetensors");
}

void choose_image_size(const WeightFiles &file, const Declaration &declaration, VitConfig &config) {
  const int tokens = dimension(file, "pos_embed", 3, 1);
  if (declaration.config.image_size) {
    config.image_height = declaration.config.image_size->first;
    config.image_width = declaration.config.image_size->second;
  } else if (!declaration.architecture) {
    const auto side = static_cast<int>(std::lround(std::sqrt(static_cast<double>(tokens - 1))));
    if (side * side != tokens - 1)
      throw std::runtime_error("tensor pos_embed has " + std::to_string(tokens) +
                               " positions, which is no square of patches and a class token: give the image size as "
                               "model_args.img_size in config.json");
    config.image_height = side * config.patch;
    config.image_width = side * config.patch;
  }
}

VitConfig describe(const WeightFiles &file, const Declaration &declaration, const TimmOptions &options) {
  VitConfig config = declaration.architecture.value_or(VitConfig{});
  if (!declaration.architecture)
    config.architecture = declaration.config.architecture.empty() ? "vit" : declaration.config.architecture;
  infer_dimensions(file, declaration, config);
  config.heads = choose_heads(declaration, options);
  choose_image_size(file, declaration, config);
  config.mean = declaration.config.mean.value_or(config.mean);
  config.std = declaration.config.std.value_or(config.std);
  config.crop_pct = declaration.config.crop_pct.value_or(config.crop_pct);
  config.interpolation = declaration.config.interpolation.value_or(config.interpolation);
  validate(config);
  return config;
}

// Before anything is allocated: the file holds the tensors that `config` implies, in their shapes, and no others.
void check_tensors(const WeightFiles &file, const VitConfig &config) {
  VitWeights unallocated;
  unallocated.blocks.resize(static_cast<std::size_t>(config.depth));
  const std::vector<NamedTensor> expected = named_tensors(config, unallocated);
  for (const NamedTensor &tensor : expected) {
    const TensorView *found = file.find(tensor.name);
    if (found == nullptr)
      throw std::runtime_error("tensor " + tensor.name + " is missing, expected shape " + shape_text(tensor.shape));
    if (found->shape != tensor.shape)
      throw std::runtime_error("tensor " + tensor.name + " has shape " + shape_text(found->shape) + ", expected " +
                               shape_text(tensor.shape));
  }
  for (const auto &entry : file.tensors())
    if (std::none_of(expected.begin(), expected.end(), [&](const NamedTensor &t) { return t.name == entry.first; }))
      throw std::runtime_error("tensor " + entry.first + " of shape " + shape_text(entry.second.shape) +
                               " is unexpected: only plain ViT and DeiT models with a class token can be imported");
}

VitModel import_file(const WeightFiles &file, const Declaration &declaration, const TimmOptions &options) {
  VitModel model;
  model.config = describe(file, declaration, options);
  check_tensors(file, model.config);
  model.weights = VitWeights(model.config);
  for (const NamedTensor &tensor : named_tensors(model.config, model.weights))
    read_tensor(*file.find(tensor.name), tensor.name, tensor.data);

  model.labels = declaration.config.labels;
  if (!model.labels.empty() && model.labels.size() != static_cast<std::size_t>(model.config.classes))
    throw std::runtime_error(std::to_string(model.labels.size()) + " label_names in " + declaration.config_path +
                             " for " + std::to_string(model.config.classes) + " classes");
  return model;
}

// The architecture by the caller's word, by config.json, or by the file's name.
std::optional<VitConfig> choose_architecture(const std::string &weights_path, const TimmConfig &config,
                                             const TimmOptions &options) {
  if (!options.architecture.empty())
    return architecture(options.architecture);
  if (config.architecture.empty())
    return find_architecture(fs::path(weights_path).filename().string());
  // A name that is not timm's own may stand for a ViT that model_args describe.
  if (config.heads || options.heads != 0)
    return find_architecture(config.architecture);
  return architecture(config.architecture);
}

} // namespace

VitModel load_timm(const std::string &path, const TimmOptions &options) {
  Declaration declaration;
  if (fs::is_directory(path)) {
    declaration.config_path = (fs::path(path) / "config.json").string();
    declaration.config = read_timm_config(declaration.config_path);
  }
  const WeightFiles files(path);
  try {
    declaration.architecture = choose_architecture(files.path(), declaration.config, options);
    return import_file(files, declaration, options);
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(files.path() + ": " + error.what());
  }
}

} // namespace intvit
