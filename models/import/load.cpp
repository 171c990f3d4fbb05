#include "models/import/load.hpp"

#include <cmath>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "models/import/huggingface.hpp"
#include "models/import/json.hpp"
#include "models/program/paths.hpp"

namespace intvit {

namespace {

namespace fs = std::filesystem;

// What config.json says, if `path` is a folder, which has one; and whose it is.
using FolderConfig = std::variant<TimmConfig, importer::HuggingFaceConfig>;

FolderConfig read_config(const std::string &config_path) {
  FolderConfig config;
  if (std::error_code ignored; !config_path.empty() && !fs::exists(file_path(config_path), ignored)) {
    const std::string folder = path_name(file_path(config_path).parent_path());
    if (const std::string content = importer::unreadable_content(folder); !content.empty())
      throw std::runtime_error(folder + ": holds no config.json; " + content);
  }
  if (!config_path.empty())
    importer::read_json_file(config_path, [&](const importer::json &root) {
      if (root.contains("model_type") && !is_timm_wrapper(root))
        config = importer::huggingface_config(root);
      else
        config = timm_config(root);
    });
  return config;
}

Recipe timm_model_recipe(const ModelConfig &config) {
  const std::optional<ResizeFilter> filter = resize_filter(config.interpolation);
  if (!filter)
    throw std::runtime_error("the model's interpolation \"" + config.interpolation + "\" is not supported");
  Recipe recipe = timm_recipe(config.image_width, config.image_height,
                              static_cast<int>(std::lround(config.crop_pct * 1000)), config.crop_mode, *filter);
  recipe.color = config.color;
  return recipe;
}

// timm stores CLIP's projection and a classifier's head under one name: who says what the outputs mean has a head.
void projection_as_head(FloatModel &model) {
  auto *vit = std::get_if<VitModel>(&model);
  if (vit == nullptr || vit->config.projection == 0 || vit->config.classes > 0)
    return;
  std::swap(vit->config.classes, vit->config.projection);
  std::swap(vit->weights.head, vit->weights.projection);
}

} // namespace

ImportedModel load_float_model(const std::string &path, const ImportOptions &options) {
  const std::string config_path = fs::is_directory(file_path(path)) ? path_name(file_path(path) / "config.json") : "";
  const FolderConfig config = read_config(config_path);
  const auto *transformers = std::get_if<importer::HuggingFaceConfig>(&config);
  if (transformers != nullptr && (!options.timm.architecture.empty() || options.timm.heads != 0))
    throw std::runtime_error(path + ": an architecture or number of heads cannot be given: config.json tells them");
  const importer::WeightFiles files(path);
  const auto load = [&]() -> importer::HuggingFaceModel {
    if (transformers != nullptr)
      return importer::load_huggingface(path, *transformers, files, options.image_size);
    TimmOptions timm = options.timm;
    timm.image_size = options.image_size;
    return {load_timm(files, std::get<TimmConfig>(config), config_path, timm), {}};
  };
  auto [model, recipe] = load();
  if (options.head) {
    if (transformers == nullptr)
      projection_as_head(model);
    if (common_config(model).classes == 0)
      throw std::runtime_error(path + ": has no head, so its outputs are features and not " +
                               std::string(outputs_word(*options.head)));
    std::visit([&](auto &m) { m.config.head = *options.head; }, model);
  }
  if (options.image_size != 0 && transformers == nullptr)
    set_image_size(model, options.image_size, options.image_size);
  if (transformers == nullptr)
    recipe = timm_model_recipe(common_config(model));
  std::vector<std::string> read = files.paths();
  if (!config_path.empty())
    read.push_back(config_path);
  if (transformers != nullptr)
    read.push_back(importer::image_processor_path(path));
  return {std::move(model), recipe, options.hash_files ? files.sha256() : "", std::move(read)};
}

} // namespace intvit
