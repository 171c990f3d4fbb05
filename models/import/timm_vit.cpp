// timm's VisionTransformer and VisionTransformerDistilled.
#include <cmath>
#include <stdexcept>
#include <utility>

#include "models/import/tensors.hpp"
#include "models/import/timm_source.hpp"
#include "models/quantize/stlq.hpp"

namespace intvit::importer {

namespace {

// What timm keeps apart and VitWeights joins.
struct Form {
  bool class_token = false;
  bool distillation_token = false;
  int registers = 0;
  bool prefix_positions = false; // pos_embed has rows for the prefix tokens as well
  bool layer_scale = false;
  bool qkv_bias = true;
  bool stlq_units = false; // intvit-train's: the blocks' weights are words

  int prefix_tokens() const { return static_cast<int>(class_token) + static_cast<int>(distillation_token) + registers; }
};

struct Parts {
  RowMatrix class_token;        // [1, C], or empty as the others
  RowMatrix distillation_token; // [1, C]
  RowMatrix registers;          // [registers, C]
  RowMatrix position;           // [patches, C] or [prefix_tokens + patches, C]
  LinearWeights head;           // [classes, C]: where there are two heads
  LinearWeights distilled_head;
  std::vector<RowVector> scale1; // [depth]: of the attention branch
  std::vector<RowVector> scale2;
};

// What tells one form from another is taken to be there where the architecture has it, so that a file without it is
// found to lack it.
Form find_form(const TimmSource &source, const std::optional<VitConfig> &architecture) {
  const TimmConfig &declared = source.config;
  Form form;
  form.class_token = source.has("cls_token") ||
                     (architecture && !architecture->pools_patches() && declared.class_tokens.value_or(1) != 0);
  form.distillation_token = source.has("dist_token") || (architecture && architecture->pool == VitPool::token_pair);
  if (declared.register_tokens)
    form.registers = *declared.register_tokens;
  else if (architecture && !form.distillation_token)
    form.registers = architecture->prefix_tokens - static_cast<int>(!architecture->pools_patches());
  if (source.has("reg_token"))
    form.registers = source.dimension("reg_token", 3, 1);
  form.layer_scale = source.has_in_block(".ls1.gamma") || source.has_in_block(".ls2.gamma");
  form.qkv_bias = source.has_in_block(".attn.qkv.bias");
  // A layer scale folded into weights would leave no words.
  form.stlq_units = source.has_in_block(".stlq_unit") && !form.layer_scale;
  const auto agree = [&](const char *what, int actual, const std::optional<int> &configured) {
    source.require_agreement(what, actual, configured, std::nullopt);
  };
  agree("number of class tokens", static_cast<int>(form.class_token), declared.class_tokens);
  agree("number of register tokens", form.registers, declared.register_tokens);
  agree("number of layer scales in a block", form.layer_scale ? 2 : 0, declared.layer_scales);
  return form;
}

void infer_dimensions(const TimmSource &source, const std::optional<VitConfig> &architecture, VitConfig &config) {
  config.channels = source.dimension("patch_embed.proj.weight", 4, 0);
  config.patch = source.dimension("patch_embed.proj.weight", 4, 2);
  config.depth = source.count("blocks.");
  config.mlp_hidden = source.dimension("blocks.0.mlp.fc1.weight", 2, 0);
  config.classes = source.classes("head.weight");

  const TimmConfig &declared = source.config;
  const auto agree = [&](const char *what, int actual, const std::optional<int> &configured, int VitConfig::*member) {
    source.require_agreement(what, actual, configured,
                             architecture ? std::optional((*architecture).*member) : std::nullopt);
  };
  agree("patch size", config.patch, declared.patch, &VitConfig::patch);
  agree("embedding dimension", config.channels, declared.channels, &VitConfig::channels);
  agree("depth", config.depth, declared.depth, &VitConfig::depth);
  // timm scales the hidden dimension with an embedding dimension that model_args change; its ratio is 4 by default.
  std::optional<int> mlp_hidden;
  if (declared.mlp_ratio || declared.channels)
    mlp_hidden = static_cast<int>(config.channels * declared.mlp_ratio.value_or(4.0));
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
                           "give the number of heads, or put config.json beside model.safetensors");
}

VitPool choose_pool(const TimmSource &source, const Form &form, const std::optional<VitConfig> &architecture) {
  std::optional<bool> mean = source.config.mean_pool;
  const bool norms_mean = source.has("fc_norm.weight") || source.has("fc_norm.bias");
  if (mean && !*mean && norms_mean)
    throw std::runtime_error("tensor fc_norm.weight is unexpected: \"global_pool\" is \"token\" by " +
                             source.config_path);
  if (form.distillation_token) {
    if (mean.value_or(false) || norms_mean)
      throw std::runtime_error("tensor dist_token is unexpected: the head reads the mean of the patches");
    return VitPool::token_pair;
  }
  if (!mean && !norms_mean && architecture)
    mean = architecture->pools_patches();
  if (!form.class_token || norms_mean || mean.value_or(false))
    return norms_mean ? VitPool::mean : VitPool::normed_mean;
  return VitPool::token;
}

bool is_square(int count) {
  const auto side = static_cast<int>(std::lround(std::sqrt(static_cast<double>(count))));
  return count > 0 && side * side == count;
}

// Also finds out whether the prefix tokens have positions.
void choose_image_size(const TimmSource &source, bool has_architecture, VitConfig &config, Form &form) {
  const int rows = source.dimension("pos_embed", 3, 1);
  const std::optional<std::pair<int, int>> &declared = source.config.image_size;
  if (declared) {
    config.image_height = declared->first;
    config.image_width = declared->second;
  }
  if (declared || has_architecture) {
    form.prefix_positions =
        config.image_height % config.patch != 0 || config.image_width % config.patch != 0 || rows != config.patches();
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

// Every tensor of the files, to where it is read. Nothing needs to be allocated for names and shapes, but
// weights.blocks and the scales must be there.
std::vector<NamedTensor> tensors_of(const VitConfig &config, const Form &form, VitWeights &weights, Parts &parts) {
  NamedTensors tensors;
  const std::int64_t channels = config.channels;
  tensors.add_linear("patch_embed.proj", {channels, 3, config.patch, config.patch}, weights.patch_embed);
  if (form.class_token)
    tensors.add("cls_token", {1, 1, channels}, parts.class_token.data());
  if (form.distillation_token)
    tensors.add("dist_token", {1, 1, channels}, parts.distillation_token.data());
  if (form.registers > 0)
    tensors.add("reg_token", {1, form.registers, channels}, parts.registers.data());
  tensors.add("pos_embed", {1, config.patches() + (form.prefix_positions ? config.prefix_tokens : 0), channels},
              parts.position.data());
  for (std::size_t i = 0; i < weights.blocks.size(); ++i) {
    const std::string prefix = "blocks." + std::to_string(i) + ".";
    tensors.add_block(prefix, channels, config.mlp_hidden, weights.blocks[i]);
    if (form.stlq_units)
      tensors.add_stlq_units(prefix, channels, config.mlp_hidden, weights.blocks[i]);
    if (form.layer_scale) {
      tensors.add(prefix + "ls1.gamma", {channels}, parts.scale1[i].data());
      tensors.add(prefix + "ls2.gamma", {channels}, parts.scale2[i].data());
    }
  }
  tensors.add_layer_norm(config.pool == VitPool::mean ? "fc_norm" : "norm", channels, weights.norm);
  if (config.classes > 0) {
    tensors.add_linear("head", {config.classes, channels}, form.distillation_token ? parts.head : weights.head);
    if (form.distillation_token)
      tensors.add_linear("head_dist", {config.classes, channels}, parts.distilled_head);
  }
  std::vector<NamedTensor> all = tensors.take();
  if (!form.qkv_bias) // it stays 0
    std::erase_if(all, [](const NamedTensor &tensor) { return tensor.name.ends_with(".attn.qkv.bias"); });
  return all;
}

void allocate(const VitConfig &config, const Form &form, Parts &parts) {
  const int channels = config.channels;
  parts.class_token.resize(static_cast<int>(form.class_token), channels);
  parts.distillation_token.resize(static_cast<int>(form.distillation_token), channels);
  parts.registers.resize(form.registers, channels);
  parts.position.resize(config.patches() + (form.prefix_positions ? config.prefix_tokens : 0), channels);
  if (form.distillation_token && config.classes > 0) {
    parts.head = zero_linear(config.classes, channels);
    parts.distilled_head = parts.head;
  }
  for (std::vector<RowVector> *scales : {&parts.scale1, &parts.scale2})
    for (RowVector &scale : *scales)
      scale.resize(channels);
}

// timm joins class token, distillation token and registers in this order.
void fold(const VitConfig &config, const Form &form, const Parts &parts, VitWeights &weights) {
  weights.prefix << parts.class_token, parts.distillation_token, parts.registers;
  if (form.prefix_positions)
    weights.prefix += parts.position.topRows(config.prefix_tokens);
  weights.position = parts.position.bottomRows(config.patches());
  if (form.layer_scale)
    for (std::size_t i = 0; i < weights.blocks.size(); ++i) {
      scale_outputs(parts.scale1[i], weights.blocks[i].proj);
      scale_outputs(parts.scale2[i], weights.blocks[i].fc2);
    }
  if (form.distillation_token && config.classes > 0) {
    // The logits of the two heads are averaged.
    weights.head.weight << parts.head.weight * 0.5F, parts.distilled_head.weight * 0.5F;
    weights.head.bias = (parts.head.bias + parts.distilled_head.bias) * 0.5F;
  }
}

void require_words(const std::vector<BlockWeights> &blocks) {
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const BlockWeights &block = blocks[i];
    for (const auto &[name, layer] : {std::pair("attn.qkv", &block.qkv), std::pair("attn.proj", &block.proj),
                                      std::pair("mlp.fc1", &block.fc1), std::pair("mlp.fc2", &block.fc2)})
      try {
        stlq::given_values(*layer);
      } catch (const std::runtime_error &error) {
        throw std::runtime_error("tensor blocks." + std::to_string(i) + "." + name + ".weight " + error.what());
      }
  }
}

} // namespace

VitModel read_timm_vit(const TimmSource &source) {
  std::optional<VitConfig> architecture;
  if (source.architecture) {
    if (!std::holds_alternative<VitConfig>(*source.architecture))
      throw std::runtime_error("the tensors are those of a ViT, but the architecture is " +
                               common_config(*source.architecture).architecture);
    architecture = std::get<VitConfig>(*source.architecture);
  }
  VitModel model;
  VitConfig &config = model.config;
  if (architecture)
    config = *architecture;
  else
    config.architecture = source.config.architecture.empty() ? "vit" : source.config.architecture;
  Form form = find_form(source, architecture);
  infer_dimensions(source, architecture, config);
  config.heads = choose_heads(source, architecture);
  config.prefix_tokens = form.prefix_tokens();
  config.pool = choose_pool(source, form, architecture);
  choose_image_size(source, architecture.has_value(), config, form);
  source.read_preprocessing(config);
  validate(config);

  Parts parts;
  if (form.layer_scale) {
    parts.scale1.resize(static_cast<std::size_t>(config.depth));
    parts.scale2.resize(static_cast<std::size_t>(config.depth));
  }
  VitWeights unallocated;
  unallocated.blocks.resize(static_cast<std::size_t>(config.depth));
  source.check(tensors_of(config, form, unallocated, parts));

  model.weights = VitWeights(config);
  allocate(config, form, parts);
  if (form.stlq_units)
    for (BlockWeights &block : model.weights.blocks)
      for (LinearWeights *layer : {&block.qkv, &block.proj, &block.fc1, &block.fc2})
        layer->stlq_unit.resize(layer->weight.rows());
  source.read(tensors_of(config, form, model.weights, parts));
  if (form.stlq_units)
    require_words(model.weights.blocks);
  fold(config, form, parts, model.weights);
  return model;
}

} // namespace intvit::importer
