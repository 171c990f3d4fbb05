#include "models/import/image_processor.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <string_view>

#include "models/architectures/model_config.hpp"
#include "models/import/json.hpp"

namespace intvit::importer {

namespace {

// How a processor understands "size".
enum class SizeRule : std::uint8_t {
  square,   // one number is both sides
  shortest, // one number is the shorter side; the other follows in proportion
  convnext, // {shortest_edge} below 384: the shorter side to that by crop_pct, then the centre; else both sides
};

// What a processor does where its file is silent.
struct Defaults {
  std::string_view name;
  SizeRule rule;
  int size;
  bool crops; // to 224 x 224
  int resample;
  std::array<double, 3> mean;
  std::array<double, 3> std;
};

constexpr std::array<double, 3> halves = {0.5, 0.5, 0.5};
constexpr int bilinear = 2;
constexpr int bicubic = 3;

constexpr std::array processors = {
    Defaults{"ViT", SizeRule::square, 224, false, bilinear, halves, halves},
    Defaults{"DeiT", SizeRule::square, 256, true, bicubic, halves, halves},
    Defaults{"Beit", SizeRule::square, 256, true, bicubic, halves, halves},
    Defaults{"DINOv3ViT", SizeRule::square, 224, false, bilinear, imagenet_mean, imagenet_std},
    Defaults{"Siglip", SizeRule::square, 224, false, bicubic, halves, halves},
    Defaults{"Bit", SizeRule::shortest, 224, true, bicubic, clip_mean, clip_std},
    Defaults{"CLIP", SizeRule::shortest, 224, true, bicubic, clip_mean, clip_std},
    Defaults{"ConvNext", SizeRule::convnext, 384, false, bilinear, halves, halves},
};

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
      std::string known;
      for (const Defaults &processor : processors)
        known += (known.empty() ? "" : ", ") + std::string(processor.name) + "ImageProcessor";
      throw std::runtime_error("\"" + std::string(key) + "\" is " + show(*value) + "; can be followed: " + known);
    }
  const std::string_view name = model_type == "deit"               ? "DeiT"
                                : model_type.starts_with("dinov2") ? "Bit"
                                : model_type.starts_with("dinov3") ? "DINOv3ViT"
                                : model_type.starts_with("clip")   ? "CLIP"
                                : model_type.starts_with("siglip") ? "Siglip"
                                                                   : "ViT";
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
  // transformers 5 writes every kind of length that it knows, null where there is none.
  const auto given = std::count_if(value.begin(), value.end(), [](const json &length) { return !length.is_null(); });
  const json *height = find(value, "height");
  const json *width = find(value, "width");
  if (given == 2 && height != nullptr && width != nullptr)
    return {positive_integer(*height, key + ".height"), positive_integer(*width, key + ".width"), 0};
  if (const json *edge = find(value, "shortest_edge"); given == 1 && edge != nullptr)
    return {0, 0, positive_integer(*edge, key + ".shortest_edge")};
  throw std::runtime_error("\"" + key + "\" is " + show(value) +
                           "; a number, {height, width} and {shortest_edge} can be followed");
}

// Pillow's filters by number or by name.
ResizeFilter read_filter(const json *value, const Defaults &defaults) {
  const json resample = value != nullptr ? *value : json(defaults.resample);
  if (resample.is_string()) {
    std::string name = resample.get<std::string>();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (const std::optional<ResizeFilter> filter = resize_filter(name))
      return *filter;
  }
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
    int crop_side = 0; // what a resize rule demands
    if (flag("do_resize", true)) {
      const json *value = find(root_, "size");
      Size size =
          read_size(value != nullptr ? *value : json(defaults_.size), "size", defaults_.rule != SizeRule::square);
      if (defaults_.rule == SizeRule::convnext)
        crop_side = follow_convnext(size);
      const bool exact = size.shortest_edge == 0;
      recipe.fit = exact ? Recipe::Fit::exact : Recipe::Fit::short_side;
      recipe.resize_width = exact ? size.width : size.shortest_edge;
      recipe.resize_height = exact ? size.height : size.shortest_edge;
      recipe.filter = read_filter(find(root_, "resample"), defaults_);
    }
    if (crop_side != 0) {
      crop(crop_side, crop_side, recipe);
    } else if (flag("do_center_crop", defaults_.crops)) {
      const json *value = find(root_, "crop_size");
      const Size size = read_size(value != nullptr ? *value : json(224), "crop_size", false);
      if (size.shortest_edge != 0)
        throw std::runtime_error("\"crop_size\" is " + show(*value) + "; a number or {height, width} can be followed");
      crop(size.width, size.height, recipe);
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

  // The side of the square to crop, or 0 where both sides are resized to one length. `size` becomes what to resize to.
  int follow_convnext(Size &size) const {
    constexpr int crops_below = 384;
    if (size.shortest_edge == 0)
      throw std::runtime_error("\"size\" is " + show(*find(root_, "size")) + "; a number and {shortest_edge} can be " +
                               "followed");
    const int side = size.shortest_edge;
    if (side >= crops_below) {
      size = {side, side, 0};
      return 0;
    }
    const json *value = find(root_, "crop_pct");
    const double share = value != nullptr ? number(*value, "crop_pct") : 224.0 / 256;
    if (!(share > 0 && share <= 1))
      throw std::runtime_error("\"crop_pct\" must be above 0 and at most 1, is " + show(*value));
    size = {0, 0, static_cast<int>(std::min(side / share, 1e6))}; // validate() refuses what is too large
    return side;
  }

  static void crop(int width, int height, Recipe &recipe) {
    recipe.crop_width = width;
    recipe.crop_height = height;
    recipe.offset = Recipe::Offset::down;
    // Where the excess is always the same and even, both offsets are one.
    if (recipe.fit == Recipe::Fit::exact && (recipe.resize_width - width) % 2 == 0 &&
        (recipe.resize_height - height) % 2 == 0)
      recipe.offset = Recipe::Offset::half_even;
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
    static const std::set<std::string, std::less<>> known = {"image_processor_type",
                                                             "feature_extractor_type",
                                                             "processor_class",
                                                             "_processor_class",
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
                                                             "default_to_square",
                                                             "_valid_processor_keys",
                                                             "return_tensors",
                                                             "data_format",
                                                             "input_data_format",
                                                             "device",
                                                             "disable_grouping",
                                                             "transformers_version",

                                                             "name_or_path",
                                                             "_name_or_path"};
    for (const auto &[key, value] : root_.items()) {
      const bool off = value.is_null() || value == false;
      const bool follows = known.contains(key) || (key == "num_channels" && value == 3) ||
                           (key == "crop_pct" && defaults_.rule == SizeRule::convnext);
      if (!follows && !off)
        throw std::runtime_error("\"" + key + "\" is " + show(value) + ", which cannot be followed");
      if (key == "default_to_square" && !value.is_null() && boolean(value, key) != (defaults_.rule == SizeRule::square))
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
  read_json_file(path, [&](const json &file) {
    // processor_config.json holds it beside other processors of the model.
    const json *part = find(file, "image_processor");
    const json &root = part != nullptr ? object(*part, "image_processor") : file;
    processor = Reader(root, choose_processor(root, model_type)).read();
  });
  return processor;
}

} // namespace intvit::importer
