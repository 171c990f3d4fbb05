// timm's names of ViTs that resample their positions to any grid, and of RADIO.
#include "models/architectures/vit_known.hpp"

#include <string>

namespace intvit::known {

namespace {

constexpr Size so150m2 = {"so150m2", 832, 21, 13, 2176};
constexpr Size so400m = {"so400m", 1152, 27, 16, 4304};
constexpr Size giant = {"giant", 1536, 40, 24};

// RADIO (arXiv 2312.06709): a class token for each teacher, of which the first is the feature; no last norm.
VitConfig radio(const std::string &prefix, Size size, int version) {
  VitConfig config = vit("vit", size, 16, 512);
  config.architecture = prefix + "_" + size.name + "_patch16_radio_v" + std::to_string(version);
  config.prefix_tokens = version == 3 ? 8 : 10;
  config.pool = Pool::raw_token;
  config.classes = 0;
  config.mean = clip_mean;
  config.std = clip_std;
  const bool aligned = version == 3 && (size.channels == base.channels || size.channels == huge.channels);
  config.resampling = aligned ? Resampling::aligned : Resampling::linear;
  config.square_positions = true;
  return config;
}

VitConfig naflex(Size size, const std::string &ending, int registers, Pool pool) {
  VitConfig config = vit("vit", size, 16, 384);
  config.architecture = std::string("naflexvit_") + size.name + "_patch16_" + ending;
  config.prefix_tokens = registers;
  config.pool = pool;
  config.pool_hidden = pool == Pool::attention ? config.mlp_hidden : 0;
  return config;
}

} // namespace

void append_naflex(std::vector<VitConfig> &all) {
  for (const char *prefix : {"vit", "naflexvit"}) {
    for (const Size size : {base, large, huge, giant})
      all.push_back(radio(prefix, size, 3));
    for (const Size size : {so400m, huge})
      all.push_back(radio(prefix, size, 4));
  }
  all.push_back(naflex(base, "gap", 4, Pool::mean));
  for (const char *name : {"par_gap", "parfac_gap"}) {
    all.push_back(naflex(base, name, 4, Pool::mean));
    all.back().square_positions = true;
  }
  all.push_back(naflex(base, "map", 1, Pool::attention));
  all.push_back(naflex(so150m2, "reg1_gap", 1, Pool::mean));
  all.push_back(naflex(so150m2, "reg1_map", 1, Pool::attention));
  for (const Size size : {base, so400m}) {
    all.push_back(naflex(size, "siglip", 0, Pool::attention));
    all.back().activation = Activation::gelu_tanh;
    all.back().classes = 0;
  }
}

} // namespace intvit::known
