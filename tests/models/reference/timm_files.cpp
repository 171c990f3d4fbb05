#include "tests/models/reference/timm_files.hpp"

#include <filesystem>

#include "tests/support/data.hpp"
#include "tests/support/small_vit.hpp"

namespace intvit::test {

VitConfig small_config() {
  return small_vit_config(
      {.height = 8, .width = 8, .patch = 4, .channels = 6, .hidden = 24, .classes = 3, .architecture = "vit"});
}

TimmOptions two_heads() {
  return {.architecture = {}, .heads = 2};
}

std::string file_of(const WeightTensors &tensors) {
  std::string path = temporary_file("weights.safetensors");
  write_weights(tensors, path);
  return path;
}

std::string folder_of(const WeightTensors &tensors, const std::string &json) {
  std::string path = temporary_file("hub");
  std::filesystem::create_directories(path);
  write_weights(tensors, path + "/model.safetensors");
  write_text_file(path + "/config.json", json);
  return path;
}

} // namespace intvit::test
