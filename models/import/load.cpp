#include "models/import/load.hpp"

#include <cmath>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "models/import/huggingface.hpp"
#include "models/import/json.hpp"
#include "models/import/position_embedding.hpp"

namespace intvit {

namespace {

namespace fs = std::filesystem;

bool is_transformers_folder(const std::string &path) {
  if (!fs::is_directory(path))
    return false;
  bool result = false;
  importer::read_json_file((fs::path(path) / "config.json").string(),
                           [&](const importer::json &root) { result = root.contains("model_type"); });
  return result;
}

Recipe timm_model_recipe(const ModelConfig &config) {
  const std::optional<ResizeFilter> filter = resize_filter(config.interpolation);
  if (!filter)
    throw std::runtime_error("the model's interpolation \"" + config.interpolation + "\" is not supported");
  if (config.image_width != config.image_height)
    return squash_recipe(config.image_width, config.image_height, *filter);
  return timm_recipe(config.image_height, static_cast<int>(std::lround(config.crop_pct * 1000)), *filter);
}

// The recipe for images of size x size, the crop keeping its share of the picture.
Recipe scaled(Recipe recipe, int size) {
  const auto scale = [size](int length, int crop) {
    return static_cast<int>(std::lround(static_cast<double>(length) * size / crop));
  };
  recipe.resize_width = scale(recipe.resize_width, recipe.crop_width);
  recipe.resize_height =
      recipe.fit == Recipe::Fit::short_side ? recipe.resize_width : scale(recipe.resize_height, recipe.crop_height);
  recipe.crop_width = size;
  recipe.crop_height = size;
  return recipe;
}

ImportedModel load_transformers(const std::string &path, const ImportOptions &options) {
  if (!options.timm.architecture.empty() || options.timm.heads != 0)
    throw std::runtime_error(path + ": an architecture or number of heads cannot be given: config.json tells them");
  importer::HuggingFaceModel loaded = importer::load_huggingface(path);
  if (options.image_size != 0) {
    set_image_size(loaded.model, options.image_size, options.image_size);
    loaded.recipe = scaled(loaded.recipe, options.image_size);
  }
  return {std::move(loaded.model), loaded.recipe};
}

} // namespace

ImportedModel load_float_model(const std::string &path, const ImportOptions &options) {
  if (is_transformers_folder(path))
    return load_transformers(path, options);
  FloatModel model = load_timm(path, options.timm);
  if (options.image_size != 0)
    set_image_size(model, options.image_size, options.image_size);
  const Recipe recipe = timm_model_recipe(common_config(model));
  return {std::move(model), recipe};
}

} // namespace intvit
