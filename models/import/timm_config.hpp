// config.json as timm writes it beside model.safetensors.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/result_kind.hpp"
#include "models/architectures/block.hpp"
#include "models/architectures/model_config.hpp"
#include "models/import/json.hpp"

namespace intvit {

// What the file says; nothing where it is silent.
struct TimmConfig {
  std::string architecture; // empty where the file is silent
  std::vector<std::string> labels;
  std::optional<ResultKind> head; // what the logits mean
  std::optional<int> classes;

  std::optional<bool> mean_pool;      // global_pool: "avg", or "token" or "map"
  std::optional<bool> attention_pool; // whether it is "map"

  // model_args: departures from the architecture.
  std::optional<std::pair<int, int>> image_size; // height, width; also from pretrained_cfg's input_size
  std::optional<int> patch;
  std::optional<int> colours; // in_chans
  std::optional<int> channels;
  std::optional<int> depth;
  std::optional<std::vector<int>> heads;  // one, or one a stage
  std::optional<std::vector<int>> depths; // one a stage
  std::optional<int> window;
  std::optional<std::vector<int>> stage_windows;      // one a stage
  std::optional<std::vector<int>> pretrained_windows; // likewise, 0 for none: Swin V2's
  std::optional<double> mlp_ratio;                    // mlp_hidden = floor(channels * mlp_ratio)
  std::optional<int> class_tokens;                    // class_token: 0 or 1
  std::optional<int> register_tokens;
  std::optional<int> layer_scales;      // a block; init_values
  std::optional<Activation> activation; // act_layer
  std::optional<bool> pre_norm;
  std::optional<bool> pools_prefix;       // pool_include_prefix
  std::optional<bool> absolute_positions; // use_abs_pos_emb

  // pretrained_cfg.
  std::string tag; // which of the architecture's weights; may be empty
  std::optional<std::array<double, 3>> mean;
  std::optional<std::array<double, 3>> std;
  std::optional<double> crop_pct;
  std::optional<CropMode> crop_mode;
  std::optional<std::string> interpolation;
};

// Whether transformers wrote the file, around a model of timm's (TimmWrapperModel).
bool is_timm_wrapper(const importer::json &root);

// Throws std::runtime_error: a value of the wrong type, or an argument that asks for another architecture than those of
// models/architectures.
TimmConfig timm_config(const importer::json &root);

// The same of a file. Messages begin with `path`; also where it is unreadable or not JSON.
TimmConfig read_timm_config(const std::string &path);

} // namespace intvit
