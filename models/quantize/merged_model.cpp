#include "models/quantize/merged_model.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "models/quantize/emit/finish.hpp"

namespace intvit {

namespace {

// Rewrites nodes in their order.
class MergedGraph {
public:
  MergedGraph(const ModelFile &file, const Network &merged) : file_(file), merged_(merged) {
    for (const auto &[name, tensor] : file.tensors().tensors())
      require_ok(tensors_.add_tensor(name, tensor.dtype, tensor.shape, tensor.bytes));
    for (const Node &node : file.description().graph.nodes)
      add(node);
  }

  ModelFile finish() && {
    ModelDescription description = file_.description();
    description.graph.nodes = std::move(nodes_);
    add_model_metadata(description, tensors_);
    Result<ModelFile> result = ModelFile::parse(tensors_.serialize(), "merged model");
    require_ok(result.status());
    return std::move(*result);
  }

private:
  void add(Node node) {
    for (std::string &input : node.inputs)
      if (input == merged_from_)
        input = stream_;
    if (auto *attention = std::get_if<Attention>(&node.operation)) {
      attention->sized = add_sizes(node);
      scores_ = {node.name, node.inputs.front(), *attention};
    }
    // That of a single row is the class token's.
    if (auto *mean = std::get_if<MeanRows>(&node.operation); mean != nullptr && mean->rows > 1) {
      mean->rows = merged_.end.rows - merged_.end.patches;
      mean->sized = merged_.end.merged_from > 0 && add_sizes(node);
    }
    nodes_.push_back(std::move(node));
    const std::string name = nodes_.back().name;
    for (const BodyPart &part : merged_.body)
      if (const auto *block = std::get_if<BlockPart>(&part);
          block != nullptr && block->merging.pairs > 0 && name == block->name + ".attn.proj")
        merge(*block, name);
  }

  // Whether there are any.
  bool add_sizes(Node &node) const {
    if (!sizes_.empty())
      node.inputs.push_back(sizes_);
    return !sizes_.empty();
  }

  // The block's attention came last.
  void merge(const BlockPart &block, const std::string &stream) {
    Attention scores{.heads = scores_.attention.heads, .softmax = scores_.attention.softmax};
    scores.score_shift = scores_.attention.score_shift;
    scores.exp = scores_.attention.exp;
    scores.sized = scores_.attention.sized;
    const std::string match = block.name + ".match";
    Node node{
        match, {scores_.input}, MatchTokens{block.merging.pairs, block.merging.first, block.merging.weighted, scores}};
    add_sizes(node);
    nodes_.push_back(std::move(node));
    const TensorView &multiplier = *file_.tensors().find(scores_.node + ".score_multiplier");
    require_ok(tensors_.add_tensor(match + ".score_multiplier", multiplier.dtype, multiplier.shape, multiplier.bytes));
    nodes_.push_back({block.name + ".merge", {stream, match}, MergeTokens{}});
    sizes_ = match;
    merged_from_ = stream;
    stream_ = nodes_.back().name;
  }

  struct Scores {
    std::string node;
    std::string input;
    Attention attention;
  };

  const ModelFile &file_;
  const Network &merged_;
  SafetensorsWriter tensors_;
  std::vector<Node> nodes_;
  Scores scores_;           // of the last attention
  std::string sizes_;       // the last match_tokens
  std::string merged_from_; // the node whose output was merged last, and the one that merged it
  std::string stream_;
};

} // namespace

ModelFile merged_model(const ModelFile &file, const Network &merged) {
  return MergedGraph(file, merged).finish();
}

} // namespace intvit
