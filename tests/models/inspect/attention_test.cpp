// Attention as it is shown, against what the engine made of it, a softmax in real numbers and a product of matrices.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>

#include <catch2/catch.hpp>

#include "kernels/reciprocal.hpp"
#include "models/inspect/attention_rows.hpp"
#include "models/inspect/class_attention.hpp"
#include "models/inspect/observed_run.hpp"
#include "models/reference/forward.hpp"
#include "tests/models/inspect/models.hpp"
#include "tests/support/run_model.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

using Catch::Matchers::Contains;
using kernels::Softmax;

constexpr std::array softmaxes{Softmax::int16, Softmax::int8, Softmax::lis4, Softmax::lis8};

const BoundAttention &attention(const Model &model, std::size_t node) {
  return *model.program().nodes[node].as<BoundAttention>();
}

// The values that the attention operations read and write.
std::vector<int> around_attention(const Program &program) {
  std::vector<int> values;
  for (const std::size_t node : attention_nodes(program)) {
    values.push_back(program.nodes[node].input());
    values.push_back(static_cast<int>(node) + 1);
  }
  return values;
}

// Which row of the input the j-th token of a query's row of weights is.
int token_row(const BoundAttention &node, int query, std::size_t j) {
  if (node.windows.count == 0)
    return static_cast<int>(j);
  return node.windows.rows[static_cast<std::size_t>(query / node.queries * node.tokens) + j];
}

// Puts the weights to the use that the engine has for them and compares with what it wrote, bit for bit.
void check_weights_are_the_engines(const Model &model, const Image &image) {
  const std::shared_ptr<const Model> shared(&model, [](const Model *) {});
  ObservedRun run(shared, around_attention(model.program()), 2);
  run.run(image);
  for (const std::size_t index : attention_nodes(model.program())) {
    const BoundAttention &node = attention(model, index);
    const std::span<const std::byte> qkv = run.value(model.program().nodes[index].input());
    const std::span<const std::byte> output = run.value(static_cast<int>(index) + 1);
    const int channels = node.heads * node.head_dim;
    std::size_t rows = 0;
    for_each_attention_row(
        node, qkv, [&](int head, int query, std::span<const std::int32_t> weights, std::uint32_t divisor) {
          ++rows;
          REQUIRE(weights.size() == static_cast<std::size_t>(node.tokens));
          const kernels::Reciprocal by = kernels::reciprocal(divisor);
          const int row = token_row(node, query, static_cast<std::size_t>(query % node.queries));
          for (int d = 0; d < node.head_dim; ++d) {
            const int c = head * node.head_dim + d;
            std::int32_t sum = 0;
            for (std::size_t j = 0; j < weights.size(); ++j)
              sum += weights[j] *
                     static_cast<std::int8_t>(
                         qkv[static_cast<std::size_t>(token_row(node, query, j) * 3 * channels + 2 * channels + c)]);
            const auto channel = static_cast<std::size_t>(c);
            const std::int8_t expected = kernels::clamp_to_int8(
                kernels::requantize(kernels::quotient(sum, by), node.requantization.multiplier[channel],
                                    node.requantization.offset[channel], node.requantization.shift));
            REQUIRE(static_cast<std::int8_t>(output[static_cast<std::size_t>(row * channels + c)]) == expected);
          }
        });
    CHECK(rows == static_cast<std::size_t>(std::max(node.windows.count, 1) * node.queries * node.heads));
  }
}

TEST_CASE("attention rows: the weights are those that the engine used") {
  for (const Softmax softmax : softmaxes)
    for (const bool renormalize : {true, false}) {
      CAPTURE(kernels::softmax_name(softmax), renormalize);
      const auto vit =
          test::quantized(test::small_vit(),
                          {.softmax = softmax, .published = {.renormalize = renormalize, .per_tensor = !renormalize}});
      check_weights_are_the_engines(*vit, test::random_images(1, 32, 32, 5).front());
    }
  const auto swin = test::quantized(test::small_swin(), {.softmax = Softmax::lis4});
  check_weights_are_the_engines(*swin, test::random_images(1, 64, 64, 5).front());
}

