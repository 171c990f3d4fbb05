#include "tests/cli/small_models.hpp"

#include <filesystem>
#include <stdexcept>

#include "engine/image/decode.hpp"
#include "engine/image/preprocess.hpp"
#include "models/random/random_model.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/data.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/small_vit.hpp"

namespace intvit::test {

namespace {

std::string write_model(const std::string &name, const std::vector<std::byte> &bytes) {
  const std::string path = temporary_file(name);
  write_text(path, std::string(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
  return path;
}

} // namespace

std::string shipped_model() {
  return source_file("../models/zoo/cifar10_vit.safetensors");
}

std::string shipped_weights() {
  return source_file("../models/zoo/cifar10_vit");
}

std::string random_vit_file(const std::string &name, const RandomModelOptions &options, int prefix_tokens,
                            int image_size, int classes) {
  const VitConfig config = small_vit_config({.height = image_size,
                                             .width = image_size,
                                             .channels = 64,
                                             .hidden = 128,
                                             .classes = classes,
                                             .prefix_tokens = prefix_tokens,
                                             .pool = prefix_tokens == 0 ? Pool::mean : Pool::token,
                                             .architecture = "random"});
  return write_model(name, random_model(config, options, 3));
}

std::string random_swin_file(const std::string &name) {
  SwinConfig config;
  config.architecture = "random_swin";
  config.image_height = config.image_width = 32;
  config.channels = 16;
  config.depths = {1, 1};
  config.heads = {2, 2};
  config.window = 4;
  config.classes = 10;
  return write_model(name, random_model(config, {}, 3));
}

std::string picture_folder(bool labelled) {
  const std::string folder = temporary_file(labelled ? "labelled_pictures" : "pictures");
  std::filesystem::create_directories(folder);
  Result<Image> photograph = load_image(sample_photograph());
  if (!photograph.ok())
    throw std::runtime_error(photograph.status().message());
  int index = 0;
  for (const char *recipe : {"resize=64,crop=48", "resize=300,crop=48", "resize=150,crop=48"}) {
    const Result<Image> part = preprocess(*photograph, *parse_recipe(recipe));
    if (!part.ok())
      throw std::runtime_error(part.status().message());
    write_text(folder + "/" + std::to_string(index++) + ".ppm",
               "P6\n48 48\n255\n" + std::string(part->rgb.begin(), part->rgb.end()));
  }
  if (labelled)
    write_text(folder + "/labels.csv", "file,label\n0.ppm,0\n1.ppm,1\n2.ppm,2\n");
  return folder;
}

std::string file_without_products(const std::string &name) {
  constexpr int channels = 48;
  ModelParts parts;
  parts.description.graph = {
      .image_height = 4,
      .image_width = 4,
      .nodes = {{"p", {"image"}, Patches{4}},
                {"n", {"p"}, LayerNorm{.shift = 32, .epsilon = 0, .output_type = ElementType::int32}}}};
  parts.description.recipe = squash_recipe(4, 4);
  parts.add_blank_golden(channels);
  parts.set("n.alpha", DType::u8, {channels}, std::vector<std::uint8_t>(channels, 0));
  parts.set("n.zero_point", DType::i8, {channels}, std::vector<std::int8_t>(channels, 0));
  parts.set("n.multiplier", DType::i32, {channels}, std::vector<std::int32_t>(channels, 1));
  parts.set("n.offset", DType::i64, {channels}, std::vector<std::int64_t>(channels, 0));
  return write_model(name, parts.file());
}

} // namespace intvit::test
