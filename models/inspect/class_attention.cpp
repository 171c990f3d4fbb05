#include "models/inspect/class_attention.hpp"

#include <stdexcept>
#include <string>

#include "engine/container/utf8.hpp"
#include "models/inspect/attention_rows.hpp"
#include "models/inspect/observed_run.hpp"
#include "models/inspect/token_groups.hpp"
#include "models/reference/forward.hpp"

namespace intvit {

namespace {

[[noreturn]] void no_class_token(const char *why) {
  throw std::runtime_error(std::string("there is no class token's attention to show: ") + why);
}

constexpr const char *windows = "tokens attend to one another within windows (Swin)";
constexpr const char *only_patches = "the model's tokens are its patches alone";

void check_choice(const AttentionChoice &choice, int blocks, int heads) {
  if (choice.block && *choice.block >= blocks)
    throw std::runtime_error("there is no block " + std::to_string(*choice.block) + ", blocks are 0 to " +
                             std::to_string(blocks - 1));
  if (choice.head && *choice.head >= heads)
    throw std::runtime_error("there is no head " + std::to_string(*choice.head) + ", heads are 0 to " +
                             std::to_string(heads - 1));
}

// The chosen blocks' attention over the chosen heads, as heads and blocks come along.
class Collector {
public:
  Collector(const AttentionChoice &choice, int blocks)
      : choice_(choice), chosen_(choice.block.value_or((blocks - 1) / 2)) {}

  bool wants(int block, int head) const {
    return (choice_.rollout || block == chosen_) && (!choice_.head || head == *choice_.head);
  }

  // The matrix of a block, all zero at first, to which every wanted head is added with share().
  AttentionMatrix &block(int index, Eigen::Index queries, Eigen::Index tokens) {
    const auto place = static_cast<std::size_t>(choice_.rollout ? index : 0);
    if (blocks_.size() <= place)
      blocks_.resize(place + 1);
    if (blocks_[place].size() == 0)
      blocks_[place] = AttentionMatrix::Zero(queries, tokens);
    return blocks_[place];
  }
  double share(int heads) const { return choice_.head ? 1.0 : 1.0 / heads; }

  // Of the class token to all tokens.
  Eigen::VectorXd result() const {
    return choice_.rollout ? attention_rollout(blocks_) : Eigen::VectorXd(blocks_.at(0).row(0));
  }

private:
  AttentionChoice choice_;
  int chosen_;
  std::vector<AttentionMatrix> blocks_;
};

std::vector<double> without_prefix(const Eigen::VectorXd &tokens, int prefix) {
  return {tokens.data() + prefix, tokens.data() + tokens.size()};
}

class FloatObserver : public reference::Observer {
public:
  FloatObserver(Collector &collector, int heads) : collector_(collector), share_(collector.share(heads)) {}

