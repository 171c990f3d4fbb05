#include "engine/ops/weights.hpp"

#include <string>

#include "engine/ops/node_binder.hpp"

namespace intvit {

namespace {

constexpr const char *int8_constants[] = {"weight"};
constexpr const char *stlq_constants[] = {stlq_first_constant, stlq_tiles_constant, stlq_second_constant};

void read_int8(NodeBinder &binder, Weights &weights) {
  weights.values = binder.read<std::int8_t>(int8_constants[0], DType::i8, {weights.out_features, weights.in_features});
}

void read_stlq(NodeBinder &binder, Weights &weights) {
  StlqWeights &stlq = weights.stlq;
  const auto matrix = [&](const char *constant, std::int64_t rows, std::int64_t columns) {
    return binder.read<std::uint8_t>(constant, DType::u8, {rows, columns});
  };
  stlq.out_features = weights.out_features;
  stlq.in_features = weights.in_features;
  stlq.first = matrix(stlq_first_constant, stlq.out_features, kernels::stlq_row_bytes(stlq.in_features));
  stlq.tiles = matrix(stlq_tiles_constant, kernels::stlq_tile_row_count(stlq.out_features),
                      kernels::stlq_tile_bit_bytes(stlq.in_features));
  if (binder.ok()) // only then is it known how many tiles are marked
    stlq.second = matrix(stlq_second_constant, count_marked_tiles(stlq), kernels::stlq_tile_bytes);
  if (binder.ok())
    if (const std::string defect = find_defect(stlq); !defect.empty())
      binder.fail("tensor " + binder.node() + "." + defect);
}

} // namespace

const kernels::PerFormat<StoredFormat> stored_formats =
    kernels::PerFormat<StoredFormat>::of(StoredFormat{"int8", {}, int8_constants, read_int8},
                                         StoredFormat{"stlq", "weights.stlq", stlq_constants, read_stlq});

} // namespace intvit
