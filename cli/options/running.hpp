// Options about how a model is run: threads, instruction set, preprocessing.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "engine/image/recipe.hpp"
#include "engine/runtime/model.hpp"
#include "kernels/dispatch.hpp"

namespace intvit::cli {

// Adds -t/--threads. The number given, or what this process may use.
void add_threads_option(Parser &parser);
int threads(const Parser &parser);

// Adds --isa.
void add_isa_option(Parser &parser);

// The kernels named by --isa, else by INTVIT_ISA, else the fastest. Throws UsageError where that name is not available.
const kernels::KernelTable &kernels_option(const Parser &parser);

// The kernels of that name; `source` is where it was given. Throws UsageError as above.
const kernels::KernelTable &kernels_named(const std::string &name, const std::string &source);

// Adds --preprocess, which replaces a model's recipe.
void add_preprocess_option(Parser &parser);
std::optional<Recipe> preprocess_option(const Parser &parser);
// The recipe of --preprocess, or else the model's own. Throws UsageError if it does not give images of the model's
// size.
Recipe recipe_for(const Parser &parser, const Model &model);

// Adds -t, --isa and --preprocess: how a model is run on images.
void add_run_options(Parser &parser);

// The model of that file, for kernels_option().
std::shared_ptr<const Model> open_model(const Parser &parser, const std::string &path);
// The same; throws std::runtime_error where it has no head and gives features.
std::shared_ptr<const Model> open_model_with_head(const Parser &parser, const std::string &path);

} // namespace intvit::cli
