// The reference in the form in which all kernels are called. It is also where every other set of kernels begins: what a
// set does not replace stays the reference's.
#include "kernels/backends.hpp"
#include "kernels/reference/reference.hpp"
#include "kernels/token_matching.hpp"

namespace intvit::kernels {

const KernelTable &reference_kernels() {
  static constexpr KernelTable table{
      .name = "reference",
      .linear = {.formats =
                     PerFormat<PackedFormat>::all({reference::packed_bytes, reference::pack, reference::scratch_bytes}),
                 .run = reference::linear},
      .layer_norm = reference::layer_norm,
      .l2_normalize = reference::l2_normalize,
      .mean_rows = reference::mean_rows,
      .multiply = reference::multiply,
      .rescale = reference::rescale,
      .rotate = reference::rotate,
      .attention = {.scratch_bytes = reference::attention_scratch_bytes, .run = reference::attention},
      .token_merging = {.add_importance = reference::add_importance,
                        .match_scratch_bytes = reference::match_scratch_bytes,
                        .find_partners = reference::find_partners,
                        .match = merge_into_partners,
                        .merge_scratch_bytes = reference::merge_scratch_bytes,
                        .merge = reference::merge_tokens},
      .patches = reference::patches,
      .resample = {.horizontal = reference::resample_horizontal, .vertical = reference::resample_vertical},
      .peak = reference::peak,
      .peak_product = "the compiler's multiplications",
  };
  return table;
}

void use_reference(KernelTable &table) {
  table = reference_kernels();
}

} // namespace intvit::kernels