// Softmax in real numbers of the scores of a node's codes: [queries, tokens] of one head.
AttentionMatrix naive_softmax(const BoundAttention &node, std::span<const std::byte> qkv, int head) {
  const int channels = node.heads * node.head_dim;
  const auto code = [&](int row, int column) {
    return static_cast<double>(static_cast<std::int8_t>(qkv[static_cast<std::size_t>(row * 3 * channels + column)]));
  };
  // 16 or, for int8, 32 steps of the softmax are a factor of two.
  const double steps = node.softmax == Softmax::int8 ? 32 : 16;
  const double unit =
      std::ldexp(node.score_multiplier[static_cast<std::size_t>(head)], -node.score_shift) / steps * std::numbers::ln2;
  AttentionMatrix result(node.queries, node.tokens);
  for (int i = 0; i < node.queries; ++i) {
    double sum = 0;
    for (int j = 0; j < node.tokens; ++j) {
      double score = 0;
      for (int d = head * node.head_dim; d < (head + 1) * node.head_dim; ++d)
        score += code(i, d) * code(j, channels + d);
      result(i, j) = std::exp(score * unit);
      sum += result(i, j);
    }
    result.row(i) /= sum;
  }
  return result;
}

// All heads' matrices of all blocks, by the softmax above.
std::vector<std::vector<AttentionMatrix>> naive_attention(const std::shared_ptr<const Model> &model,
                                                          const Image &image) {
  ObservedRun run(model, around_attention(model->program()));
  run.run(image);
  std::vector<std::vector<AttentionMatrix>> blocks;
  for (const std::size_t index : attention_nodes(model->program())) {
    const BoundAttention &node = attention(*model, index);
    std::vector<AttentionMatrix> &heads = blocks.emplace_back();
    for (int head = 0; head < node.heads; ++head)
      heads.push_back(naive_softmax(node, run.value(model->program().nodes[index].input()), head));
  }
  return blocks;
}

// The patches' part of the class token's row.
void check_row(const ClassAttention &actual, const Eigen::VectorXd &expected, int prefix, double tolerance) {
  REQUIRE(actual.grid_height == 4);
  REQUIRE(actual.grid_width == 4);
  REQUIRE(actual.weights.size() == 16);
  REQUIRE(expected.size() == prefix + 16);
  for (int i = 0; i < 16; ++i)
    CHECK(actual.weights[static_cast<std::size_t>(i)] ==
          Approx(expected[prefix + i]).epsilon(tolerance).margin(tolerance / 100));
}

TEST_CASE("class attention of an integer model agrees with a softmax in real numbers") {
  struct Case {
    Softmax softmax;
    double tolerance; // relative: rounding to steps of 2^(1/16), to 8 bits, or to powers of two
  };
  for (const auto &[softmax, tolerance] :
       {Case{Softmax::int16, 0.05}, Case{Softmax::int8, 0.1}, Case{Softmax::lis4, 0.6}})
    for (const int prefix : {1, 3}) {
      CAPTURE(kernels::softmax_name(softmax), prefix);
      const auto model = test::quantized(test::small_vit(Pool::token, prefix), {.softmax = softmax});
      const Image image = test::random_images(1, 32, 32, 6).front();
      const auto naive = naive_attention(model, image);
      REQUIRE(naive.size() == 3);

      for (const int block : {0, 1, 2})
        for (const int head : {0, 1})
          check_row(class_attention(model, image, {.block = block, .head = head}, 1),
                    naive[static_cast<std::size_t>(block)][static_cast<std::size_t>(head)].row(0), prefix, tolerance);
      const Eigen::VectorXd mean = (naive[1][0].row(0) + naive[1][1].row(0)) / 2;
      check_row(class_attention(model, image, {}, 1), mean, prefix, tolerance); // the middle block
      // Not 0 = 0: heads and blocks differ by more than the tolerance.
      CHECK((naive[1][0].row(0) - naive[1][1].row(0)).cwiseAbs().maxCoeff() > 0.02);
      CHECK((naive[0][0].row(0) - naive[1][0].row(0)).cwiseAbs().maxCoeff() > 0.02);

      ObservedRun run(model, {});
      run.run(image);
      CHECK(class_attention(model, image, {}, 2).logits == real_logits(run.logits(), model->logit_fraction_bits()));
    }
}

// As the paper writes it: all matrices whole, one product after the other.
Eigen::VectorXd plain_rollout(const std::vector<AttentionMatrix> &blocks) {
  const Eigen::Index tokens = blocks.front().rows();
  Eigen::MatrixXd product = Eigen::MatrixXd::Identity(tokens, tokens);
  for (const AttentionMatrix &block : blocks) {
    Eigen::MatrixXd step = 0.5 * block + 0.5 * Eigen::MatrixXd::Identity(tokens, tokens);
    for (Eigen::Index row = 0; row < tokens; ++row)
      step.row(row) /= step.row(row).sum();
    product = step * product;
  }
  return product.row(0);
}