  void observe(const reference::Site &site, const MatrixView &activation) override {
    if (site.kind == reference::SiteKind::attention_probabilities && collector_.wants(site.layer, site.head))
      collector_.block(site.layer, activation.rows(), activation.cols()) += share_ * activation.cast<double>();
  }

private:
  Collector &collector_;
  double share_; // of a head
};

int prefix_rows(const Program &program) {
  for (const BoundNode &node : program.nodes)
    if (const auto *embed = node.as<BoundPatchEmbed>())
      return embed->prefix_rows;
  return 0;
}

// The picture shows one class token's attention to the image's patches, so every block that is looked at must attend
// over just these tokens, which the loader, for which any attention is good, does not ask for.
void check_block(const BoundNode &node, const BoundAttention &attention, int tokens, const AttentionChoice &choice) {
  if (attention.windows.count > 0)
    no_class_token(windows);
  if (attention.tokens != tokens && attention.largest_size == 0)
    throw std::runtime_error("node " + quoted_for_message(node.name) + " attends over " +
                             std::to_string(attention.tokens) + " tokens, which are not the class token and patches, " +
                             std::to_string(tokens));
  if (choice.head && *choice.head >= attention.heads)
    throw std::runtime_error("node " + quoted_for_message(node.name) + " has no head " + std::to_string(*choice.head));
}

int patch_side(const Program &program) {
  for (const BoundNode &node : program.nodes)
    if (const auto *patches = node.as<BoundPatches>())
      return patches->patch;
  no_class_token("the model has no patches");
}

} // namespace

Eigen::VectorXd attention_rollout(std::span<const AttentionMatrix> blocks) {
  // From the last block to the first, so that a vector is all there is to multiply.
  Eigen::VectorXd row = Eigen::VectorXd::Unit(blocks.front().cols(), 0);
  for (std::size_t block = blocks.size(); block-- > 0;) {
    AttentionMatrix step = AttentionMatrix::Identity(row.size(), row.size());
    step.topRows(blocks[block].rows()) += blocks[block];
    row = (row.array() / step.rowwise().sum().array()).matrix().transpose() * step;
  }
  return row;
}

ClassAttention class_attention(const std::shared_ptr<const Model> &model, const Image &image,
                               const AttentionChoice &choice, int threads) {
  const Program &program = model->program();
  const std::vector<std::size_t> nodes = attention_nodes(program);
  if (nodes.empty())
    no_class_token("the model has no attention");
  const auto attention = [&](std::size_t block) -> const BoundAttention & {
    return *program.nodes[nodes[block]].as<BoundAttention>();
  };
  if (attention(0).windows.count > 0)
    no_class_token(windows);
  const int prefix = prefix_rows(program);
  if (prefix == 0)
    no_class_token(only_patches);
  const int blocks = static_cast<int>(nodes.size());
  check_choice(choice, blocks, attention(0).heads);
  const int patch = patch_side(program);
  const int grid_height = model->image_height() / patch;
  const int grid_width = model->image_width() / patch;

  std::vector<int> inputs;
  inputs.reserve(nodes.size());
  for (const std::size_t node : nodes)
    inputs.push_back(program.nodes[node].input());
  std::vector<int> kept = matching_values(program);
  kept.insert(kept.end(), inputs.begin(), inputs.end());
  ObservedRun run(model, kept, threads);
  run.run(image);
  const std::map<int, TokenRows> merged = token_rows(program, run);
  const int first_tokens = prefix + grid_height * grid_width;
  Collector collector(choice, blocks);
  for (int block = 0; block < blocks; ++block) {
    const BoundAttention &node = attention(static_cast<std::size_t>(block));
    if (!collector.wants(block, choice.head.value_or(0)))
      continue;
    const BoundNode &bound = program.nodes[nodes[static_cast<std::size_t>(block)]];
    check_block(bound, node, first_tokens, choice);
    // Where tokens have been merged, each of those that there were at first has an equal part of what is paid to them.
    const TokenRows *rows = node.largest_size > 0 ? &merged.at(bound.inputs[1]) : nullptr;
    if (rows != nullptr && static_cast<int>(rows->row.size()) != first_tokens)
      throw std::runtime_error("node " + quoted_for_message(bound.name) + " attends over tokens that are not patches");
    AttentionMatrix &matrix =
        collector.block(block, node.queries < node.tokens ? node.queries : first_tokens, first_tokens);
    const double share = collector.share(node.heads);
    for_each_attention_row(node, run.value(inputs[static_cast<std::size_t>(block)]),
                           [&](int head, int query, std::span<const std::int32_t> weights, std::uint32_t divisor) {
                             if (!collector.wants(block, head))
                               return;
                             for (Eigen::Index token = 0; token < matrix.rows(); ++token) {
                               if ((rows == nullptr ? token : rows->row[static_cast<std::size_t>(token)]) != query)
                                 continue;
                               for (Eigen::Index j = 0; j < matrix.cols(); ++j) {
                                 const auto key = static_cast<std::size_t>(
                                     rows == nullptr ? j : rows->row[static_cast<std::size_t>(j)]);
                                 const int size = rows == nullptr ? 1 : rows->size[key];
                                 matrix(token, j) += share * weights[key] / divisor / size;
                               }
                             }
                           });
  }
  return {grid_height, grid_width, without_prefix(collector.result(), prefix),
          real_logits(run.logits(), model->logit_fraction_bits())};
}

ClassAttention class_attention(const FloatModel &model, const Image &image, const AttentionChoice &choice) {
  const Network parts = network(model);
  int heads = 0;
  for (const BodyPart &part : parts.body)
    if (const auto *block = std::get_if<BlockPart>(&part)) {
      if (block->config.windows)
        no_class_token(windows);
      heads = block->config.heads;
    }
  if (parts.embedding.prefix_tokens == 0)
    no_class_token(only_patches);
  check_choice(choice, parts.blocks(), heads);
  Collector collector(choice, parts.blocks());
  FloatObserver observer(collector, heads);
  const std::vector<float> logits = reference::forward(parts, image, &observer);
  return {parts.common.grid_height(),
          parts.common.grid_width(),
          without_prefix(collector.result(), parts.embedding.prefix_tokens),
          {logits.begin(), logits.end()}};
}

} // namespace intvit
