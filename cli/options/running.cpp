#include "cli/options/running.hpp"

#include <cstdlib>
#include <stdexcept>

#include "cli/options/model.hpp"
#include "engine/threads/default_threads.hpp"

namespace intvit::cli {

namespace {

std::string available() {
  std::string names;
  for (const kernels::KernelTable &table : kernels::available_kernels())
    names += (names.empty() ? "" : ", ") + std::string(table.name);
  return names;
}

} // namespace

void add_threads_option(Parser &parser) {
  parser.option<int>("t,threads", "N", "threads (default: what this process may use)", "0");
}

int threads(const Parser &parser) {
  const int given = parser.integer("threads", 0, max_threads);
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
  add_work_option(parser);
}

std::shared_ptr<const Model> open_model(const Parser &parser, const std::string &path) {
  return value_of(Model::open(path, kernels_option(parser), max_work(parser)));
}

std::shared_ptr<const Model> open_model_with_head(const Parser &parser, const std::string &path) {
  std::shared_ptr<const Model> model = open_model(parser, path);
  if (!model->has_head())
    throw std::runtime_error(path + ": has no classes: it gives " + std::to_string(model->features()) +
                             " features, which intvit features gives, and the C, C++ and Python interfaces");
  return model;
}

} // namespace intvit::cli
