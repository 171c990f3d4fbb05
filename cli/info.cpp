// intvit info: what a model file holds.
#include <iostream>
#include <map>

#include <nlohmann/json.hpp>

#include "cli/models.hpp"
#include "engine/graph/json.hpp"
#include "engine/runtime/session.hpp"

namespace intvit::cli {

namespace {

struct Summary {
  std::size_t parameters = 0; // int8 weights
  std::size_t constant_bytes = 0;
  std::map<std::string, int> operations;
  std::string softmax = "none";
  std::string residual = "none";
};

Summary summarize(const ModelFile &file) {
  Summary summary;
  for (const auto &[name, view] : file.tensors().tensors()) {
    summary.constant_bytes += view.bytes.size();
    if (view.shape.size() == 2 && view.dtype == DType::i8)
      summary.parameters += view.bytes.size();
  }
  for (const Node &node : file.description().graph.nodes) {
    ++summary.operations[operation_name(node.operation)];
    if (const auto *attention = std::get_if<Attention>(&node.operation))
      summary.softmax = kernels::softmax_name(attention->softmax);
    if (const auto *linear = std::get_if<Linear>(&node.operation);
        linear != nullptr && linear->epilogue == kernels::Epilogue::residual)
      summary.residual = linear->output_type == kernels::CodeType::int8 ? "ptf8" : "int16";
  }
  return summary;
}

} // namespace

int info(const Arguments &arguments) {
  Parser parser("info", "Prints what a model file holds.");
  add_model_option(parser);
  parser.add()("format", "text or json", cxxopts::value<std::string>()->default_value("text"), "FORMAT");
  if (!parser.parse(arguments))
    return exit_ok;

  const bool json = parser.choice("format", {"text", "json"}) == "json";
  const std::string path = model_path(parser);
  const ModelFile file = value_of(ModelFile::open(path));
  const std::shared_ptr<const Model> model = value_of(Model::create(file));
  const Session session = value_of(Session::create(model, {.threads = 1, .max_batch = 1}));
  const ModelDescription &description = file.description();
  const Summary summary = summarize(file);
  const std::size_t file_bytes = file.tensors().bytes().size();

  if (json) {
    const nlohmann::json object = {{"file", path},
                                   {"bytes", file_bytes},
                                   {"image", {{"height", model->image_height()}, {"width", model->image_width()}}},
                                   {"classes", model->classes()},
                                   {"weights", summary.parameters},
                                   {"operations", summary.operations},
                                   {"softmax", summary.softmax},
                                   {"residual", summary.residual},
                                   {"logit_fraction_bits", model->logit_fraction_bits()},
                                   {"recipe", to_string(description.recipe)},
                                   {"arena_bytes", session.arena_bytes()},
                                   {"labels", description.labels},
                                   {"provenance", description.provenance}};
    std::cout << object.dump(2) << "\n";
    return exit_ok;
  }
  std::cout << path << "\n"
            << "  image          " << model->image_width() << " x " << model->image_height() << " RGB\n"
            << "  preprocessing  " << to_string(description.recipe) << "\n"
            << "  classes        " << model->classes() << (description.labels.empty() ? "" : ", with labels") << "\n"
            << "  weights        " << summary.parameters << " int8\n"
            << "  residual       " << summary.residual << "\n"
            << "  softmax        " << summary.softmax << "\n"
            << "  file           " << file_bytes << " bytes\n"
            << "  arena          " << session.arena_bytes() << " bytes (batch 1, one thread)\n"
            << "  nodes         ";
  for (const auto &[name, count] : summary.operations)
    std::cout << " " << count << " " << name;
  std::cout << "\n";
  for (const auto &[key, value] : description.provenance)
    std::cout << "  " << key << std::string(key.size() < 14 ? 14 - key.size() : 0, ' ') << " " << value << "\n";
  return exit_ok;
}

} // namespace intvit::cli
