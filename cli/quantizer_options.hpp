// Command-line options that decide how a model is quantized, and what is told about it.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "models/quantize/options.hpp"
#include "models/quantize/report.hpp"

namespace intvit::cli {

// Adds --softmax, --no-renormalize and --residual: how a model computes, whatever its weights.
void add_numerics_options(Parser &parser);
struct Numerics {
  ResidualFormat residual = ResidualFormat::int16;
  kernels::Softmax softmax = kernels::Softmax::int16;
  bool renormalize = true;
};
Numerics numerics(const Parser &parser, Numerics defaults = {}); // of what is not given

// Adds all options of the quantizer, the above among them.
void add_quantizer_options(Parser &parser);
QuantizeOptions quantizer_options(const Parser &parser);

// The options that decide the model's bytes, defaults included: a later program may have others.
std::string settings_text(const QuantizeOptions &options, bool words_are_given);

// A table of the layers, one a line.
std::string report_text(const std::vector<LayerReport> &layers);
// The same as a list of objects; what is not known is null.
nlohmann::json report_json(const std::vector<LayerReport> &layers);

} // namespace intvit::cli
