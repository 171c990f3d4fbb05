#include "models/import/image_processor.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "models/import/json.hpp"

namespace intvit::importer {

namespace {

// What a processor does where its file is silent.
struct Defaults {
  std::string_view name;
  bool keeps_proportions; // a size of one number is that of the shorter side, not of a square
  int size;
  bool crops; // to 224 x 224
  int resample;
  std::array<double, 3> mean;
  std::array<double, 3> std;
};

constexpr std::array<double, 3> halves = {0.5, 0.5, 0.5};
constexpr std::array<double, 3> clip_mean = {0.48145466, 0.4578275, 0.40821073};
constexpr std::array<double, 3> clip_std = {0.26862954, 0.26130258, 0.27577711};
constexpr int bilinear = 2;
constexpr int bicubic = 3;

constexpr std::array<Defaults, 3> processors = {{
    {"ViT", false, 224, false, bilinear, halves, halves},
    {"DeiT", false, 256, true, bicubic, halves, halves},
    {"Bit", true, 224, true, bicubic, clip_mean, clip_std},
}};

// The value of a setting; null where it is not there, for transformers takes null as the default.
const json *find(const json &root, const char *key) {
  const auto found = root.find(key);
  return found == root.end() || found->is_null() ? nullptr : &*found;
}

const Defaults &choose_processor(const json &root, const std::string &model_type) {
  for (const char *key : {"image_processor_type", "feature_extractor_type"})
    if (const json *value = find(root, key)) {
      const std::string type = string(*value, key);
      for (const Defaults &processor : processors)
        for (const char *suffix : {"ImageProcessor", "ImageProcessorFast", "ImageProcessorPil", "FeatureExtractor"})
          if (type == std::string(processor.name) + suffix)
            return processor;
      throw std::runtime_error("\"" + std::string(key) + "\" is " + show(*value) +
                               "; ViTImageProcessor, DeiTImageProcessor and BitImageProcessor can be followed");
    }
  const std::string_view name = model_type == "deit" ? "DeiT" : model_type.starts_with("dinov2") ? "Bit" : "ViT";
  return *std::find_if(processors.begin(), processors.end(), [&](const Defaults &p) { return p.name == name; });
}

struct Size {
  int height = 0; // 0 and width 0: `shortest_edge` is the length of the shorter side
  int width = 0;
  int shortest_edge = 0;
};

Size read_size(const json &value, const std::string &key, bool keeps_proportions) {
  if (value.is_array()) {
    array(value, key, 2);
    return {positive_integer(value[0], key), positive_integer(value[1], key), 0};
  }
  if (!value.is_object()) {
    const int size = positive_integer(value, key);
    return keeps_proportions ? Size{0, 0, size} : Size{size, size, 0};
  }
  if (value.size() == 2 && value.contains("height") && value.contains("width"))
    return {positive_integer(value["height"], key + ".height"), positive_integer(value["width"], key + ".width"), 0};
  if (value.size() == 1 && value.contains("shortest_edge"))
    return {0, 0, positive_integer(value["shortest_edge"], key + ".shortest_edge")};
  throw std::runtime_error("\"" + key + "\" is " + show(value) +
                           "; a number, {height, width} and {shortest_edge} can be followed");
}

// Pillow's numbers of its filters.
ResizeFilter read_filter(const json *value, const Defaults &defaults) {
  const json resample = value != nullptr ? *value : json(defaults.resample);
  if (resample == 1)
    return ResizeFilter::lanczos;
  if (resample == bilinear)
    return ResizeFilter::bilinear;
  if (resample == bicubic)
    return ResizeFilter::bicubic;
  if (resample == 4)
    return ResizeFilter::box;
  throw std::runtime_error("\"resample\" is " + show(resample) +
                           "; 1 (lanczos), 2 (bilinear), 3 (bicubic) and 4 (box) can be followed");
}

class Reader {
public:
  Reader(const json &root, const Defaults &defaults) : root_(root), defaults_(defaults) {}

  ImageProcessor read() {
    ImageProcessor processor;
    processor.recipe = recipe();
    normalization(processor);
    refuse_the_rest();
    return processor;
  }

private:
  bool flag(const char *key, bool otherwise) const {
    const json *value = find(root_, key);
    return value != nullptr ? boolean(*value, key) : otherwise;
  }

  std::array<double, 3> numbers(const char *key, const std::array<double, 3> &otherwise) const {
    const json *value = find(root_, key);
    return value != nullptr ? three_numbers(*value, key) : otherwise;
  }

