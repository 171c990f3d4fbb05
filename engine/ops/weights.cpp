#include "engine/ops/weights.hpp"

#include <string>

#include "engine/ops/node_binder.hpp"

namespace intvit {

namespace {

constexpr const char *int8_constants[] = {"weight"};

void read_int8(NodeBinder &binder, Weights &weights) {
  weights.values = binder.read<std::int8_t>(int8_constants[0], DType::i8, {weights.out_features, weights.in_features});
}

void read_four_bits(NodeBinder &binder, Weights &weights) {
  FourBitWeights &words = weights.four_bits;
  words.format = weights.format;
  words.out_features = weights.out_features;
  words.in_features = weights.in_features;
  const FourBitConstants &constants = four_bit_constants[words.format];
  const auto matrix = [&](const char *constant, std::int64_t rows, std::int64_t columns) {
    return binder.read<std::uint8_t>(constant, DType::u8, {rows, columns});
  };
  words.first = matrix(constants.first(), words.out_features, kernels::first_word_bytes(words.in_features));
  words.groups = matrix(constants.groups(), words.layout().group_rows(words.out_features),
                        kernels::group_bit_bytes(words.in_features));
  if (binder.ok()) // only then is it known how many groups are marked
    words.second = matrix(constants.second(), count_marked_groups(words), words.layout().group_bytes());
  if (binder.ok())
    if (const std::string defect = find_defect(words); !defect.empty())
      binder.fail("tensor " + binder.node() + "." + defect);
}

constexpr StoredFormat four_bits(kernels::WeightFormat format, std::string_view name, std::string_view feature) {
  return {name, feature, four_bit_constants[format].names, read_four_bits};
}

} // namespace

constexpr kernels::PerFormat<StoredFormat> stored_formats =
    kernels::PerFormat<StoredFormat>::of(StoredFormat{"int8", {}, int8_constants, read_int8},
                                         four_bits(kernels::WeightFormat::stlq_tiles, "stlq-tiles", "weights.stlq"),
                                         four_bits(kernels::WeightFormat::stlq_groups, "stlq", "weights.stlq_groups"),
                                         four_bits(kernels::WeightFormat::int4, "int4", "weights.int4"));

} // namespace intvit
