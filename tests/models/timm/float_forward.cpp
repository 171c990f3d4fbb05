// float_forward              what the registry knows: a JSON object a line
// float_forward WEIGHTS RGB  the float reference's outputs, one a line, for an image as bytes of the model's size
#include <cstdio>
#include <exception>
#include <iostream>

#include <nlohmann/json.hpp>

#include "engine/container/file_io.hpp"
#include "models/architectures/registry.hpp"
#include "models/import/timm.hpp"
#include "models/reference/forward.hpp"

namespace {

using namespace intvit;

void list() {
  for (const ArchitectureConfig &architecture : known_architectures()) {
    const ModelConfig &config = common_config(architecture);
    const nlohmann::json line = {{"architecture", config.architecture},
                                 {"input_size", {3, config.image_height, config.image_width}},
                                 {"outputs", outputs(architecture)},
                                 {"mean", config.mean},
                                 {"std", config.std},
                                 {"crop_pct", config.crop_pct},
                                 {"interpolation", config.interpolation},
                                 {"layer_norm_eps", config.layer_norm_eps}};
    std::cout << line.dump() << "\n";
  }
}

void forward(const std::string &weights, const std::string &image_path) {
  const FloatModel model = load_timm(weights);
  const auto bytes = read_file(image_path);
  if (!bytes.ok())
    throw std::runtime_error(bytes.status().message());
  Image image{common_config(model).image_width, common_config(model).image_height, {}};
  for (const std::byte value : *bytes)
    image.rgb.push_back(std::to_integer<std::uint8_t>(value));
  for (const float value : reference::forward(model, image))
    std::printf("%.9g\n", static_cast<double>(value));
}

} // namespace

int main(int count, char **arguments) {
  try {
    if (count == 1) {
      list();
    } else if (count == 3) {
      forward(arguments[1], arguments[2]);
    } else {
      std::cerr << "usage: float_forward [WEIGHTS RGB]\n";
      return 2;
    }
  } catch (const std::exception &error) {
    std::cerr << "float_forward: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
