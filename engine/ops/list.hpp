// All operations there are. Nothing else enumerates them: names, features, reading, checking, running, memory and
// counting go over this list.
#pragma once

#include <variant>

#include "engine/ops/attention.hpp"
#include "engine/ops/flatten.hpp"
#include "engine/ops/join.hpp"
#include "engine/ops/l2_normalize.hpp"
#include "engine/ops/layer_norm.hpp"
#include "engine/ops/linear.hpp"
#include "engine/ops/match_tokens.hpp"
#include "engine/ops/mean_rows.hpp"
#include "engine/ops/merge_patches.hpp"
#include "engine/ops/merge_tokens.hpp"
#include "engine/ops/multiply.hpp"
#include "engine/ops/normalize_heads.hpp"
#include "engine/ops/pad_grid.hpp"
#include "engine/ops/patch_embed.hpp"
#include "engine/ops/patches.hpp"
#include "engine/ops/rescale.hpp"
#include "engine/ops/rotate.hpp"
#include "engine/ops/take_rows.hpp"
#include "engine/ops/window_attention.hpp"

namespace intvit {

using Operation = std::variant<Patches, PatchEmbed, LayerNorm, Linear, Attention, WindowAttention, TakeRows, MeanRows,
                               Flatten, MergePatches, L2Normalize, MatchTokens, MergeTokens, Rotate, Multiply, Join,
                               Rescale, NormalizeHeads, PadGrid, CropGrid>;

} // namespace intvit