TEST_CASE("attention rollout is the product of the blocks' matrices") {
  std::vector<AttentionMatrix> blocks;
  for (int block = 0; block < 4; ++block)
    blocks.push_back(AttentionMatrix::Random(7, 7).cwiseAbs()); // rows with any sum
  const Eigen::VectorXd expected = plain_rollout(blocks);
  CHECK(expected.sum() == Approx(1));
  const Eigen::VectorXd actual = attention_rollout(blocks);
  REQUIRE(actual.size() == 7);
  for (Eigen::Index i = 0; i < 7; ++i)
    CHECK(actual[i] == Approx(expected[i]));

  // Of the last block the class token's row is enough; of others it is not.
  std::vector<AttentionMatrix> short_last = blocks;
  short_last.back() = blocks.back().topRows(1).eval();
  CHECK((attention_rollout(short_last) - expected).cwiseAbs().maxCoeff() < 1e-12);
  std::swap(blocks[0], blocks[3]);
  CHECK((attention_rollout(blocks) - expected).cwiseAbs().maxCoeff() > 1e-3);
}

TEST_CASE("rollout of an integer model agrees with the product of real softmaxes") {
  const auto model = test::quantized(test::small_vit(), {.softmax = Softmax::int16});
  const Image image = test::random_images(1, 32, 32, 6).front();
  const auto naive = naive_attention(model, image);
  for (const std::optional<int> head : {std::optional<int>(), std::optional<int>(1)}) {
    std::vector<AttentionMatrix> blocks;
    for (const auto &heads : naive) {
      AttentionMatrix square = AttentionMatrix::Zero(17, 17); // the last block's other rows play no part
      const AttentionMatrix mean =
          head ? heads[static_cast<std::size_t>(*head)] : AttentionMatrix((heads[0] + heads[1]) / 2);
      square.topRows(mean.rows()) = mean;
      blocks.push_back(square);
    }
    check_row(class_attention(model, image, {.rollout = true, .head = head}, 1), plain_rollout(blocks), 1, 0.05);
  }
}

// Probabilities of one head of the float model, from its queries and keys.
class FloatHead : public reference::Observer {
public:
  FloatHead(int block, int head) : block_(block), head_(head) {}

  void observe(const reference::Site &site, const MatrixView &activation) override {
    if (site.layer != block_)
      return;
    if (site.kind == reference::SiteKind::query)
      query_ = activation.middleCols(head_ * 16, 16).cast<double>();
    else if (site.kind == reference::SiteKind::key)
      key_ = activation.middleCols(head_ * 16, 16).cast<double>();
  }

  AttentionMatrix softmax() const {
    AttentionMatrix result = (query_ * key_.transpose() / 4).array().exp();
    for (Eigen::Index row = 0; row < result.rows(); ++row)
      result.row(row) /= result.row(row).sum();
    return result;
  }

private:
  int block_;
  int head_;
  Eigen::MatrixXd query_;
  Eigen::MatrixXd key_;
};

TEST_CASE("class attention of a float model agrees with one from its queries and keys") {
  const FloatModel model = test::small_vit(Pool::token, 2);
  const Image image = test::random_images(1, 32, 32, 6).front();
  std::vector<AttentionMatrix> means;
  for (const int block : {0, 1, 2}) {
    AttentionMatrix mean = AttentionMatrix::Zero(18, 18);
    for (const int head : {0, 1}) {
      FloatHead observer(block, head);
      reference::forward(model, image, &observer);
      const AttentionMatrix expected = observer.softmax();
      check_row(class_attention(model, image, {.block = block, .head = head}), expected.row(0), 2, 1e-4);
      mean += expected / 2;
    }
    means.push_back(mean);
  }
  check_row(class_attention(model, image, {}), means[1].row(0), 2, 1e-4);
  check_row(class_attention(model, image, {.rollout = true}), plain_rollout(means), 2, 1e-4);
  const std::vector<float> logits = reference::forward(model, image);
  CHECK(class_attention(model, image, {}).logits == std::vector<double>(logits.begin(), logits.end()));
}