  Recipe recipe() const {
    Recipe recipe;
    if (flag("do_resize", true)) {
      const json *value = find(root_, "size");
      const Size size =
          read_size(value != nullptr ? *value : json(defaults_.size), "size", defaults_.keeps_proportions);
      const bool exact = size.shortest_edge == 0;
      recipe.fit = exact ? Recipe::Fit::exact : Recipe::Fit::short_side;
      recipe.resize_width = exact ? size.width : size.shortest_edge;
      recipe.resize_height = exact ? size.height : size.shortest_edge;
      recipe.filter = read_filter(find(root_, "resample"), defaults_);
    }
    if (flag("do_center_crop", defaults_.crops)) {
      const json *value = find(root_, "crop_size");
      const Size crop = read_size(value != nullptr ? *value : json(224), "crop_size", false);
      if (crop.shortest_edge != 0)
        throw std::runtime_error("\"crop_size\" is " + show(*value) + "; a number or {height, width} can be followed");
      recipe.crop_width = crop.width;
      recipe.crop_height = crop.height;
      recipe.offset = Recipe::Offset::down;
      // Where the excess is always the same and even, both offsets are one.
      if (recipe.fit == Recipe::Fit::exact && (recipe.resize_width - crop.width) % 2 == 0 &&
          (recipe.resize_height - crop.height) % 2 == 0)
        recipe.offset = Recipe::Offset::half_even;
    } else if (recipe.fit == Recipe::Fit::exact) {
      recipe.crop_width = recipe.resize_width;
      recipe.crop_height = recipe.resize_height;
    } else {
      throw std::runtime_error("the pictures would keep different sizes: neither \"do_center_crop\" nor a resize to "
                               "{height, width} makes them one");
    }
    if (const Status status = validate(recipe); !status.ok())
      throw std::runtime_error(status.message());
    return recipe;
  }

  void normalization(ImageProcessor &processor) const {
    double factor = 1;
    if (flag("do_rescale", true)) {
      const json *value = find(root_, "rescale_factor");
      factor = value != nullptr ? number(*value, "rescale_factor") : 1.0 / 255;
      if (!(factor > 0))
        throw std::runtime_error("\"rescale_factor\" must be positive, is " + show(*value));
    }
    const bool normalizes = flag("do_normalize", true);
    const std::array<double, 3> mean = numbers("image_mean", defaults_.mean);
    const std::array<double, 3> std = numbers("image_std", defaults_.std);
    // (factor * pixel - mean) / std; the customary factor leaves mean and std as they are, to the last bit.
    const double scale = factor == 1.0 / 255 ? 1 : 255 * factor;
    for (std::size_t colour = 0; colour < 3; ++colour) {
      processor.mean[colour] = (normalizes ? mean[colour] : 0) / scale;
      processor.std[colour] = (normalizes ? std[colour] : 1) / scale;
    }
  }

  // A setting that is not understood might change the picture unseen.
  void refuse_the_rest() const {
    constexpr std::array<std::string_view, 23> harmless = {"image_processor_type",
                                                           "feature_extractor_type",
                                                           "processor_class",
                                                           "do_resize",
                                                           "size",
                                                           "resample",
                                                           "do_center_crop",
                                                           "crop_size",
                                                           "do_rescale",
                                                           "rescale_factor",
                                                           "do_normalize",
                                                           "image_mean",
                                                           "image_std",
                                                           "do_convert_rgb",
                                                           "_valid_processor_keys",
                                                           "return_tensors",
                                                           "data_format",
                                                           "input_data_format",
                                                           "device",
                                                           "disable_grouping",
                                                           "default_to_square",
                                                           "transformers_version",
                                                           "_processor_class"};
    for (const auto &[key, value] : root_.items()) {
      const bool off = value.is_null() || value == false;
      const bool known = std::find(harmless.begin(), harmless.end(), key) != harmless.end();
      if (!known && !off)
        throw std::runtime_error("\"" + key + "\" is " + show(value) + ", which cannot be followed");
      if (key == "default_to_square" && !value.is_null() && boolean(value, key) == defaults_.keeps_proportions)
        throw std::runtime_error("\"default_to_square\" is " + show(value) + ", which " + std::string(defaults_.name) +
                                 "ImageProcessor is not");
    }
  }

  const json &root_;
  const Defaults &defaults_;
};

} // namespace

ImageProcessor read_image_processor(const std::string &path, const std::string &model_type) {
  ImageProcessor processor;
  read_json_file(path, [&](const json &root) { processor = Reader(root, choose_processor(root, model_type)).read(); });
  return processor;
}

} // namespace intvit::importer
