// Options about models and images that several subcommands have.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "engine/image/recipe.hpp"
#include "engine/runtime/model.hpp"
#include "kernels/dispatch.hpp"
#include "kernels/linear.hpp"
#include "models/architectures/float_model.hpp"

namespace intvit::cli {

// Adds -m/--model.
void add_model_option(Parser &parser);

// The model named by -m, else by INTVIT_MODEL, else the one that ships: share/intvit/default.safetensors beside the
// folder of this program. Throws std::runtime_error that says where it was looked for.
std::string model_path(const Parser &parser);

// Adds -t/--threads; 0 where it is not given.
void add_threads_option(Parser &parser);
int threads(const Parser &parser);

// Adds --isa.
void add_isa_option(Parser &parser);

// The kernels named by --isa, else by INTVIT_ISA, else the fastest. Throws UsageError where that name is not available.
const kernels::KernelTable &kernels_option(const Parser &parser);

// The kernels of that name; `source` is where it was given. Throws UsageError as above.
const kernels::KernelTable &kernels_named(const std::string &name, const std::string &source);

// Adds --weight-format and --two-word-ratio, of which each takes a list: every format, STLQ with every ratio.
struct WeightChoice {
  kernels::WeightFormat format = kernels::WeightFormat::int8;
  double two_word_ratio = 0; // stlq: of the tiles

  std::string text() const; // "int8", "stlq 15 %"
};
void add_weight_options(Parser &parser);
std::vector<WeightChoice> weight_choices(const Parser &parser);

// Adds --preprocess, which replaces a model's recipe.
void add_preprocess_option(Parser &parser);
std::optional<Recipe> preprocess_option(const Parser &parser);
// That or the model's own. Throws UsageError where it does not give images of the model's size.
Recipe recipe_for(const Parser &parser, const Model &model);

// Adds -t, --isa and --preprocess: how a model is run on images.
void add_run_options(Parser &parser);

// The model of that file, for kernels_option().
std::shared_ptr<const Model> open_model(const Parser &parser, const std::string &path);

// Adds --float and --arch. The float model, brought to that image size, or nothing where --float is not given.
void add_float_options(Parser &parser);
std::optional<FloatModel> float_option(const Parser &parser, int image_height, int image_width);

// Adds --format, the first of `words` being the default.
void add_format_option(Parser &parser, const std::vector<std::string> &words);

} // namespace intvit::cli
