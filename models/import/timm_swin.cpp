// timm's SwinTransformer and SwinTransformerV2.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <tuple>

#include "models/import/formats.hpp"
#include "models/import/position_bias.hpp"
#include "models/import/tensors.hpp"
#include "models/import/timm_source.hpp"

namespace intvit::importer {

namespace {

// timm up to 0.8 put the merging of patches at the end of a stage and named the head as ViT does.
struct SwinForm {
  int colours = 3;
  bool merges_last = false;
  bool qkv_bias = true;
  bool query_bias = false; // Swin V2: of queries and values, which the map's tensor does not hold
  std::string head;
};

std::string block_prefix(int stage, int block) {
  return "layers." + std::to_string(stage) + ".blocks." + std::to_string(block) + ".";
}

std::string bias_name(int stage, int block) {
  return block_prefix(stage, block) + "attn.relative_position_bias_table";
}

int window_of(const TimmSource &source, int stage) {
  const std::string name = bias_name(stage, 0);
  const int offsets = source.dimension(name, 2, 0);
  const auto side = static_cast<int>(std::lround(std::sqrt(static_cast<double>(offsets))));
  if (side * side != offsets || side % 2 == 0)
    throw std::runtime_error("tensor " + name + " has " + std::to_string(offsets) +
                             " offsets, which is no square of an odd number");
  return (side + 1) / 2;
}

// Swin V2's tensors do not tell their size, nor what distances are measured by.
void choose_v2_windows(const TimmSource &source, const std::optional<SwinConfig> &architecture, SwinConfig &config) {
  const TimmConfig &declared = source.config;
  if (!declared.window && !declared.stage_windows && !architecture)
    throw std::runtime_error("the windows' size is unknown: weights do not tell it. Name the architecture, or give the "
                             "folder that holds config.json beside the weights");
  config.window = declared.window.value_or(architecture ? architecture->window : 0);
  if (declared.stage_windows && !declared.stage_windows->empty())
    config.window = *std::max_element(declared.stage_windows->begin(), declared.stage_windows->end());
  if (declared.pretrained_windows)
    config.pretrained_windows = *declared.pretrained_windows;
}

void infer_swin_dimensions(const TimmSource &source, const std::optional<SwinConfig> &architecture,
                           const SwinForm &form, SwinConfig &config) {
  std::tie(config.channels, config.patch) = source.patch_embedding();
  config.depths.clear();
  config.heads.clear();
  config.window = 0;
  const int stages = source.count("layers.");
  validate_dimension("number of stages", stages, 8);
  for (int stage = 0; stage < stages; ++stage) {
    config.depths.push_back(source.count("layers." + std::to_string(stage) + ".blocks."));
    if (config.v2) {
      config.heads.push_back(source.dimension(block_prefix(stage, 0) + "attn.logit_scale", 3, 0));
    } else {
      config.heads.push_back(source.dimension(bias_name(stage, 0), 2, 1));
      config.window = std::max(config.window, window_of(source, stage)); // the last stages' may be smaller
    }
  }
  config.mlp_ratio = static_cast<double>(source.dimension(block_prefix(0, 0) + "mlp.fc1.weight", 2, 0)) /
                     static_cast<double>(config.channels);
  config.classes = source.classes(form.head + ".weight");

  const TimmConfig &declared = source.config;
  const auto agree = [&](const char *what, auto actual, const auto &configured, auto member) {
    source.require_agreement(what, actual, configured,
                             architecture ? std::optional((*architecture).*member) : std::nullopt);
  };
  agree("patch size", config.patch, declared.patch, &SwinConfig::patch);
  agree("embedding dimension", config.channels, declared.channels, &SwinConfig::channels);
  agree("depths", config.depths, declared.depths, &SwinConfig::depths);
  agree("numbers of heads", config.heads, declared.heads, &SwinConfig::heads);
  if (config.v2)
    choose_v2_windows(source, architecture, config);
  else if (!declared.stage_windows)
    agree("window size", config.window, declared.window, &SwinConfig::window);
  if (declared.mlp_ratio)
    source.require_agreement("MLP hidden dimension", config.stage_mlp_hidden(0),
                             static_cast<int>(config.channels * *declared.mlp_ratio), std::nullopt);
}

// Windows of one size, where a grid that is smaller is one window; or those of each stage.
void choose_windows(const TimmSource &source, const std::optional<SwinConfig> &architecture, SwinConfig &config) {
  config.stage_windows.clear();
  if (source.config.stage_windows)
    config.stage_windows = *source.config.stage_windows;
  else if (architecture && !source.config.window)
    config.stage_windows = architecture->stage_windows;
}

// What belongs to a block's scores.
void read_block_positions(TensorReader &tensors, const std::string &attn, const SwinConfig &config, int stage,
                          BlockWeights &block) {
  const int heads = config.heads[static_cast<std::size_t>(stage)];
  const int window = config.windows(stage, 0).size;
  if (!config.v2) {
    block.position_bias = read_position_bias(tensors, attn + "relative_position_bias_table", window, heads);
    return;
  }
  block.position_bias = read_window_bias_network(
      tensors, attn + "cpb_mlp", window, config.stage_pretrained_window(stage), config.position_biases(stage), heads);
  block.cosine_scale = read_cosine_scale(tensors, attn + "logit_scale", heads);
}

// timm's windows may be narrower than they are high, or be shifted along one side alone: where one side of a grid is
// not longer than a window and the other is.
void refuse_oblong_windows(const SwinConfig &config) {
  for (int stage = 0; stage < config.stages(); ++stage) {
    const Windows windows = config.windows(stage, 0);
    const auto [shorter, longer] = std::minmax(windows.grid_height, windows.grid_width);
    if (shorter <= config.stage_window(stage) && longer > config.stage_window(stage))
      throw std::runtime_error(
          "the grid of stage " + std::to_string(stage) + ", " + std::to_string(windows.grid_height) + " rows and " +
          std::to_string(windows.grid_width) +
          " columns, has only one side longer than a window "
          "of " +
          std::to_string(config.stage_window(stage)) +
          "; windows that are not square, or are shifted along one side alone, cannot be imported");
  }
}

SwinWeights read_swin_weights(const WeightFiles &files, const SwinConfig &config, const SwinForm &form) {
  TensorReader tensors(files);
  SwinWeights weights;
  BlockNames names;
  names.qkv_bias = form.qkv_bias;
  if (form.query_bias) {
    names.query_bias = "attn.q_bias";
    names.value_bias = "attn.v_bias";
  }
  weights.patch_embed = tensors.patch_embedding("patch_embed.proj", config.channels, form.colours, config.patch);
  weights.patch_norm = tensors.layer_norm("patch_embed.norm", config.channels);
  for (int stage = 0; stage < config.stages(); ++stage) {
    const auto index = static_cast<std::size_t>(stage);
    SwinStageWeights &layer = weights.stages.emplace_back();
    const std::int64_t channels = config.stage_channels(stage);
    if (stage > 0) {
      const std::string prefix = "layers." + std::to_string(form.merges_last ? stage - 1 : stage) + ".downsample.";
      layer.merge_norm = tensors.layer_norm(prefix + "norm", config.v2 ? channels : 2 * channels);
      layer.merge = tensors.linear(prefix + "reduction", {channels, 2 * channels}, false);
    }
    for (int block = 0; block < config.depths[index]; ++block) {
      const std::string prefix = block_prefix(stage, block);
      layer.blocks.push_back(read_block(tensors, prefix, names, channels, config.stage_mlp_hidden(stage)));
      read_block_positions(tensors, prefix + "attn.", config, stage, layer.blocks.back());
      // timm computes these itself; older files hold them.
      tensors.ignore(prefix + "attn.relative_position_index");
      tensors.ignore(prefix + "attn.relative_coords_table");
      tensors.ignore(prefix + "attn.k_bias"); // of zeros
      tensors.ignore(prefix + "attn_mask");
    }
  }
  weights.norm = tensors.layer_norm("norm", config.features());
  if (config.classes > 0)
    weights.head = tensors.linear(form.head, {config.classes, config.features()});
  tensors.require_all_read("not part of a model that can be imported");
  return weights;
}

} // namespace

SwinModel TimmFormat<SwinModel>::read(const TimmSource &source) {
  const std::optional<SwinConfig> architecture = source.architecture_of<SwinModel>();
  if (source.config.mean_pool && !*source.config.mean_pool)
    throw std::runtime_error("\"global_pool\" is not \"avg\" by " + source.config_path +
                             "; only Swin models that classify by the mean are supported");
  const SwinForm form{.colours = source.colours(),
                      .merges_last = source.has("layers.0.downsample.norm.weight"),
                      .qkv_bias = source.has_ending("layers.", ".attn.qkv.bias"),
                      .query_bias = source.has_ending("layers.", ".attn.q_bias"),
                      .head = source.has("head.weight") ? "head" : "head.fc"};
  SwinModel model;
  SwinConfig &config = model.config;
  if (architecture)
    config = *architecture;
  else
    config.architecture = source.config.architecture.empty() ? "swin" : source.config.architecture;
  config.v2 = source.has_ending("layers.", ".attn.logit_scale") || (architecture && architecture->v2);
  config.activation = source.config.activation.value_or(config.activation);
  infer_swin_dimensions(source, architecture, form, config);
  if (source.config.image_size) {
    config.image_height = source.config.image_size->first;
    config.image_width = source.config.image_size->second;
  } else if (!architecture) {
    throw std::runtime_error("the image size is unknown: weights do not tell it. Name the architecture or put "
                             "config.json beside model.safetensors");
  }
  choose_windows(source, architecture, config);
  source.read_preprocessing(config);
  validate(config);
  refuse_oblong_windows(config);

  model.weights = read_swin_weights(source.files, config, form);
  return model;
}

} // namespace intvit::importer
