#include "cli/layer_report.hpp"

#include <iomanip>
#include <sstream>

#include "engine/container/utf8.hpp"

namespace intvit::cli {

std::string report_text(const std::vector<LayerReport> &layers) {
  std::ostringstream text;
  text << std::left << std::setw(28) << "node" << std::right << std::setw(8) << "output" << std::setw(10) << "SQNR dB"
       << std::setw(10) << "strength" << std::setw(10) << "clipping"
       << "\n"
       << std::fixed;
  for (const LayerReport &layer : layers) {
    const bool linear = layer.kind == LayerReport::Kind::linear;
    text << std::left << std::setw(28) << printable(layer.name) << std::right << std::setw(8)
         << (linear ? "linear" : "stream");
    if (layer.signal_to_noise)
      text << std::setw(10) << std::setprecision(2) << *layer.signal_to_noise;
    else
      text << std::setw(10) << "-";
    if (linear && layer.signal_to_noise)
      text << std::setw(10) << std::setprecision(3) << layer.strength << std::setw(10) << std::setprecision(2)
           << layer.clipping;
    else
      text << std::setw(10) << "-" << std::setw(10) << "-";
    text << "\n";
  }
  return text.str();
}

nlohmann::json report_json(const std::vector<LayerReport> &layers) {
  nlohmann::json list = nlohmann::json::array();
  for (const LayerReport &layer : layers) {
    const bool linear = layer.kind == LayerReport::Kind::linear;
    nlohmann::json entry = {{"node", layer.name}, {"output", linear ? "linear" : "stream"}};
    entry["sqnr_db"] = layer.signal_to_noise ? nlohmann::json(*layer.signal_to_noise) : nlohmann::json();
    const bool chosen = linear && layer.signal_to_noise;
    entry["strength"] = chosen ? nlohmann::json(layer.strength) : nlohmann::json();
    entry["clipping"] = chosen ? nlohmann::json(layer.clipping) : nlohmann::json();
    list.push_back(std::move(entry));
  }
  return list;
}

} // namespace intvit::cli
