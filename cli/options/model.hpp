// Options that name a model: -m, and --float for float weights beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "models/import/load.hpp"

namespace intvit::cli {

// Adds -m/--model, and --max-gmac for commands that run it.
void add_model_option(Parser &parser);
void add_work_option(Parser &parser);

// The work of an image beyond which a model is refused, as Model::create() takes it.
std::int64_t max_work(const Parser &parser);

// The model named by -m, else by INTVIT_MODEL, else the one that ships: share/intvit/default.safetensors beside the
// folder of this program. Throws std::runtime_error that says where it was looked for.
std::string model_path(const Parser &parser);

// Adds --float and --arch. The float model, brought to that image size, or nothing where --float is not given.
void add_float_options(Parser &parser);
std::optional<ImportedModel> float_option(const Parser &parser, int image_height, int image_width);

} // namespace intvit::cli
