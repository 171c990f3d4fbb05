#include "tests/cli/quantizer_input.hpp"

#include <filesystem>
#include <span>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "engine/container/safetensors.hpp"
#include "engine/image/decode.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/data.hpp"
#include "tests/support/small_vit.hpp"
#include "tests/support/timm_tensors.hpp"

namespace intvit::test {

using nlohmann::json;

std::string weights_folder() {
  const std::string folder = temporary_file("weights");
  if (std::filesystem::exists(folder))
    return folder;
  std::filesystem::create_directories(folder);
  const VitConfig config = small_vit_config({.channels = 32, .hidden = 64});
  SafetensorsWriter writer;
  for (const auto &[name, tensor] : timm_tensors(random_weights(config, 7)))
    if (!writer.add_tensor(name, DType::f32, tensor.shape, std::as_bytes(std::span(tensor.values))).ok())
      throw std::runtime_error(name + " cannot be added");
  if (!writer.write(folder + "/model.safetensors").ok())
    throw std::runtime_error(folder + " cannot be written");
  const json description = {
      {"architecture", "vit_custom"},
      {"num_classes", 5},
      {"model_args",
       {{"img_size", 16}, {"patch_size", 8}, {"embed_dim", 32}, {"depth", 2}, {"num_heads", 2}, {"mlp_ratio", 2.0}}},
      {"pretrained_cfg",
       {{"input_size", {3, 16, 16}},
        {"mean", {0.5, 0.5, 0.5}},
        {"std", {0.5, 0.5, 0.5}},
        {"crop_pct", 1.0},
        {"interpolation", "bicubic"}}},
      {"label_names", {"ant", "bee", "cat", "dog", "elk"}}};
  write_text(folder + "/config.json", description.dump());
  return folder;
}

std::string photograph_with_square(int shade) {
  const Result<Image> photograph = load_image(sample_photograph());
  if (!photograph.ok())
    throw std::runtime_error(photograph.status().message());
  std::string file = "P6\n" + std::to_string(photograph->width) + " " + std::to_string(photograph->height) + "\n255\n";
  const std::size_t pixels = file.size();
  for (const std::uint8_t byte : photograph->rgb)
    file += static_cast<char>(byte);
  const auto width = static_cast<std::size_t>(photograph->width);
  const auto height = static_cast<std::size_t>(photograph->height);
  for (std::size_t y = height / 2 - 20; y < height / 2 + 20; ++y) // in the middle, which no crop leaves out
    for (std::size_t x = width / 2 - 20; x < width / 2 + 20; ++x)
      file.replace(pixels + (y * width + x) * 3, 3, 3, static_cast<char>(shade));
  return file;
}

std::string photographs() {
  const std::string folder = temporary_file("photographs");
  std::filesystem::create_directories(folder + "/cat");
  std::filesystem::create_directories(folder + "/dog");
  write_text(folder + "/cat/one.png", read_text(sample_photograph()));
  write_text(folder + "/cat/two.ppm", photograph_with_square(0));
  write_text(folder + "/dog/three.ppm", photograph_with_square(255));
  return folder;
}

} // namespace intvit::test
