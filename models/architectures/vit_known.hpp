// What the lists of timm's names of ViTs share.
#pragma once

#include <string>
#include <vector>

#include "models/architectures/vit.hpp"

namespace intvit::known {

struct Size {
  const char *name;
  int channels;
  int depth;
  int heads;
  int mlp_hidden = 0; // 0: four times the channels
};

inline constexpr Size tiny = {"tiny", 192, 12, 3};
inline constexpr Size small = {"small", 384, 12, 6};
inline constexpr Size medium = {"medium", 512, 12, 8};
inline constexpr Size base = {"base", 768, 12, 12};
inline constexpr Size large = {"large", 1024, 24, 16};
inline constexpr Size huge = {"huge", 1280, 32, 16};

// `prefix`_SIZE_patchP_IMAGE.
VitConfig vit(const std::string &prefix, Size size, int patch, int image);

inline constexpr Size gated_giant = {"giant", 1536, 40, 24, 4096};

// `config` with gated MLPs.
inline void append_gated(VitConfig config, std::vector<VitConfig> &all) {
  config.mlp.gated = true;
  config.activation = Activation::silu;
  all.push_back(config);
}

// Those with relative position biases.
void append_biased(std::vector<VitConfig> &all);

// Those that resample their positions, and RADIO.
void append_naflex(std::vector<VitConfig> &all);

// Those with norms in other places, of another kind, or none at the end.
void append_other_norms(std::vector<VitConfig> &all);

// Those with rotary positions, and others of timm's Eva.
void append_rotary(std::vector<VitConfig> &all);

} // namespace intvit::known
