#include "models/reference/forward.hpp"

#include <catch2/catch.hpp>

#include "models/import/timm.hpp"
#include "tests/models/reference/naive_vit.hpp"
#include "tests/support/data.hpp"
#include "tests/support/small_vit.hpp"

namespace intvit {

using reference::SiteKind;
using test::Activations;
using test::Table;

namespace {

VitModel wide_vit() {
  VitConfig config = test::small_vit_config(
      {.height = 12, .width = 20, .patch = 4, .channels = 24, .depth = 3, .heads = 3, .hidden = 40, .classes = 7});
  config.mean = {0.485, 0.456, 0.406};
  config.std = {0.229, 0.224, 0.225};
  return random_weights(config, 17);
}

class Recorder : public reference::Observer {
public:
  void observe(const reference::Site &site, const MatrixView &activation) override {
    const auto [entry, inserted] = activations.emplace(test::SiteKey{site.layer, site.kind, site.head}, activation);
    CHECK(inserted);
    sites.push_back(site);
  }

  Activations activations;
  std::vector<reference::Site> sites;
};

Table as_table(const std::vector<float> &row) {
  Table table(1, row.size());
  for (std::size_t i = 0; i < row.size(); ++i)
    table.values[i] = static_cast<double>(row[i]);
  return table;
}

void check_against_naive(const VitModel &model, const Image &pixels, double tolerance) {
  const Activations expected = test::naive_forward(model, pixels);
  Recorder recorder;
  const std::vector<float> logits = reference::forward(model, pixels, &recorder);

  CHECK(recorder.activations.size() == expected.size());
  for (const auto &[key, table] : expected) {
    const auto [layer, kind, head] = key;
    CAPTURE(layer, static_cast<int>(kind), head);
    REQUIRE(recorder.activations.contains(key));
    CHECK(test::distance(table, recorder.activations.at(key)) < tolerance * test::magnitude(table));
  }
  CHECK(test::distance(as_table(logits), recorder.activations.at({model.config.depth, SiteKind::logits, 0})) == 0.0);
}

} // namespace

TEST_CASE("a forward and every activation inside agree with a naive one in double") {
  const VitModel model = wide_vit();
  for (unsigned seed = 0; seed < 3; ++seed)
    check_against_naive(model, test::random_image(20, 12, seed), 1e-5);
}

TEST_CASE("a forward of trained weights agrees with a naive one in double") {
  const auto path = test::shared_data("weights/vit_tiny_patch16_224.safetensors");
  if (!path)
    return;
  check_against_naive(std::get<VitModel>(load_timm(*path)), test::random_image(224, 224, 1), 1e-4);
}

TEST_CASE("an observer sees the sites in the order of their kinds and changes nothing") {
  const VitModel model = wide_vit();
  const Image pixels = test::random_image(20, 12, 5);
  Recorder recorder;
  const std::vector<float> observed = reference::forward(model, pixels, &recorder);
  CHECK(observed == reference::forward(model, pixels));

  std::vector<reference::Site> expected;
  for (int layer = 0; layer < model.config.depth; ++layer)
    for (int kind = static_cast<int>(SiteKind::block_input); kind < static_cast<int>(SiteKind::final_input); ++kind) {
      const auto site_kind = static_cast<SiteKind>(kind);
      if (site_kind == SiteKind::attention_probabilities)
        continue; // alternates with the scores
      if (site_kind == SiteKind::rotated_query || site_kind == SiteKind::rotated_key)
        continue; // of rotary positions, which this model has none of
      if (site_kind >= SiteKind::gate_output && site_kind <= SiteKind::hidden_normalized)
        continue; // of gated MLPs, likewise
      if (site_kind == SiteKind::attention_normalized)
        continue; // of a norm behind attention, likewise
      if (site_kind == SiteKind::attention_branch || site_kind == SiteKind::attention_added ||
          site_kind == SiteKind::mlp_branch || site_kind == SiteKind::mlp_added)
        continue; // of norms behind the branches, likewise
      if (site_kind == SiteKind::unit_query || site_kind == SiteKind::unit_key)
        continue; // of cosine attention, likewise
      if (site_kind != SiteKind::attention_scores) {
        expected.push_back({layer, site_kind});
        continue;
      }
      for (int head = 0; head < model.config.heads; ++head) {
        expected.push_back({layer, SiteKind::attention_scores, head});
        expected.push_back({layer, SiteKind::attention_probabilities, head});
      }
    }
  for (const SiteKind kind :
       {SiteKind::final_input, SiteKind::final_normalized, SiteKind::final_output, SiteKind::logits})
    expected.push_back({model.config.depth, kind});
  CHECK(recorder.sites == expected);
}

TEST_CASE("the parts of a forward put together are the forward") {
  const VitModel model = wide_vit();
  const Network parts = network(model.config, &model.weights);
  const Image pixels = test::random_image(20, 12, 6);
  RowMatrix stream = reference::embed(parts, reference::extract_patches(model.config, pixels));
  for (const BlockWeights &block : model.weights.blocks)
    stream = reference::block_forward(model.config.block(), block, stream);
  const RowVector logits = reference::classify(parts, stream);
  const std::vector<float> whole = reference::forward(model, pixels);
  CHECK(std::vector<float>(logits.begin(), logits.end()) == whole);
}

TEST_CASE("pixels of another size are refused") {
  const VitModel model = wide_vit();
  CHECK_THROWS_WITH(reference::forward(model, test::random_image(12, 20, 0)), "image is 12x20, the model takes 20x12");
  Image truncated = test::random_image(20, 12, 0);
  truncated.rgb.pop_back();
  CHECK_THROWS_WITH(reference::forward(model, truncated), "image holds 719 bytes, not the pixels that its size says");
}

} // namespace intvit
