// How a file under timm's names holds a ViT.
#pragma once

#include <string>

#include "models/architectures/vit.hpp"
#include "models/import/tensors.hpp"

namespace intvit::importer {

// What timm keeps apart and VitWeights joins.
struct VitForm {
  std::string embeds; // what the names of patch embedding, tokens and positions begin with: "embeds." in NaFlexVit
  int colours = 3;
  bool class_token = false;
  bool distillation_token = false;
  int registers = 0;
  bool prefix_positions = false; // pos_embed has rows for the prefix tokens as well
  bool layer_scale = false;
  bool eva_scale = false; // under other names, those of timm's Eva
  bool qkv_bias = true;
  bool query_bias = false;  // of queries and values alone
  bool fused_qkv = true;    // one map to queries, keys and values
  bool key_bias = true;     // where there are three
  bool packed_gate = false; // fc1 is a gated MLP's gate and its other map
  bool patch_bias = true;
  bool proj_bias = true; // of attention's last map
  bool mlp_bias = true;  // of all of an MLP's maps
  bool attention_pool = false;
  bool fc_norm = false;    // the last norm is behind the pool and has another name
  bool stlq_words = false; // intvit-train's: the blocks' weights are words

  int prefix_tokens() const { return static_cast<int>(class_token) + static_cast<int>(distillation_token) + registers; }
};

// The patch embedding.
LinearWeights read_timm_embedding(TensorReader &tensors, const VitConfig &config, const VitForm &form);

// VitWeights::prefix and position.
void read_timm_tokens(TensorReader &tensors, const VitConfig &config, const VitForm &form, VitWeights &weights);

} // namespace intvit::importer
