// Prints what the float reference makes of pictures, for comparisons with other implementations:
//   float_logits [--image-size N] WEIGHTS IMAGE ...
// A line of JSON an image: the recipe, the preprocessed pixels (row by row, R, G, B), the logits (or features).
// Without arguments: a line of JSON for each of timm's architectures that are known.
//   float_logits --names NAME[.TAG] ...
// The same for these names.
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "models/architectures/registry.hpp"
#include "models/evaluate/image_loader.hpp"
#include "models/import/load.hpp"
#include "models/reference/forward.hpp"

namespace {

void describe(const intvit::ArchitectureConfig &architecture) {
  const intvit::ModelConfig &config = intvit::common_config(architecture);
  const nlohmann::json line = {{"architecture", config.architecture},
                               {"input_size", {3, config.image_height, config.image_width}},
                               {"outputs", intvit::outputs(architecture)},
                               {"mean", config.mean},
                               {"std", config.std},
                               {"crop_pct", config.crop_pct},
                               {"interpolation", config.interpolation},
                               {"crop_mode", config.crop_mode == intvit::CropMode::center ? "center" : "squash"},
                               {"layer_norm_eps", config.layer_norm_eps}};
  std::cout << line.dump() << "\n";
}

void run(std::vector<std::string> arguments) {
  intvit::ImportOptions options;
  if (arguments.size() > 2 && arguments.front() == "--image-size") {
    options.image_size = std::stoi(arguments[1]);
    arguments.erase(arguments.begin(), arguments.begin() + 2);
  }
  const intvit::ImportedModel imported = intvit::load_float_model(arguments.at(0), options);
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const intvit::Image image = intvit::ImageLoader(imported.recipe).load(arguments[i]);
    const nlohmann::json line = {{"recipe", intvit::to_string(imported.recipe)},
                                 {"labels", intvit::labels(imported.model)},
                                 {"pixels", image.rgb},
                                 {"logits", intvit::reference::forward(imported.model, image)}};
    std::cout << line.dump() << "\n";
  }
}

} // namespace

int main(int argc, char **argv) {
  try {
    if (argc == 1)
      for (const intvit::ArchitectureConfig &architecture : intvit::known_architectures())
        describe(architecture);
    else if (std::string(argv[1]) == "--names")
      for (int i = 2; i < argc; ++i)
        describe(intvit::architecture(argv[i]));
    else
      run({argv + 1, argv + argc});
    return 0;
  } catch (const std::exception &error) {
    std::cerr << "float_logits: " << error.what() << "\n";
    return 1;
  }
}
