#include "tests/engine/graph/json_nodes.hpp"

#include <stdexcept>

namespace intvit::test {

using nlohmann::json;

std::vector<NodeCase> valid_nodes() {
  return {
      {"patches", json::parse(R"({"name":"p","op":"patches","input":"image","patch":16})")},
      {"patches partial", json::parse(R"({"name":"q","op":"patches","input":"image","patch":15,"partial":true})"),
       "partial"},
      {"patch_embed", json::parse(R"({"name":"e","op":"patch_embed","input":"p","shift":41,"position_shift":3})")},
      {"patch_embed prefix",
       json::parse(
           R"({"name":"f","op":"patch_embed","input":"p","shift":40,"position_shift":2,
                                     "prefix_rows":5})"),
       "prefix_rows"},
      {"layer_norm", json::parse(R"({"name":"n","op":"layer_norm","input":"e","shift":42,"epsilon":123456789012})")},
      {"layer_norm output",
       json::parse(
           R"({"name":"m","op":"layer_norm","input":"e","shift":33,"epsilon":7,
                                    "output_type":"int32"})"),
       "output_type"},
      {"layer_norm rms",
       json::parse(R"({"name":"q","op":"layer_norm","input":"e","shift":40,"epsilon":9,"centred":false})"), "centred"},
      {"linear requantize",
       json::parse(R"({"name":"l","op":"linear","input":"n","epilogue":"requantize","shift":43})")},
      {"linear requantize16",
       json::parse(R"({"name":"w","op":"linear","input":"n","epilogue":"requantize16","shift":34})")},
      {"linear gelu", json::parse(
                          R"({"name":"g","op":"linear","input":"n","epilogue":"gelu","shift":44,
                              "gelu_fraction_bits":11})")},
      {"linear quick_gelu",
       json::parse(
           R"({"name":"k","op":"linear","input":"n","epilogue":"gelu","shift":41,
                                      "gelu_fraction_bits":9,"gelu_function":"quick_gelu"})"),
       "gelu_function"},
      {"linear silu",
       json::parse(
           R"({"name":"si","op":"linear","input":"n","epilogue":"gelu","shift":42,
                                      "gelu_fraction_bits":10,"gelu_function":"silu"})"),
       "gelu_function"},
      {"linear residual", json::parse(
                              R"({"name":"r","op":"linear","input":"n","epilogue":"residual","shift":45,
                                  "residual":"e","residual_shift":9,"output_type":"int16"})")},
      {"linear logits", json::parse(R"({"name":"h","op":"linear","input":"n","epilogue":"logits","shift":46})")},
      {"attention", json::parse(
                        R"({"name":"a","op":"attention","input":"l","heads":3,"queries":1,"softmax":"int8",
                            "renormalize":false,"score_shift":20,"units_per_octave":32,"exp_linear":124,
                            "exp_constant":5951,"exp_octaves":10,"shift":47})")},
      {"window_attention", json::parse(
                               R"({"name":"b","op":"window_attention","input":"l","heads":4,"softmax":"lis8",
                                   "renormalize":false,"score_shift":19,"units_per_octave":17,"exp_linear":63,
                                   "exp_constant":1488,"exp_octaves":11,"shift":36,"grid_height":28,"grid_width":14,
                                   "window":7,"window_shift":3})")},
      {"take_rows", json::parse(R"({"name":"t","op":"take_rows","input":"e","rows":1})")},
      {"mean_rows", json::parse(
                        R"({"name":"o","op":"mean_rows","input":"e","first":5,"rows":49,"shift":48,
                            "output_type":"int16"})")},
      {"l2_normalize", json::parse(R"({"name":"u","op":"l2_normalize","input":"h","shift":44,"output_type":"int8"})")},
      {"multiply",
       json::parse(R"({"name":"p","op":"multiply","input":"g","factor":"l","shift":50,"output_type":"int16"})")},
      {"rotate", json::parse(R"({"name":"r","op":"rotate","input":"l","heads":4,"first":5})")},
      {"rescale", json::parse(R"({"name":"sc","op":"rescale","input":"e","shift":37,"output_type":"int16"})")},
      {"rescale residual",
       json::parse(
           R"({"name":"sd","op":"rescale","input":"w","residual":"e","shift":39,"output_type":"int8",
                                 "residual_shift":6})"),
       "residual"},
      {"normalize_heads", json::parse(R"({"name":"nh","op":"normalize_heads","input":"w","heads":6,"shift":38})")},
      {"pad_grid", json::parse(
                       R"({"name":"pg","op":"pad_grid","input":"l","grid_height":10,"grid_width":9,"padded_height":14,
                                 "padded_width":15,"rolled":3})")},
      {"crop_grid", json::parse(
                        R"({"name":"cg","op":"crop_grid","input":"l","grid_height":11,"grid_width":8,"padded_height":13,
                                 "padded_width":16,"rolled":2})")},
      {"join", json::parse(R"({"name":"j","op":"join","input":"t","beside":"o"})")},
      {"flatten", json::parse(R"({"name":"s","op":"flatten","input":"t"})")},
      {"attention bias",
       json::parse(
           R"({"name":"ab","op":"attention","input":"l","heads":3,"queries":0,"softmax":"int16","renormalize":true,
               "score_shift":18,"units_per_octave":16,"exp_linear":62,"exp_constant":1487,"exp_octaves":12,"shift":46,
               "biased":true})"),
       "biased"},
      {"attention sizes",
       json::parse(
           R"({"name":"as","op":"attention","input":"l","sizes":"mt","heads":3,"queries":0,
                                  "softmax":"int16","renormalize":true,"score_shift":18,"units_per_octave":16,
                                  "exp_linear":62,"exp_constant":1487,"exp_octaves":12,"shift":46})"),
       "sizes"},
      {"mean_rows sizes",
       json::parse(
           R"({"name":"os","op":"mean_rows","input":"e","sizes":"mt","first":1,"rows":40,"shift":47,
                                  "output_type":"int8"})"),
       "sizes"},
      {"match_tokens",
       json::parse(
           R"({"name":"mt","op":"match_tokens","input":"l","pairs":12,"first":2,"weighted":true,"heads":6,
                               "score_shift":16,"units_per_octave":19,"exp_linear":65,"exp_constant":1490,
                               "exp_octaves":9})")},
      {"match_tokens sizes",
       json::parse(
           R"({"name":"mu","op":"match_tokens","input":"l","sizes":"mt","pairs":13,"first":1,
                                     "weighted":false,"heads":5,"score_shift":17,"units_per_octave":18,
                                     "exp_linear":64,"exp_constant":1489,"exp_octaves":13})"),
       "sizes"},
      {"merge_tokens", json::parse(R"({"name":"mm","op":"merge_tokens","input":"r","groups":"mt"})")},
      {"merge_patches",
       json::parse(R"({"name":"d","op":"merge_patches","input":"e","grid_height":14,"grid_width":28})")},
  };
}

