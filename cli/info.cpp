// intvit info: what a model file holds.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/options/model.hpp"
#include "cli/text.hpp"
#include "engine/container/utf8.hpp"
#include "engine/graph/json.hpp"
#include "engine/runtime/session.hpp"
#include "models/program/text.hpp"

namespace intvit::cli {

namespace {

double bits_of_weight(std::size_t bytes, std::size_t weights) {
  return weights > 0 ? 8.0 * static_cast<double>(bytes) / static_cast<double>(weights) : 0;
}

// How a linear map's weights are stored.
struct Layer {
  std::string name;
  int out_features = 0;
  int in_features = 0;
  std::string format;
  std::size_t bytes = 0;                // of all its constants in the file
  std::optional<double> two_word_ratio; // of the groups of four-bit weights

  std::size_t weights() const { return static_cast<std::size_t>(out_features) * static_cast<std::size_t>(in_features); }
  double bits() const { return bits_of_weight(bytes, weights()); }
};

struct Summary {
  std::vector<Layer> layers;
  std::size_t weights = 0;
  std::size_t weight_bytes = 0;

  // Of a weight, on average.
  double bits() const { return bits_of_weight(weight_bytes, weights); }

  std::map<std::string, int> operations;
  std::string softmax = "none";
  std::string residual = "none";
  std::vector<int> tokens; // rows of each attention's keys, where tokens are merged
};

std::size_t constant_bytes(const ModelFile &file, const std::string &name) {
  const TensorView *view = file.tensors().find(name);
  return view != nullptr ? view->bytes.size() : 0;
}

Layer layer(const ModelFile &file, const std::string &name, const Weights &weights) {
  const StoredFormat &format = stored_format_of(file.tensors(), name);
  Layer result{.name = name,
               .out_features = weights.out_features,
               .in_features = weights.in_features,
               .format = std::string(format.name)};
  for (const char *constant : format.constants)
    result.bytes += constant_bytes(file, name + "." + constant);
  if (format.storage != nullptr) {
    const double second_bytes = static_cast<double>(constant_bytes(file, name + "." + format.storage->second()));
    result.two_word_ratio = second_bytes / format.storage->group_bytes() /
                            kernels::four_bit_layout(format.format).group_rows(weights.out_features) /
                            format.storage->groups_in_row(weights.in_features);
  }
  return result;
}

// By what `quantize --residual` calls it, as far as the LayerNorms that read the stream tell: 8-bit codes of one scale,
// or with powers of two by channel, which in the paper are at most 2^3 and go with one zero point for all channels.
std::string residual_name(const Program &program) {
  bool narrow = false;
  bool wide = false;
  int largest_alpha = 0;
  bool one_zero_point = true;
  for (const BoundNode &node : program.nodes) {
    const auto *norm = node.as<BoundLayerNorm>();
    if (norm == nullptr)
      continue;
    (norm->alpha.empty() ? wide : narrow) = true;
    for (const std::uint8_t alpha : norm->alpha)
      largest_alpha = std::max<int>(largest_alpha, alpha);
    for (const std::int8_t zero_point : norm->zero_point)
      one_zero_point &= zero_point == norm->zero_point.front();
  }
  if (!narrow)
    return wide ? "int16" : "none";
  if (largest_alpha == 0)
    return "int8";
  return largest_alpha <= 3 && one_zero_point ? "ptf8-paper" : "ptf8";
}

Summary summarize(const ModelFile &file, const Program &program) {
  Summary summary;
  for (const BoundNode &node : program.nodes)
    if (node.operation->linear_map)
      summary.layers.push_back(layer(file, node.name, node.operation->linear_map->weights));
  for (const Layer &one : summary.layers) {
    summary.weights += one.weights();
    summary.weight_bytes += one.bytes;
  }
  for (const Node &node : file.description().graph.nodes) {
    ++summary.operations[std::string(operation_name(node.operation))];
    if (const auto *attention = std::get_if<Attention>(&node.operation))
      summary.softmax = kernels::softmax_name(attention->softmax);
  }
  summary.residual = residual_name(program);
  if (summary.operations.contains(std::string(MergeTokens::name)))
    for (const BoundNode &node : program.nodes)
      if (const auto *attention = node.as<BoundAttention>())
        summary.tokens.push_back(attention->tokens);
  return summary;
}

nlohmann::json layer_json(const Layer &layer) {
  nlohmann::json object = {{"name", layer.name},     {"out", layer.out_features}, {"in", layer.in_features},
                           {"format", layer.format}, {"bytes", layer.bytes},      {"bits", layer.bits()}};
  if (layer.two_word_ratio)
    object["two_word_ratio"] = *layer.two_word_ratio;
  return object;
}

// How many classes, labels or scores there are, and whether they have names.
std::string outputs_line(const Model &model) {
  std::string word(outputs_word(model.has_head() ? model.result_kind() : ResultKind::logits));
  word.resize(15, ' ');
  const bool are_classes = word.starts_with("classes");
  return word + (model.has_head() ? std::to_string(model.classes()) : "none") +
         (model.labels().empty() ? ""
          : are_classes          ? ", with labels"
                                 : ", with names");
}

// How many tokens the blocks have, where some are merged.
std::string tokens_line(const std::vector<int> &tokens) {
  if (tokens.empty())
    return "";
  std::string line = "  tokens        ";
  for (const int count : tokens)
    line += " " + std::to_string(count);
  return line + "\n";
}

void print_layers(const std::vector<Layer> &layers) {
  std::size_t width = 0;
  for (const Layer &layer : layers)
    width = std::max(width, printable(layer.name).size());
  std::cout << "\n  " << std::string(width, ' ') << "  outputs  inputs  weights   bits  two words\n";
  for (const Layer &layer : layers) {
    char cells[96];
    std::snprintf(cells, sizeof cells, "%9d %7d  %-7s %6.3f", layer.out_features, layer.in_features,
                  layer.format.c_str(), layer.bits());
    const std::string name = printable(layer.name);
    std::cout << "  " << name << std::string(width - name.size(), ' ') << cells
              << (layer.two_word_ratio ? "  " + percent(*layer.two_word_ratio) : "") << "\n";
  }
}

nlohmann::json tokens_json(const PatchTokens &tokens) {
  if (tokens.value == 0)
    return nullptr;
  return {{"rows", tokens.grid_height},
          {"columns", tokens.grid_width},
          {"channels", tokens.channels},
          {"fraction_bits", tokens.fraction_bits}};
}

std::string patch_tokens_line(const PatchTokens &tokens) {
  if (tokens.value == 0)
    return "";
  return "  patch tokens   " + std::to_string(tokens.grid_height) + " x " + std::to_string(tokens.grid_width) + " of " +
         std::to_string(tokens.channels) + " numbers\n";
}

} // namespace

int info(const Arguments &arguments) {
  Parser parser("info", "Prints what a model file holds.");
  add_model_option(parser);
  parser.formats({"text", "json"});
  if (!parser.parse(arguments))
    return exit_ok;

  const bool json = parser.format() == "json";
  const std::string path = model_path(parser);
  const ModelFile file = value_of(ModelFile::open(path));
  const std::shared_ptr<const Model> model = value_of(Model::create(file, kernels::default_kernels(), any_work));
  const Session session = value_of(Session::create(model, {.threads = 1, .max_batch = 1}));
  const ModelDescription &description = file.description();
  const Summary summary = summarize(file, model->program());
  const std::size_t file_bytes = file.tensors().bytes().size();

  if (json) {
    nlohmann::json object = {{"file", path_text(path)},
                             {"bytes", file_bytes},
                             {"image", {{"height", model->image_height()}, {"width", model->image_width()}}},
                             {"outputs", outputs_word(model->result_kind())},
                             {"classes", model->has_head() ? model->classes() : 0},
                             {"features", model->features()},
                             {"patch_tokens", tokens_json(model->patch_tokens())},
                             {"weights", summary.weights},
                             {"weight_bytes", summary.weight_bytes},
                             {"bits_per_weight", summary.bits()},
                             {"layers", nlohmann::json::array()},
                             {"packed_bytes", model->packed_bytes()},
                             {"isa", model->kernels().name},
                             {"operations", summary.operations},
                             {"work", work_of(model->program())},
                             {"softmax", summary.softmax},
                             {"residual", summary.residual},
                             {"tokens", summary.tokens},
                             {"logit_fraction_bits", model->logit_fraction_bits()},
                             {"feature_fraction_bits", model->feature_fraction_bits()},
                             {"recipe", to_string(description.recipe)},
                             {"arena_bytes", session.arena_bytes()},
                             {"labels", description.labels},
                             {"provenance", description.provenance}};
    for (const Layer &layer : summary.layers)
      object["layers"].push_back(layer_json(layer));
    std::cout << json_text(object, 2) << "\n";
    return exit_ok;
  }
  std::cout << printable(path) << "\n"
            << "  image          " << model->image_width() << " x " << model->image_height() << " RGB\n"
            << "  preprocessing  " << to_string(description.recipe) << "\n"
            << "  " << outputs_line(*model) << "\n"
            << "  features       " << model->features() << "\n"
            << patch_tokens_line(model->patch_tokens()) << "  weights        " << summary.weights << " of "
            << fixed(summary.bits(), 3) << " bits, " << summary.weight_bytes << " bytes\n"
            << "  residual       " << summary.residual << "\n"
            << "  softmax        " << summary.softmax << "\n"
            << tokens_line(summary.tokens) << "  file           " << file_bytes << " bytes\n"
            << "  packed         " << model->packed_bytes() << " bytes in memory (" << model->kernels().name << ")\n"
            << "  arena          " << session.arena_bytes() << " bytes (batch 1, one thread)\n"
            << "  work           " << work_of(model->program()) << " multiply-accumulates an image\n"
            << "  nodes         ";
  for (const auto &[name, count] : summary.operations)
    std::cout << " " << count << " " << name;
  std::cout << "\n";
  for (const auto &[key, value] : description.provenance) {
    const std::string name = printable(key);
    std::cout << "  " << name << std::string(name.size() < 14 ? 14 - name.size() : 0, ' ') << " " << printable(value)
              << "\n";
  }
  if (std::any_of(summary.layers.begin(), summary.layers.end(),
                  [](const Layer &layer) { return layer.two_word_ratio.has_value(); }))
    print_layers(summary.layers);
  return exit_ok;
}

} // namespace intvit::cli
