// What `quantize --report` tells of each layer.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "models/quantize/report.hpp"

namespace intvit::cli {

// A table of the layers, one a line.
std::string report_text(const std::vector<LayerReport> &layers);
// The same as a list of objects; what is not known is null.
nlohmann::json report_json(const std::vector<LayerReport> &layers);

} // namespace intvit::cli
