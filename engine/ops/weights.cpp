#include "engine/ops/weights.hpp"

#include <algorithm>

namespace intvit {

namespace {

using kernels::WeightFormat;

constexpr const char *int8_constants[] = {"weight"};

constexpr StoredFormat four_bits(std::size_t index, std::string_view name, std::string_view feature) {
  const FourBitStorage &storage = four_bit_storages[index];
  return {name, feature, storage.names, storage.format, &storage};
}

} // namespace

constexpr std::array<StoredFormat, 1 + four_bit_storages.size()> stored_formats{
    {{"int8", {}, int8_constants, WeightFormat::int8, nullptr},
     four_bits(0, "stlq-tiles", "weights.stlq"),
     four_bits(1, "stlq", "weights.stlq_groups"),
     four_bits(2, "int4", "weights.int4"),
     four_bits(3, "int4", "weights.int4_short"),
     four_bits(4, "int4", "weights.int4_wide8"),
     four_bits(5, "stlq", "weights.stlq_short8"),
     four_bits(6, "int4", "weights.int4_wide4"),
     four_bits(7, "stlq", "weights.stlq_short4")}};

const StoredFormat &stored_format_of(const SafetensorsFile &file, const std::string &node) {
  const auto found = std::find_if(stored_formats.begin(), stored_formats.end(), [&](const StoredFormat &format) {
    return file.find(node + "." + format.constants[0]) != nullptr;
  });
  return found == stored_formats.end() ? stored_formats.front() : *found;
}

} // namespace intvit