std::vector<IntegerField> integer_fields() {
  return {
      {"patches", "patch", 1, 4096},
      {"patches partial", "patch", 1, 4096},
      {"patch_embed", "shift", 32, 62},
      {"patch_embed", "position_shift", 0, 15},
      {"patch_embed prefix", "shift", 32, 62},
      {"patch_embed prefix", "position_shift", 0, 15},
      {"patch_embed prefix", "prefix_rows", 0, 16383},
      {"layer_norm", "shift", 32, 62},
      {"layer_norm", "epsilon", 0, 1152921504606846976},
      {"layer_norm output", "shift", 32, 62},
      {"layer_norm output", "epsilon", 0, 1152921504606846976},
      {"layer_norm rms", "shift", 32, 62},
      {"layer_norm rms", "epsilon", 0, 1152921504606846976},
      {"linear requantize", "shift", 32, 62},
      {"linear requantize16", "shift", 32, 62},
      {"linear gelu", "shift", 32, 62},
      {"linear gelu", "gelu_fraction_bits", 8, 12},
      {"linear quick_gelu", "shift", 32, 62},
      {"linear quick_gelu", "gelu_fraction_bits", 8, 12},
      {"linear silu", "shift", 32, 62},
      {"linear silu", "gelu_fraction_bits", 8, 12},
      {"linear residual", "shift", 32, 62},
      {"linear residual", "residual_shift", 0, 23},
      {"linear logits", "shift", 32, 62},
      {"attention", "heads", 1, 1024},
      {"attention", "queries", 0, 16384},
      {"attention", "score_shift", 1, 31},
      {"attention", "units_per_octave", 1, 255},
      {"attention", "exp_linear", 0, 32768},
      {"attention", "exp_constant", 1, 1073741824},
      {"attention", "exp_octaves", 0, 30},
      {"attention", "shift", 32, 62},
      {"window_attention", "heads", 1, 1024},
      {"window_attention", "score_shift", 1, 31},
      {"window_attention", "units_per_octave", 1, 255},
      {"window_attention", "exp_linear", 0, 32768},
      {"window_attention", "exp_constant", 1, 1073741824},
      {"window_attention", "exp_octaves", 0, 30},
      {"window_attention", "shift", 32, 62},
      {"window_attention", "grid_height", 1, 16384},
      {"window_attention", "grid_width", 1, 16384},
      {"window_attention", "window", 1, 32},
      {"window_attention", "window_shift", 0, 31},
      {"take_rows", "rows", 1, 16384},
      {"mean_rows", "first", 0, 16383},
      {"mean_rows", "rows", 1, 16384},
      {"mean_rows", "shift", 32, 62},
      {"l2_normalize", "shift", 32, 62},
      {"match_tokens", "pairs", 1, 8192},
      {"match_tokens", "first", 0, 16384},
      {"match_tokens", "heads", 1, 1024},
      {"match_tokens", "score_shift", 1, 31},
      {"match_tokens", "units_per_octave", 1, 255},
      {"match_tokens", "exp_linear", 0, 32768},
      {"match_tokens", "exp_constant", 1, 1073741824},
      {"match_tokens", "exp_octaves", 0, 30},
      {"match_tokens sizes", "pairs", 1, 8192},
      {"match_tokens sizes", "first", 0, 16384},
      {"match_tokens sizes", "heads", 1, 1024},
      {"match_tokens sizes", "score_shift", 1, 31},
      {"match_tokens sizes", "units_per_octave", 1, 255},
      {"match_tokens sizes", "exp_linear", 0, 32768},
      {"match_tokens sizes", "exp_constant", 1, 1073741824},
      {"match_tokens sizes", "exp_octaves", 0, 30},
      {"attention bias", "heads", 1, 1024},
      {"attention bias", "queries", 0, 16384},
      {"attention bias", "score_shift", 1, 31},
      {"attention bias", "units_per_octave", 1, 255},
      {"attention bias", "exp_linear", 0, 32768},
      {"attention bias", "exp_constant", 1, 1073741824},
      {"attention bias", "exp_octaves", 0, 30},
      {"attention bias", "shift", 32, 62},
      {"attention sizes", "heads", 1, 1024},
      {"attention sizes", "queries", 0, 16384},
      {"attention sizes", "score_shift", 1, 31},
      {"attention sizes", "units_per_octave", 1, 255},
      {"attention sizes", "exp_linear", 0, 32768},
      {"attention sizes", "exp_constant", 1, 1073741824},
      {"attention sizes", "exp_octaves", 0, 30},
      {"attention sizes", "shift", 32, 62},
      {"mean_rows sizes", "first", 0, 16383},
      {"mean_rows sizes", "rows", 1, 16384},
      {"mean_rows sizes", "shift", 32, 62},
      {"multiply", "shift", 32, 62},
      {"rotate", "heads", 1, 1024},
      {"rotate", "first", 0, 16384},
      {"rescale", "shift", 32, 62},
      {"rescale residual", "shift", 32, 62},
      {"rescale residual", "residual_shift", 0, 23},
      {"normalize_heads", "heads", 1, 1024},
      {"normalize_heads", "shift", 32, 62},
      {"pad_grid", "grid_height", 1, 16384},
      {"pad_grid", "grid_width", 1, 16384},
      {"pad_grid", "padded_height", 1, 16384},
      {"pad_grid", "padded_width", 1, 16384},
      {"pad_grid", "rolled", 0, 31},
      {"crop_grid", "grid_height", 1, 16384},
      {"crop_grid", "grid_width", 1, 16384},
      {"crop_grid", "padded_height", 1, 16384},
      {"crop_grid", "padded_width", 1, 16384},
      {"crop_grid", "rolled", 0, 31},
      {"merge_patches", "grid_height", 2, 16384},
      {"merge_patches", "grid_width", 2, 16384},
  };
}

json graph_of(const std::vector<json> &nodes) {
  return {{"image_height", 32}, {"image_width", 48}, {"logit_fraction_bits", 12}, {"nodes", nodes}};
}

json valid_node(const std::string &variant) {
  for (const NodeCase &entry : valid_nodes())
    if (entry.variant == variant)
      return entry.node;
  throw std::out_of_range(variant);
}

} // namespace intvit::test
