#include "kernels/reference/reference.hpp"

namespace intvit::kernels {

const KernelTable &reference_kernels() {
  static constexpr KernelTable table{
      .name = "reference",
      .linear = {.packed_bytes = reference::packed_bytes,
                 .pack = reference::pack,
                 .stlq_packed_bytes = reference::stlq_packed_bytes,
                 .pack_stlq = reference::pack_stlq,
                 .scratch_bytes = reference::scratch_bytes,
                 .run = reference::linear},
      .layer_norm = reference::layer_norm,
      .mean_rows = reference::mean_rows,
      .attention = {.scratch_bytes = reference::attention_scratch_bytes, .run = reference::attention},
      .patches = reference::patches,
      .resample = {.horizontal = reference::resample_horizontal, .vertical = reference::resample_vertical},
      .peak = reference::peak,
  };
  return table;
}

} // namespace intvit::kernels
