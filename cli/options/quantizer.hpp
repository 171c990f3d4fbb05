// Command-line options that decide how a model is quantized.
#pragma once

#include <string>

#include "cli/command.hpp"
#include "models/quantize/options.hpp"

namespace intvit::cli {

// Adds --softmax and --residual: how a model computes, whatever its weights.
void add_numerics_options(Parser &parser);
// Adds --no-renormalize, which goes with them, to the current group of the help.
void add_renormalize_option(Parser &parser);
struct Numerics {
  ResidualFormat residual = ResidualFormat::int16;
  kernels::Softmax softmax = kernels::Softmax::int16;
  bool renormalize = true;
};
Numerics numerics(const Parser &parser, Numerics defaults = {}); // of what is not given

// Adds all options of the quantizer, the above among them. Those for FQ-ViT's table and for studies come in groups of
// their own, so that the help shows a user's first.
void add_quantizer_options(Parser &parser);
QuantizeOptions quantizer_options(const Parser &parser);

// The options that decide the model's bytes, for its provenance. Defaults are included, because a later version may
// have others.
std::string settings_text(const QuantizeOptions &options, bool words_are_given);

} // namespace intvit::cli
