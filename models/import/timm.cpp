#include "models/import/timm.hpp"

#include <filesystem>
#include <optional>
#include <stdexcept>

#include "models/architectures/registry.hpp"
#include "models/import/formats.hpp"
#include "models/import/timm_source.hpp"
#include "models/program/paths.hpp"

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
    return find_architecture(path_name(file_path(weights_path).filename()));
  const std::string name = config.tag.empty() || config.architecture.find('.') != std::string::npos
                               ? config.architecture
                               : config.architecture + "." + config.tag;
  // A name that is not timm's own may stand for a model that model_args describe.
  if (config.heads || options.heads != 0) {
    std::optional<ArchitectureConfig> found = find_architecture(name);
    if (!found)
      refuse_foreign(name);
    return found;
  }
  return architecture(name);
}

// By the names of the blocks' tensors; where those of two architectures are there, one of them does not belong there.
template <class... Models> FloatModel read_model(const TimmSource &source, const std::variant<Models...> *) {
  FloatModel (*read)(const TimmSource &) = [](const TimmSource &s) -> FloatModel {
    return TimmFormat<VitModel>::read(s); // which says what is missing
  };
  bool is_declared = false;
  const auto consider = [&]<class Model>(const Model *) {
    if (is_declared || source.count(TimmFormat<Model>::blocks) == 0)
      return;
    is_declared = source.architecture && std::holds_alternative<typename Model::Config>(*source.architecture);
    read = [](const TimmSource &s) -> FloatModel { return TimmFormat<Model>::read(s); };
  };
  (consider(static_cast<const Models *>(nullptr)), ...);
  return read(source);
}

} // namespace

FloatModel load_timm(const importer::WeightFiles &files, const TimmConfig &config, const std::string &config_path,
                     const TimmOptions &options) {
  try {
    const TimmSource source{files,         choose_architecture(files.path(), config, options),
                            config,        config_path,
                            options.heads, options.image_size};
    source.refuse_foreign_parts();
    FloatModel model = read_model(source, static_cast<const FloatModel *>(nullptr));
    const auto classes = static_cast<std::size_t>(common_config(model).classes);
    if (!config.labels.empty() && config.labels.size() != classes)
      throw std::runtime_error(std::to_string(config.labels.size()) + " label_names in " + config_path + " for " +
                               std::to_string(classes) + " classes");
    std::visit(
        [&](auto &m) {
          m.labels = config.labels;
          if (classes == 1) // nothing that one class could exclude
            m.config.head = ResultKind::scores;
          m.config.head = config.head.value_or(m.config.head);
        },
        model);
    return model;
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(files.path() + ": " + error.what());
  }
}

FloatModel load_timm(const std::string &path, const TimmOptions &options) {
  TimmConfig config;
  std::string config_path;
  if (fs::is_directory(file_path(path))) {
    config_path = path_name(file_path(path) / "config.json");
    config = read_timm_config(config_path);
  }
  return load_timm(WeightFiles(path), config, config_path, options);
}

} // namespace intvit