TEST_CASE("class attention refuses what has no class token, and blocks and heads that are not there") {
  const Image small = test::random_images(1, 32, 32, 6).front();
  const Image large = test::random_images(1, 64, 64, 6).front();
  const FloatModel swin = test::small_swin();
  const FloatModel patches = test::small_vit(Pool::mean, 0);
  const FloatModel vit = test::small_vit();
  CHECK_THROWS_WITH(class_attention(test::quantized(swin), large, {}, 1), Contains("windows (Swin)"));
  CHECK_THROWS_WITH(class_attention(swin, large, {}), Contains("windows (Swin)"));
  CHECK_THROWS_WITH(class_attention(test::quantized(patches), small, {}, 1), Contains("patches alone"));
  CHECK_THROWS_WITH(class_attention(patches, small, {}), Contains("patches alone"));
  const auto integer = test::quantized(vit);
  CHECK_THROWS_WITH(class_attention(integer, small, {.block = 3}, 1), Contains("no block 3, blocks are 0 to 2"));
  CHECK_THROWS_WITH(class_attention(vit, small, {.block = 3}), Contains("no block 3, blocks are 0 to 2"));
  CHECK_THROWS_WITH(class_attention(integer, small, {.head = 2}, 1), Contains("no head 2, heads are 0 to 1"));
  CHECK_THROWS_WITH(class_attention(vit, small, {.rollout = true, .head = 2}), Contains("no head 2"));
}

// Model files for which the loader has no objection and that are no ViT: a picture or a message, and no array is left.
TEST_CASE("attention to show: graphs that are no ViT") {
  const Image image = test::random_images(1, 16, 16, 6)[0];
  const auto message_of = [&](const test::ModelParts &parts, const AttentionChoice &choice) -> std::string {
    const std::shared_ptr<const Model> model = test::load_model(test::parse_model(parts.file()));
    try {
      const ClassAttention shown = class_attention(model, image, choice, 1);
      CHECK(shown.weights.size() == static_cast<std::size_t>(shown.grid_height * shown.grid_width));
      return "";
    } catch (const std::runtime_error &error) {
      return error.what();
    }
  };
  const test::ModelParts good(test::tiny_model());
  // Every node from `from` on that reads `value` reads `other` instead.
  const auto redirect = [](test::ModelParts &parts, std::size_t from, const std::string &value,
                           const std::string &other) {
    std::vector<Node> &nodes = parts.description.graph.nodes;
    for (std::size_t i = from; i < nodes.size(); ++i)
      std::replace(nodes[i].inputs.begin(), nodes[i].inputs.end(), value, other);
  };
  const auto index_of = [&](const std::string &name) {
    const std::vector<Node> &nodes = good.description.graph.nodes;
    return static_cast<std::size_t>(
        std::find_if(nodes.begin(), nodes.end(), [&](const Node &node) { return node.name == name; }) - nodes.begin());
  };
  CHECK(message_of(good, {}).empty());
  CHECK(message_of(good, {.rollout = true}).empty());

  // Other patches first, of which nothing is made.
  for (const int side : {1, 2, 4, 16}) {
    test::ModelParts parts = good;
    std::vector<Node> &nodes = parts.description.graph.nodes;
    nodes.insert(nodes.begin(), {"dead", {"image"}, Patches{side}});
    CHECK_THAT(message_of(parts, {}), Contains("attends over 5 tokens, which are not the class token and patches, " +
                                               std::to_string(256 / side / side + 1)));
  }
  // All blocks, or the second alone, attend over some of the tokens.
  for (const int rows : {1, 2, 4}) {
    for (const char *after : {"patch_embed", "blocks.0.mlp.fc2"}) {
      test::ModelParts parts = good;
      const std::size_t place = index_of(after) + 1;
      REQUIRE(place < good.description.graph.nodes.size());
      parts.description.graph.nodes.insert(parts.description.graph.nodes.begin() + static_cast<std::ptrdiff_t>(place),
                                           {"few", {after}, TakeRows{rows}});
      redirect(parts, place + 1, after, "few");
      const std::string expected = "attends over " + std::to_string(rows) + " tokens";
      CHECK_THAT(message_of(parts, {.block = 1}), Contains(expected));
      CHECK_THAT(message_of(parts, {.rollout = true}), Contains(expected));
      CHECK(message_of(parts, {.block = 0}).empty() == (after != std::string("patch_embed")));
    }
  }
}

} // namespace
} // namespace intvit
