#include "tests/fuzz/json_values.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>

namespace intvit::fuzz {

using nlohmann::json;

namespace {

constexpr std::int64_t edges[] = {0,
                                  1,
                                  2,
                                  3,
                                  4,
                                  7,
                                  8,
                                  15,
                                  16,
                                  17,
                                  30,
                                  31,
                                  32,
                                  33,
                                  62,
                                  63,
                                  64,
                                  65,
                                  127,
                                  128,
                                  255,
                                  256,
                                  511,
                                  512,
                                  1023,
                                  1024,
                                  1025,
                                  4096,
                                  4097,
                                  16383,
                                  16384,
                                  16385,
                                  32767,
                                  32768,
                                  65535,
                                  65536,
                                  1 << 21,
                                  1 << 24,
                                  (1 << 24) + 1,
                                  INT32_MAX,
                                  INT64_C(1) << 32,
                                  INT64_C(1) << 60,
                                  INT64_MAX};

constexpr const char *words[] = {"patches",      "patch_embed",
                                 "layer_norm",   "linear",
                                 "attention",    "window_attention",
                                 "take_rows",    "mean_rows",
                                 "flatten",      "merge_patches",
                                 "match_tokens", "merge_tokens",
                                 "sizes",        "groups",
                                 "requantize",   "requantize16",
                                 "gelu",         "residual",
                                 "logits",       "int8",
                                 "int16",        "int32",
                                 "lis4",         "lis8",
                                 "image",        "",
                                 "I8",           "U8",
                                 "I16",          "I32",
                                 "I64",          "F32",
                                 "BOOL",         "weight",
                                 "labels",       "scores",
                                 "quick_gelu",   "l2_normalize",
                                 "rotate",       "cosine",
                                 "multiply",     "factor",
                                 "silu",         "factor_zero_point",
                                 "join",         "beside",
                                 "rescale",      "normalize_heads",
                                 "pad_grid",     "crop_grid"};

} // namespace

const char *JsonValues::word() {
  return words[below(std::size(words))];
}

json JsonValues::integer() {
  const std::int64_t edge = edges[below(std::size(edges))];
  switch (below(8)) {
  case 0:
    return -edge;
  case 1:
    return random_.any_magnitude(INT64_MAX);
  case 2:
    return one_in(4) ? json(std::numeric_limits<std::uint64_t>::max()) : json(static_cast<std::uint64_t>(edge) + 1);
  default:
    return edge;
  }
}

json JsonValues::neighbour(const json &number) {
  const auto value = number.is_number_integer() ? number.get<std::int64_t>() : 0;
  const std::int64_t small = std::clamp<std::int64_t>(value, -(INT64_C(1) << 60), INT64_C(1) << 60);
  switch (below(5)) {
  case 0:
    return small + 1;
  case 1:
    return small - 1;
  case 2:
    return small * 2;
  case 3:
    return small / 2;
  default:
    return integer();
  }
}

json JsonValues::anything() {
  switch (below(8)) {
  case 0:
    return nullptr;
  case 1:
    return json::array({integer(), word()});
  case 2:
    return json::object({{word(), integer()}});
  case 3:
    return 1.5;
  case 4:
    return one_in(2);
  case 5:
    return std::string(below(300), '\xC3');
  case 6:
    return word();
  default:
    return integer();
  }
}

} // namespace intvit::fuzz
