#include "models/import/timm.hpp"

#include <filesystem>
#include <optional>
#include <stdexcept>

#include "models/architectures/registry.hpp"
#include "models/import/timm_config.hpp"
#include "models/import/timm_source.hpp"
#include "models/import/weight_files.hpp"

namespace intvit {

using namespace importer;

namespace {

namespace fs = std::filesystem;

// The architecture by the caller's word, by config.json, or by the file's name.
std::optional<ArchitectureConfig> choose_architecture(const std::string &weights_path, const TimmConfig &config,
                                                      const TimmOptions &options) {
  if (!options.architecture.empty())
    return architecture(options.architecture);
  if (config.architecture.empty())
    return find_architecture(fs::path(weights_path).filename().string());
  // A name that is not timm's own may stand for a model that model_args describe.
  if (config.heads || options.heads != 0)
    return find_architecture(config.architecture);
  return architecture(config.architecture);
}

FloatModel read_model(const TimmSource &source) {
  bool swin = source.count("layers.") > 0;
  if (source.architecture && source.count("blocks.") > 0) // one of the two does not belong there
    swin = swin && std::holds_alternative<SwinConfig>(*source.architecture);
  if (swin)
    return read_timm_swin(source);
  return read_timm_vit(source);
}

} // namespace

FloatModel load_timm(const std::string &path, const TimmOptions &options) {
  TimmConfig config;
  std::string config_path;
  if (fs::is_directory(path)) {
    config_path = (fs::path(path) / "config.json").string();
    config = read_timm_config(config_path);
  }
  const WeightFiles files(path);
  try {
    const TimmSource source{files, choose_architecture(files.path(), config, options), config, config_path,
                            options.heads};
    FloatModel model = read_model(source);
    const auto classes = static_cast<std::size_t>(common_config(model).classes);
    if (!config.labels.empty() && config.labels.size() != classes)
      throw std::runtime_error(std::to_string(config.labels.size()) + " label_names in " + config_path + " for " +
                               std::to_string(classes) + " classes");
    std::visit([&](auto &m) { m.labels = config.labels; }, model);
    return model;
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(files.path() + ": " + error.what());
  }
}

} // namespace intvit
