// All kernels that a class of vector operations gives; see panel.hpp for what it has to bring.
#pragma once

#include "kernels/kernel_table.hpp"
#include "kernels/vector/attention_tile.hpp"
#include "kernels/vector/layer_norm.hpp"
#include "kernels/vector/linear_tile.hpp"
#include "kernels/vector/mean_rows.hpp"
#include "kernels/vector/patches.hpp"
#include "kernels/vector/peak.hpp"
#include "kernels/vector/resample.hpp"

namespace intvit::kernels {

// `Peak` measures V::dot() on registers; vectors that are no registers bring their own.
template <class V, class Peak = vector::Peak<V>> void use_vector_kernels(KernelTable &table) {
  using Linear = vector::LinearTile<V>;
  using Attention = vector::AttentionTile<V>;
  table.linear = {.tile_rows = V::tile_rows,
                  .tile_columns = Linear::columns,
                  .packed_bytes = Linear::packed_bytes,
                  .pack = Linear::pack,
                  .stlq_packed_bytes = vector::StlqPanels<V>::packed_bytes,
                  .pack_stlq = vector::StlqPanels<V>::pack,
                  .scratch_bytes = Linear::scratch_bytes,
                  .run = Linear::run};
  table.layer_norm = vector::LayerNormRows<V>::run;
  table.mean_rows = vector::MeanRows<V>::run;
  table.patches = vector::PatchRows<V>::run;
  table.attention = {.scratch_bytes = Attention::scratch_bytes, .run = Attention::run};
  table.resample = {.horizontal = vector::Resample<V>::horizontal, .vertical = vector::Resample<V>::vertical};
  table.peak = Peak::run;
}

} // namespace intvit::kernels
