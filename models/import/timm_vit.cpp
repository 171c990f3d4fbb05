// timm's VisionTransformer and VisionTransformerDistilled.
#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "models/import/formats.hpp"
#include "models/import/position_bias.hpp"
#include "models/import/tensors.hpp"
#include "models/import/timm_source.hpp"
#include "models/import/timm_vit_form.hpp"

namespace intvit::importer {

namespace {

// What tells one form from another is taken to be there where the architecture has it, so that a file without it is
// found to lack it.
VitForm find_form(const TimmSource &source, const std::optional<VitConfig> &architecture) {
  const TimmConfig &declared = source.config;
  VitForm form;
  if (source.has("embeds.proj.weight"))
    form.embeds = "embeds.";
  form.class_token = source.has(form.embeds + "cls_token") ||
                     (architecture && architecture->has_class_token() && declared.class_tokens.value_or(1) != 0);
  form.distillation_token = source.has("dist_token") || (architecture && architecture->pool == Pool::token_pair);
  if (declared.register_tokens)
    form.registers = *declared.register_tokens;
  else if (architecture && !form.distillation_token)
    form.registers = architecture->prefix_tokens - static_cast<int>(architecture->has_class_token());
  if (source.has(form.embeds + "reg_token"))
    form.registers = source.dimension(form.embeds + "reg_token", 3, 1);
  form.eva_scale = source.has_in_block(".gamma_1") || source.has_in_block(".gamma_2");
  form.layer_scale = form.eva_scale || source.has_in_block(".ls1.gamma") || source.has_in_block(".ls2.gamma");
  form.qkv_bias = source.has_in_block(".attn.qkv.bias");
  form.query_bias = source.has_in_block(".attn.q_bias") || source.has_in_block(".attn.v_bias");
  form.fused_qkv = !source.has_in_block(".attn.q_proj.weight");
  form.key_bias = source.has_in_block(".attn.k_proj.bias");
  if (!form.fused_qkv)
    form.qkv_bias = source.has_in_block(".attn.q_proj.bias");
  // Of networks with RMSNorm some have no biases at all.
  const bool biases = !architecture || architecture->centred_norms;
  form.proj_bias = biases || source.has_in_block(".attn.proj.bias");
  form.mlp_bias = biases || source.has_in_block(".mlp.fc2.bias");
  form.attention_pool =
      source.has("attn_pool.latent") ||
      declared.attention_pool.value_or(architecture && !declared.mean_pool && architecture->pool == Pool::attention);
  form.fc_norm = source.has("fc_norm.weight") || source.has("fc_norm.bias");
  // A layer scale folded into weights would leave no words.
  form.stlq_words = source.has_in_block(".stlq_unit") && !form.layer_scale;
  const auto agree = [&](const char *what, int actual, const std::optional<int> &configured) {
    source.require_agreement(what, actual, configured, std::nullopt);
  };
  agree("number of class tokens", static_cast<int>(form.class_token), declared.class_tokens);
  agree("number of register tokens", form.registers, declared.register_tokens);
  agree("number of layer scales in a block", form.layer_scale ? 2 : 0, declared.layer_scales);
  return form;
}

// A gate tells of itself: by its name, or because fc1 has twice as many outputs as fc2 has inputs.
void infer_mlp(const TimmSource &source, const std::optional<VitConfig> &architecture, VitConfig &config,
               VitForm &form) {
  const std::string mlp = "blocks.0.mlp.";
  const bool own_gate = source.has_in_block(".mlp.fc1_g.weight");
  config.mlp_hidden = source.dimension(mlp + (own_gate ? "fc1_g.weight" : "fc1.weight"), 2, 0);
  const bool has_fc2 = source.has(mlp + "fc2.weight");
  form.packed_gate = !own_gate && (has_fc2 ? config.mlp_hidden == 2 * source.dimension(mlp + "fc2.weight", 2, 1)
                                           : architecture && architecture->mlp.gated);
  if (form.packed_gate)
    config.mlp_hidden /= 2;
  config.mlp = {.gated = own_gate || form.packed_gate, .normed = source.has_in_block(".mlp.norm.weight")};
  const auto agree = [&](const char *what, bool MlpForm::*member) {
    source.require_agreement(what, static_cast<int>(config.mlp.*member), std::nullopt,
                             architecture ? std::optional(static_cast<int>(architecture->mlp.*member)) : std::nullopt);
  };
  agree("number of gates of an MLP", &MlpForm::gated);
  agree("number of norms inside an MLP", &MlpForm::normed);
  if (config.mlp.gated && !architecture)
    config.activation = Activation::silu;
}

void infer_vit_dimensions(const TimmSource &source, const std::optional<VitConfig> &architecture, VitConfig &config,
                          VitForm &form) {
  if (form.embeds.empty()) {
    std::tie(config.channels, config.patch) = source.patch_embedding();
  } else {
    config.channels = source.dimension("embeds.proj.weight", 2, 0);
    config.patch = static_cast<int>(std::lround(std::sqrt(source.dimension("embeds.proj.weight", 2, 1) / 3.0)));
  }
  config.depth = source.count("blocks.");
  infer_mlp(source, architecture, config, form);
  config.classes = source.classes("head.weight");
  // CLIP's projection is stored as a head.
  config.projection = 0;
  if (architecture && architecture->projection > 0 && config.classes == architecture->projection &&
      source.config.labels.empty())
    std::swap(config.projection, config.classes);

  const TimmConfig &declared = source.config;
  const auto agree = [&](const char *what, int actual, const std::optional<int> &configured, int VitConfig::*member) {
    source.require_agreement(what, actual, configured,
                             architecture ? std::optional((*architecture).*member) : std::nullopt);
  };
  agree("patch size", config.patch, declared.patch, &VitConfig::patch);
  agree("embedding dimension", config.channels, declared.channels, &VitConfig::channels);
  agree("depth", config.depth, declared.depth, &VitConfig::depth);
  // What model_args do not say is the architecture's, whose hidden dimension follows the embedding dimension.
  // Of gated MLPs now a part of the ratio counts, now its next multiple of 8.
  std::optional<int> mlp_hidden;
  if (declared.mlp_ratio)
    mlp_hidden = config.mlp.gated ? config.mlp_hidden : static_cast<int>(config.channels * *declared.mlp_ratio);
  if (declared.mlp_ratio || !declared.channels)
    agree("MLP hidden dimension", config.mlp_hidden, mlp_hidden, &VitConfig::mlp_hidden);
}

int choose_heads(const TimmSource &source, const std::optional<VitConfig> &architecture) {
  if (source.heads != 0)
    return source.heads;
  if (source.config.heads && source.config.heads->size() == 1)
    return source.config.heads->front();
  if (architecture)
    return architecture->heads;
  throw std::runtime_error("the number of attention heads is unknown: weights do not tell it. Name the architecture, "
                           "or give the folder that holds config.json beside the weights");
}

Pool choose_pool(const TimmSource &source, const VitForm &form, const std::optional<VitConfig> &architecture) {
  if (form.attention_pool && !form.distillation_token)
    return Pool::attention;
  std::optional<bool> mean = source.config.mean_pool;
  // Of a token it is the last norm under another name.
  const bool norms_mean = form.fc_norm && mean.value_or(true);
  if (form.distillation_token) {
    if (mean.value_or(false) || form.fc_norm)
      throw std::runtime_error("tensor dist_token is unexpected: the head reads the mean of the patches");
    return Pool::token_pair;
  }
  if (!mean && !norms_mean && architecture)
    mean = architecture->pools_patches();
  if (architecture && architecture->pool == Pool::raw_token && !mean.value_or(false) && !source.has("norm.weight"))
    return Pool::raw_token;
  if (architecture && architecture->pool == Pool::raw_mean && mean.value_or(false) && !norms_mean &&
      !source.has("norm.weight"))
    return Pool::raw_mean;
  if (!form.class_token || norms_mean || mean.value_or(false))
    return norms_mean ? Pool::mean : Pool::normed_mean;
  return Pool::token;
}

bool is_square(int count) {
  const auto side = static_cast<int>(std::lround(std::sqrt(static_cast<double>(count))));
  return count > 0 && side * side == count;
}

// Also finds out whether the prefix tokens have positions.
void choose_image_size(const TimmSource &source, bool has_architecture, VitConfig &config, VitForm &form) {
  if (!config.positions || !form.embeds.empty()) { // there are none, or they are resampled
    if (source.config.image_size)
      std::tie(config.image_height, config.image_width) = *source.config.image_size;
    if (!form.embeds.empty() && source.image_size != 0)
      config.image_height = config.image_width = source.image_size;
    return;
  }
  const int rows = source.dimension("pos_embed", 3, 1);
  const std::optional<std::pair<int, int>> &declared = source.config.image_size;
  if (declared) {
    config.image_height = declared->first;
    config.image_width = declared->second;
  }
  if (declared || has_architecture) {
    config.partial_patches = config.image_height % config.patch != 0 || config.image_width % config.patch != 0;
    form.prefix_positions = rows != config.patches();
    return;
  }
  form.prefix_positions = is_square(rows - config.prefix_tokens);
  if (!form.prefix_positions && !is_square(rows))
    throw std::runtime_error("tensor pos_embed has " + std::to_string(rows) +
                             " positions, which is no square of patches beside " +
                             std::to_string(config.prefix_tokens) +
                             " other tokens: give the image size as model_args.img_size in config.json");
  const int patches = form.prefix_positions ? rows - config.prefix_tokens : rows;
  config.image_height = static_cast<int>(std::lround(std::sqrt(static_cast<double>(patches)))) * config.patch;
  config.image_width = config.image_height;
}

// timm's Eva turns neighbouring channels, here p and p + head_dim / 2 are a pair: the rows of queries and keys are put
// in that order, which changes no score.
void separate_pairs(const VitConfig &config, LinearWeights &qkv) {
  const Eigen::Index pairs = config.head_dim() / 2;
  const LinearWeights from = qkv;
  for (Eigen::Index head = 0; head < Eigen::Index{2} * config.heads; ++head)
    for (Eigen::Index pair = 0; pair < pairs; ++pair)
      for (Eigen::Index half = 0; half < 2; ++half) {
        const Eigen::Index to = head * 2 * pairs + half * pairs + pair;
        qkv.weight.row(to) = from.weight.row((head * pairs + pair) * 2 + half);
        qkv.bias[to] = from.bias[(head * pairs + pair) * 2 + half];
      }
}

AttentionPoolWeights read_attention_pool(TensorReader &tensors, std::int64_t channels, std::int64_t hidden) {
  AttentionPoolWeights pool;
  pool.query = mapped(tensors.matrix("attn_pool.latent", {1, 1, channels}, channels),
                      tensors.linear("attn_pool.q", {channels, channels}));
  pool.key_value = tensors.linear("attn_pool.kv", {2 * channels, channels});
  pool.proj = tensors.linear("attn_pool.proj", {channels, channels});
  pool.norm2 = tensors.layer_norm("attn_pool.norm", channels);
  pool.fc1 = tensors.linear("attn_pool.mlp.fc1", {hidden, channels});
  pool.fc2 = tensors.linear("attn_pool.mlp.fc2", {channels, hidden});
  return pool;
}

// timm has all blocks' along rows, then all blocks' down columns.
RowMatrix read_frequencies(TensorReader &tensors, const VitConfig &config) {
  const RowMatrix axes =
      tensors.matrix("rope.freqs", {2, config.depth, config.heads, config.head_dim() / 2}, config.channels / 2);
  RowMatrix frequencies(axes.rows(), axes.cols());
  for (Eigen::Index block = 0; block < config.depth; ++block) {
    frequencies.row(2 * block) = axes.row(block);
    frequencies.row(2 * block + 1) = axes.row(config.depth + block);
  }
  return frequencies;
}

// Where the tensors of block N's position biases may be: the block's own, or those that all blocks share.
std::array<std::string, 4> bias_modules(int block) {
  const std::string attention = "blocks." + std::to_string(block) + ".attn.";
  return {attention, attention + "rel_pos.", "rel_pos_bias.", "shared_rel_pos."};
}

bool has_position_bias(const TimmSource &source) {
  const auto modules = bias_modules(0);
  return std::any_of(modules.begin(), modules.end(), [&](const std::string &module) {
    return source.has(module + "relative_position_bias_table") || source.has(module + "mlp.fc1.weight");
  });
}

RowMatrix read_block_bias(TensorReader &tensors, const VitConfig &config, int block) {
  const BiasGrid grid = *config.block().bias_grid;
  RowMatrix bias;
  const auto add = [&](const RowMatrix &more) { bias = bias.size() == 0 ? more : RowMatrix(bias + more); };
  for (const std::string &module : bias_modules(block)) {
    tensors.ignore(module + "relative_position_index");
    if (tensors.has(module + "relative_position_bias_table"))
      add(read_grid_bias(tensors, module + "relative_position_bias_table", grid, config.heads,
                         config.prefix_tokens > 0));
    if (tensors.has(module + "mlp.fc1.weight") || tensors.has(module + "mlp.fc2.weight"))
      add(read_grid_bias_network(tensors, module + "mlp", grid, config.heads,
                                 tensors.dimension(module + "mlp.fc1.weight", 0)));
  }
  if (bias.size() == 0) // which says what is missing
    return read_grid_bias(tensors, bias_modules(block)[0] + "relative_position_bias_table", grid, config.heads, true);
  return bias;
}

VitWeights read_vit_weights(const WeightFiles &files, const VitConfig &config, const VitForm &form) {
  const std::int64_t channels = config.channels;
  TensorReader tensors(files);
  VitWeights weights;
  weights.patch_embed = read_timm_embedding(tensors, config, form);
  read_timm_tokens(tensors, config, form, weights);
  BlockNames names;
  names.qkv_bias = form.qkv_bias;
  names.norm_bias = config.centred_norms;
  names.proj_bias = form.proj_bias;
  names.mlp_bias = form.mlp_bias;
  if (config.attention_norm)
    names.attention_norm = "attn.norm";
  names.stlq_words = form.stlq_words;
  if (!form.fused_qkv) {
    names.qkv = {"attn.q_proj", "attn.k_proj", "attn.v_proj"};
    names.qkv_biases[1] = form.key_bias;
  } else if (form.query_bias) {
    names.query_bias = "attn.q_bias";
    names.value_bias = "attn.v_bias";
  }
  if (form.layer_scale) {
    names.scale1 = form.eva_scale ? "gamma_1" : "ls1.gamma";
    names.scale2 = form.eva_scale ? "gamma_2" : "ls2.gamma";
  }
  if (config.mlp.gated && !form.packed_gate) {
    names.gate = "mlp.fc1_g";
    names.fc1 = "mlp.fc1_x";
  }
  for (int i = 0; i < config.depth; ++i) {
    weights.blocks.push_back(
        read_block(tensors, "blocks." + std::to_string(i) + ".", names, channels, config.mlp_hidden, config.mlp));
    if (config.rope.grid == Rope::Grid::index || config.rope.grid == Rope::Grid::learned)
      separate_pairs(config, weights.blocks.back().qkv);
    if (config.position_bias)
      weights.blocks.back().position_bias = read_block_bias(tensors, config, i);
  }
  if (config.rope.grid == Rope::Grid::learned)
    weights.rope_frequencies = read_frequencies(tensors, config);
  if (config.has_last_norm())
    weights.norm = tensors.layer_norm(form.fc_norm && config.pool != Pool::attention ? "fc_norm" : "norm", channels,
                                      config.centred_norms);
  if (config.embed_norm)
    weights.embed_norm = tensors.layer_norm("patch_embed.norm", channels, config.centred_norms);
  if (config.pre_norm)
    weights.pre_norm = tensors.layer_norm("norm_pre", channels);
  if (config.pool == Pool::attention)
    weights.attention_pool = read_attention_pool(tensors, channels, config.pool_hidden);
  if (config.projection > 0)
    weights.projection = tensors.linear("head", {config.projection, channels});
  if (config.classes > 0)
    weights.head = form.distillation_token ? read_two_heads(tensors, "head", "head_dist", config.classes, channels)
                                           : tensors.linear("head", {config.classes, channels});
  tensors.require_all_read("not part of a model that can be imported");
  return weights;
}

} // namespace

VitModel TimmFormat<VitModel>::read(const TimmSource &source) {
  const std::optional<VitConfig> architecture = source.architecture_of<VitModel>();
  VitModel model;
  VitConfig &config = model.config;
  if (architecture)
    config = *architecture;
  else
    config.architecture = source.config.architecture.empty() ? "vit" : source.config.architecture;
  VitForm form = find_form(source, architecture);
  infer_vit_dimensions(source, architecture, config, form);
  config.heads = choose_heads(source, architecture);
  config.prefix_tokens = form.prefix_tokens();
  config.pool = choose_pool(source, form, architecture);
  config.pools_prefix = source.config.pools_prefix.value_or(config.pools_prefix);
  if (source.config.pools_prefix.value_or(false) && config.pool != Pool::attention)
    throw std::runtime_error("\"model_args.pool_include_prefix\" is true by " + source.config_path +
                             "; only with attention pooling (\"map\") can it be imported");
  config.pool_hidden = config.pool == Pool::attention ? source.dimension("attn_pool.mlp.fc1.weight", 2, 0) : 0;
  config.pre_norm =
      source.has("norm_pre.weight") || source.config.pre_norm.value_or(architecture && architecture->pre_norm);
  const auto has_part = [&](bool found, bool VitConfig::*member) {
    return found || (architecture && (*architecture).*member);
  };
  config.attention_norm = has_part(source.has_in_block(".attn.norm.weight"), &VitConfig::attention_norm);
  config.embed_norm = has_part(source.has("patch_embed.norm.weight"), &VitConfig::embed_norm);
  form.colours = source.colours();
  form.patch_bias = source.has("patch_embed.proj.bias") || !config.pre_norm;
  config.activation = source.config.activation.value_or(config.activation);
  config.position_bias = has_position_bias(source) || (architecture && architecture->position_bias);
  if (config.position_bias) // BEiT may have both
    config.positions = source.has("pos_embed") || source.config.absolute_positions.value_or(false);
  choose_image_size(source, architecture.has_value(), config, form);
  source.read_preprocessing(config);
  validate(config);

  model.weights = read_vit_weights(source.files, config, form);
  return model;
}

} // namespace intvit::importer
