#include "models/import/huggingface.hpp"

#include <cmath>
#include <filesystem>
#include <stdexcept>

#include "models/import/formats.hpp"
#include "models/import/image_processor.hpp"
#include "models/import/tensors.hpp"
#include "models/program/paths.hpp"

namespace intvit::importer {

namespace {

namespace fs = std::filesystem;

// A classifier's class may have been given to what holds the model alone, or the reverse: transformers loads both.
std::string prefix_of(TensorReader &tensors, const HuggingFaceConfig &config) {
  const auto holds = [&](const std::string &prefix) {
    return tensors.has(prefix + "embeddings.patch_embeddings.projection.weight");
  };
  std::string other = config.prefix.empty() ? config.base : "";
  if (config.is_tower() || holds(config.prefix) || !holds(other))
    return config.prefix;
  if (!config.has_head)
    for (const char *head : {"classifier.", "cls_classifier.", "distillation_classifier.", "decoder."})
      tensors.ignore_all(head);
  return other;
}

FloatModel read_model(const WeightFiles &files, HuggingFaceConfig config) {
  try {
    TensorReader tensors(files);
    config.prefix = prefix_of(tensors, config);
    FloatModel model = config.type->model(tensors, config.architecture, config);
    tensors.ignore(config.prefix + "embeddings.mask_token"); // of pre-training
    if (config.model_type == "vit_mae")
      tensors.ignore_all("decoder.");
    tensors.require_all_read("config.json describes a " + config.model_type + " without it");
    return model;
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(files.path() + ": " + error.what());
  }
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

// Lets the model take the recipe's pictures. DINOv2, which is trained on larger pictures than it is used with, is
// resampled as transformers does it, with antialiasing or without; once, for two resamplings in a row blur positions.
void fit_image_size(const HuggingFaceConfig &config, const Recipe &recipe, FloatModel &model) {
  set_image_size(model, recipe.crop_height, recipe.crop_width,
                 config.model_type == "dinov2" ? Resampling::cubic : Resampling::antialiased);
}

// The processor must give what the model takes; but for DINOv2, and DINOv3, which takes pictures of any size.
void check_processor(const HuggingFaceConfig &config, const Recipe &recipe, const FloatModel &model) {
  const ModelConfig &size = common_config(model);
  if (!config.is_dinov2() && !config.is_dinov3() &&
      (recipe.crop_width != size.image_width || recipe.crop_height != size.image_height))
    throw std::runtime_error("gives pictures of " + std::to_string(recipe.crop_width) + " x " +
                             std::to_string(recipe.crop_height) + " pixels, but \"image_size\" of config.json is " +
                             std::to_string(size.image_width) + " x " + std::to_string(size.image_height));
}

} // namespace

std::string image_processor_path(const std::string &folder) {
  const fs::path path = file_path(folder) / "preprocessor_config.json";
  const fs::path all = file_path(folder) / "processor_config.json";
  std::error_code ignored;
  return path_name(!fs::exists(path, ignored) && fs::exists(all, ignored) ? all : path);
}

HuggingFaceModel load_huggingface(const std::string &folder) {
  const HuggingFaceConfig config = read_huggingface_config(path_name(file_path(folder) / "config.json"));
  return load_huggingface(folder, config, WeightFiles(folder));
}

HuggingFaceModel load_huggingface(const std::string &folder, const HuggingFaceConfig &config, const WeightFiles &files,
                                  int image_size) {
  const std::string processor_path = image_processor_path(folder);
  if (std::error_code ignored; !fs::exists(file_path(processor_path), ignored))
    throw std::runtime_error(processor_path +
                             ": is missing, and nothing else tells how pictures are prepared for the "
                             "model: save it with the image processor's save_pretrained(), or write it, for instance "
                             "{\"size\": 224, \"resample\": 3, \"image_mean\": 0.5, \"image_std\": 0.5}");
  const ImageProcessor processor = read_image_processor(processor_path, config.model_type);
  HuggingFaceModel result{read_model(files, config), processor.recipe};
  try {
    std::visit(
        [&](auto &model) {
          model.config.mean = processor.mean;
          model.config.std = processor.std;
        },
        result.model);
    if (config.colours == 1) {
      result.recipe.color = Recipe::Color::grey;
      require_grey_pixels(common_config(result.model), "\"image_mean\" and \"image_std\" must be a number each");
    }
    check_processor(config, result.recipe, result.model);
    if (image_size != 0)
      result.recipe = scaled(result.recipe, image_size);
    fit_image_size(config, result.recipe, result.model);
    validate(result.model);
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(processor_path + ": " + error.what());
  }
  return result;
}

} // namespace intvit::importer
