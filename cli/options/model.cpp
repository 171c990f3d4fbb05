#include "cli/options/model.hpp"

#include <filesystem>
#include <limits>
#include <stdexcept>

#include "cli/process.hpp"
#include "engine/runtime/model.hpp"
#include "models/program/paths.hpp"

namespace intvit::cli {

namespace fs = std::filesystem;

void add_model_option(Parser &parser) {
  parser.option<std::string>("m,model", "FILE", "model file (default: $INTVIT_MODEL, else the model that ships)");
}

void add_work_option(Parser &parser) {
  parser.option<int>("max-gmac", "N",
                     "refuse a model whose image takes more than N billion multiply-accumulates; 0: take any", "4000");
}

std::int64_t max_work(const Parser &parser) {
  const int given = parser.integer("max-gmac", 0, std::numeric_limits<int>::max());
  return given == 0 ? any_work : std::int64_t{given} * 1'000'000'000;
}

std::string model_path(const Parser &parser) {
  if (parser.has("model"))
    return parser.get<std::string>("model");
  if (std::string configured = environment_variable("INTVIT_MODEL"); !configured.empty())
    return configured;
  const fs::path program = file_path(program_path());
  std::error_code error;
  const fs::path shipped = program.parent_path().parent_path() / "share" / "intvit" / "default.safetensors";
  if (program.empty() || !fs::exists(shipped, error))
    throw std::runtime_error(path_name(shipped) + ": the model that ships is not there; give one with -m");
  return path_name(shipped);
}

void add_float_options(Parser &parser) {
  parser.option<std::string>(
      "float", "WEIGHTS",
      "float weights (as quantize takes them) to compare with on the same images, brought to the model's image size");
  parser.option<std::string>("arch", "NAME", "architecture of the float weights, where they do not tell");
}

std::optional<ImportedModel> float_option(const Parser &parser, int image_height, int image_width) {
  if (!parser.has("float"))
    return std::nullopt;
  ImportOptions options;
  if (parser.has("arch"))
    options.timm.architecture = parser.get<std::string>("arch");
  ImportedModel imported = load_float_model(parser.get<std::string>("float"), options);
  // A model quantized with --image-size.
  if (const ModelConfig &config = common_config(imported.model);
      config.image_height != image_height || config.image_width != image_width)
    set_image_size(imported.model, image_height, image_width);
  return imported;
}

} // namespace intvit::cli
