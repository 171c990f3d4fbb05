#include "cli/models.hpp"

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "engine/threads/team.hpp"
#include "models/import/load.hpp"

namespace intvit::cli {

namespace fs = std::filesystem;

namespace {

std::string available() {
  std::string names;
  for (const kernels::KernelTable &table : kernels::available_kernels())
    names += (names.empty() ? "" : ", ") + std::string(table.name);
  return names;
}

} // namespace

void add_model_option(Parser &parser) {
  parser.option<std::string>("m,model", "FILE", "model file (default: $INTVIT_MODEL, else the model that ships)");
}

std::string model_path(const Parser &parser) {
  if (parser.has("model"))
    return parser.get<std::string>("model");
  if (const char *configured = std::getenv("INTVIT_MODEL"); configured != nullptr && *configured != '\0')
    return configured;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path shipped = program.parent_path().parent_path() / "share" / "intvit" / "default.safetensors";
  if (error || !fs::exists(shipped, error))
    throw std::runtime_error(shipped.string() + ": the model that ships is not there; give one with -m");
  return shipped.string();
}

void add_threads_option(Parser &parser) {
  parser.option<int>("t,threads", "N", "threads (default: what this process may use)", "0");
}

int threads(const Parser &parser) {
  const int given = parser.integer("threads", 0, 1024);
  return given == 0 ? default_threads() : given;
}

void add_isa_option(Parser &parser) {
  parser.option<std::string>("isa", "NAME",
                             "instruction set to use (default: $INTVIT_ISA, else the fastest of: " + available() + ")");
}

const kernels::KernelTable &kernels_option(const Parser &parser) {
  if (parser.has("isa"))
    return kernels_named(parser.get<std::string>("isa"), "--isa");
  const char *configured = std::getenv("INTVIT_ISA");
  if (configured == nullptr || *configured == '\0')
    return kernels::default_kernels();
  return kernels_named(configured, "INTVIT_ISA");
}

const kernels::KernelTable &kernels_named(const std::string &name, const std::string &source) {
  if (const kernels::KernelTable *table = kernels::find_kernels(name))
    return *table;
  throw UsageError(source + ": \"" + name + "\" is not available here; there are: " + available());
}

std::string WeightChoice::text() const {
  return format == kernels::WeightFormat::stlq ? "stlq " + std::to_string(std::lround(100 * two_word_ratio)) + " %"
                                               : "int8";
}

void add_weight_options(Parser &parser) {
  parser.option<std::string>("weight-format", "NAME,...",
                             "weights of the blocks' linear maps: int8, stlq (default: int8)");
  parser.option<std::string>("two-word-ratio", "R,...",
                             "stlq: percent of the tiles that have second words (default: 15)");
}

std::vector<WeightChoice> weight_choices(const Parser &parser) {
  std::vector<WeightChoice> choices;
  const std::vector<int> ratios =
      parser.has("two-word-ratio") ? parser.integers("two-word-ratio", 0, 100) : std::vector<int>{15};
  bool stlq = false;
  for (const std::string &word :
       parser.has("weight-format") ? parser.list("weight-format") : std::vector<std::string>{"int8"}) {
    if (word == "int8") {
      choices.push_back({});
    } else if (word == "stlq") {
      stlq = true;
      for (const int ratio : ratios)
        choices.push_back({kernels::WeightFormat::stlq, ratio / 100.0});
    } else {
      throw UsageError("--weight-format is \"" + word + "\", expected one of: int8, stlq");
    }
  }
  if (parser.has("two-word-ratio") && !stlq)
    throw UsageError("--two-word-ratio goes with --weight-format stlq");
  return choices;
}

void add_preprocess_option(Parser &parser) {
  parser.option<std::string>(
      "preprocess", "RECIPE",
      "from photograph to input image, e.g. resize=248,crop=224,filter=bicubic or crop=224 (default: the model's)");
}

std::optional<Recipe> preprocess_option(const Parser &parser) {
  if (!parser.has("preprocess"))
    return std::nullopt;
  Result<Recipe> recipe = parse_recipe(parser.get<std::string>("preprocess"));
  if (!recipe.ok())
    throw UsageError("--preprocess: " + recipe.status().message());
  return *recipe;
}

Recipe recipe_for(const Parser &parser, const Model &model) {
  const Recipe recipe = preprocess_option(parser).value_or(model.recipe());
  if (recipe.crop_width != model.image_width() || recipe.crop_height != model.image_height())
    throw UsageError("--preprocess gives images of " + std::to_string(recipe.crop_width) + " x " +
                     std::to_string(recipe.crop_height) + ", the model takes " + std::to_string(model.image_width()) +
                     " x " + std::to_string(model.image_height()));
  return recipe;
}

void add_run_options(Parser &parser) {
  add_threads_option(parser);
  add_isa_option(parser);
  add_preprocess_option(parser);
}

std::shared_ptr<const Model> open_model(const Parser &parser, const std::string &path) {
  return value_of(Model::open(path, kernels_option(parser)));
}

void add_float_options(Parser &parser) {
  parser.option<std::string>(
      "float", "WEIGHTS",
      "float weights (as quantize takes them) to compare with on the same images, brought to the model's image size");
  parser.option<std::string>("arch", "NAME", "architecture of the float weights, where they do not tell");
}

std::optional<FloatModel> float_option(const Parser &parser, int image_height, int image_width) {
  if (!parser.has("float"))
    return std::nullopt;
  ImportOptions options;
  if (parser.has("arch"))
    options.timm.architecture = parser.get<std::string>("arch");
  FloatModel model = load_float_model(parser.get<std::string>("float"), options).model;
  // A model quantized with --image-size.
  if (const ModelConfig &config = common_config(model);
      config.image_height != image_height || config.image_width != image_width)
    set_image_size(model, image_height, image_width);
  return model;
}

void add_format_option(Parser &parser, const std::vector<std::string> &words) {
  std::string help;
  for (std::size_t i = 0; i < words.size(); ++i)
    help += (i == 0 ? "" : i + 1 < words.size() ? ", " : " or ") + words[i];
  parser.option<std::string>("format", "FORMAT", help, words.front());
}

} // namespace intvit::cli
