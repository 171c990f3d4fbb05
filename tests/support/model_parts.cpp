#include "tests/support/model_parts.hpp"

#include <algorithm>
#include <random>
#include <stdexcept>

namespace intvit::test {

std::vector<Image> random_images(int count, int width, int height, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<Image> images;
  for (int i = 0; i < count; ++i) {
    Image image{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(width * height * 3))};
    for (std::uint8_t &value : image.rgb)
      value = static_cast<std::uint8_t>(generator() >> 24);
    images.push_back(std::move(image));
  }
  return images;
}

ModelParts::ModelParts(const GraphBuilder &graph) {
  if (!graph.status().ok())
    throw std::logic_error(graph.status().message());
  description.graph = graph.graph();
  description.recipe = squash_recipe(graph.graph().image_width, graph.graph().image_height);
  for (const auto &[name, view] : graph.constants().tensors())
    tensors[name] = {view.dtype, view.shape, {view.bytes.begin(), view.bytes.end()}};
}

ModelParts::ModelParts(const std::vector<std::byte> &file) {
  const Result<ModelFile> model = ModelFile::parse(file, "parts");
  if (!model.ok())
    throw std::runtime_error(model.status().message());
  description = model->description();
  for (const auto &[name, view] : model->tensors().tensors())
    tensors[name] = {view.dtype, view.shape, {view.bytes.begin(), view.bytes.end()}};
}

Node &ModelParts::node(const std::string &name) {
  const auto found = std::find_if(description.graph.nodes.begin(), description.graph.nodes.end(),
                                  [&](const Node &node) { return node.name == name; });
  if (found == description.graph.nodes.end())
    throw std::out_of_range("no node " + name);
  return *found;
}

void ModelParts::add_blank_golden(int classes) {
  const Graph &graph = description.graph;
  set(golden_image_tensor, DType::u8, {graph.image_height, graph.image_width, 3},
      std::vector<std::uint8_t>(static_cast<std::size_t>(graph.image_height * graph.image_width * 3)));
  set(golden_logits_tensor, DType::i32, {classes}, std::vector<std::int32_t>(static_cast<std::size_t>(classes)));
}

ModelParts one_product(int side, int outputs) {
  GraphBuilder graph(side, side);
  graph.add("p", image_value, Patches{side});
  graph.add("h", "p", Linear{.epilogue = kernels::Epilogue::logits, .shift = 32});
  ModelParts parts(graph);
  parts.add_blank_golden(outputs);
  return parts;
}

void add_patch_tokens(ModelParts &parts) {
  Node node = parts.node("blocks.0.norm1");
  node.name = "tokens";
  std::get<LayerNorm>(node.operation).output_type = kernels::ElementType::int32;
  for (const char *constant : {".multiplier", ".offset", ".alpha", ".zero_point"})
    if (const auto found = parts.tensors.find("blocks.0.norm1" + std::string(constant)); found != parts.tensors.end())
      parts.tensors["tokens" + std::string(constant)] = ModelParts::Tensor(found->second);
  Graph &graph = parts.description.graph;
  graph.nodes.insert(graph.nodes.end() - 1, std::move(node));
  graph.tokens = "tokens";
  graph.token_fraction_bits = 3;
}

void remove_features(ModelParts &parts) {
  Graph &graph = parts.description.graph;
  const std::string prefix = graph.features + ".";
  std::erase_if(graph.nodes, [&](const Node &node) { return node.name == graph.features; });
  std::erase_if(parts.tensors, [&](const auto &tensor) { return tensor.first.starts_with(prefix); });
  parts.tensors.erase(golden_features_tensor);
  graph.features.clear();
}

SafetensorsWriter ModelParts::writer() const {
  SafetensorsWriter writer;
  for (const auto &[name, tensor] : tensors)
    if (const Status status = writer.add_tensor(name, tensor.dtype, tensor.shape, tensor.bytes); !status.ok())
      throw std::runtime_error(status.message());
  return writer;
}

std::vector<std::byte> ModelParts::file() const {
  SafetensorsWriter complete = writer();
  add_model_metadata(description, complete);
  return complete.serialize();
}

} // namespace intvit::test
