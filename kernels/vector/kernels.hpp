// All kernels that a class of vector operations gives.
#pragma once

#include "kernels/kernel_table.hpp"
#include "kernels/vector/attention_tile.hpp"
#include "kernels/vector/layer_norm.hpp"
#include "kernels/vector/linear_tile.hpp"
#include "kernels/vector/match_tokens.hpp"
#include "kernels/vector/mean_rows.hpp"
#include "kernels/vector/multiply.hpp"
#include "kernels/vector/operations.hpp"
#include "kernels/vector/patches.hpp"
#include "kernels/vector/peak.hpp"
#include "kernels/vector/resample.hpp"
#include "kernels/vector/rescale.hpp"
#include "kernels/vector/rotate.hpp"
#include "kernels/vector/tile_product.hpp"
#include "kernels/vector/token_importance.hpp"

namespace intvit::kernels {

// What an instruction set brings: all operations of operations.hpp and the product of a tile. Each translation unit
// asserts it of its class, so that the compiler names what a class lacks before it meets it in a kernel.
template <class V>
concept VectorKernelOperations =
    vector::LaneOperations<V> && vector::RowOperations<V> && vector::ElementOperations<V> &&
    vector::EpilogueOperations<V> && vector::LayerNormOperations<V> && vector::SoftmaxOperations<V> &&
    vector::WordOperations<V> && vector::ImageOperations<V> && vector::TileProductFor<vector::TileProduct<V>, V>;

template <VectorKernelOperations V> void use_vector_attention(KernelTable &table) {
  using Attention = vector::AttentionTile<V>;
  table.attention = {.scratch_bytes = Attention::scratch_bytes, .run = Attention::run};
}

// `Peak` has KernelTable::peak. The default repeats V::dot() on registers; a class whose vectors are arrays in memory
// (kernels/scalar) brings its own.
template <VectorKernelOperations V, class Peak = vector::Peak<V>> void use_vector_kernels(KernelTable &table) {
  using Linear = vector::LinearTile<V>;
  table.linear = {.tile_rows = V::tile_rows,
                  .tile_columns = Linear::columns,
                  .formats = vector::PanelFormats<V>::template each<PackedFormat>([](auto panels) {
                    using Panels = decltype(panels);
                    return PackedFormat{Panels::packed_bytes, Panels::pack, Linear::template scratch_bytes<Panels>};
                  }),
                  .run = Linear::run};
  table.layer_norm = vector::LayerNormRows<V>::run;
  table.mean_rows = vector::MeanRows<V>::run;
  table.multiply = vector::MultiplyRows<V>::run;
  table.rescale = vector::RescaleRows<V>::run;
  table.rotate = vector::RotateRows<V>::run;
  table.patches = vector::PatchRows<V>::run;
  use_vector_attention<V>(table);
  table.token_merging.add_importance = vector::TokenImportance<V>::add;
  table.token_merging.match_scratch_bytes = vector::MatchTokens<V>::scratch_bytes;
  table.token_merging.find_partners = vector::MatchTokens<V>::find_partners;
  table.resample = {.horizontal = vector::Resample<V>::horizontal, .vertical = vector::Resample<V>::vertical};
  table.peak = Peak::run;
}

} // namespace intvit::kernels
