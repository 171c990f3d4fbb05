#include "models/inspect/compare.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "models/evaluate/measures.hpp"
#include "models/inspect/observed_run.hpp"
#include "models/inspect/streams.hpp"
#include "models/reference/forward.hpp"

namespace intvit {

namespace {

class IntegerModel : public ComparedModel {
public:
  IntegerModel(const std::shared_ptr<const Model> &model, int threads)
      : model_(model), streams_(residual_streams(model->program())) {
    // Rows that are means of tokens are not comparable with another model's.
    const std::vector<BoundNode> &nodes = model->program().nodes;
    if (std::any_of(nodes.begin(), nodes.end(),
                    [](const BoundNode &node) { return node.as<BoundMergeTokens>() != nullptr; }))
      streams_.clear();
    std::vector<int> values;
    for (const Stream &stream : streams_)
      values.push_back(stream.value);
    for (int thread = 0; thread < threads; ++thread)
      runs_.emplace_back(model, values);
  }

  Observed run(const Image &image, std::size_t thread) override {
    ObservedRun &run = runs_[thread];
    run.run(image);
    Observed observed{real_logits(run.logits(), model_->logit_fraction_bits()), {}};
    for (const Stream &stream : streams_)
      observed.layers.push_back({stream.columns, stream.dequantize(run.value(stream.value))});
    return observed;
  }

  std::vector<std::string> stream_names() const override {
    std::vector<std::string> names;
    for (const Stream &stream : streams_)
      names.push_back(stream.name);
    return names;
  }

  int classes() const override { return model_->classes(); }
  ResultKind result_kind() const override { return model_->result_kind(); }
  int image_height() const override { return model_->image_height(); }
  int image_width() const override { return model_->image_width(); }

private:
  std::shared_ptr<const Model> model_;
  std::vector<Stream> streams_;
  std::vector<ObservedRun> runs_; // one a thread
};

// The float forward's activations at the places where residual_streams() finds an integer model's.
class StreamObserver : public reference::Observer {
public:
  std::vector<Observed::Layer> layers;

  void observe(const reference::Site &site, const MatrixView &activation) override {
    using reference::SiteKind;
    if (site.kind != SiteKind::embedding && site.kind != SiteKind::merge_input && site.kind != SiteKind::block_input &&
        site.kind != SiteKind::block_middle && site.kind != SiteKind::final_input && site.kind != SiteKind::pooled)
      return;
    std::vector<double> &values = layers.emplace_back(Observed::Layer{activation.cols(), {}}).values;
    values.reserve(static_cast<std::size_t>(activation.size()));
    for (Eigen::Index row = 0; row < activation.rows(); ++row)
      for (Eigen::Index c = 0; c < activation.cols(); ++c)
        values.push_back(static_cast<double>(activation(row, c)));
  }
};

class ReferenceModel : public ComparedModel {
public:
  explicit ReferenceModel(const FloatModel &model) : model_(model) {}

  Observed run(const Image &image, std::size_t) override {
    StreamObserver observer;
    const std::vector<float> logits = reference::forward(model_, image, &observer);
    return {{logits.begin(), logits.end()}, std::move(observer.layers)};
  }

  std::vector<std::string> stream_names() const override { return {}; }
  int classes() const override { return outputs(model_); }
  ResultKind result_kind() const override { return common_config(model_).result_kind(); }
  int image_height() const override { return common_config(model_).image_height; }
  int image_width() const override { return common_config(model_).image_width; }

private:
  const FloatModel &model_;
};

Opinion opinion(std::span<const double> logits) {
  const auto largest = std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double logit : logits)
    sum += std::exp(logit - *largest);
  return {static_cast<int>(largest - logits.begin()), 1 / sum};
}

ImageComparison comparison_of(const ComparedImage &image, const std::vector<double> &a, const std::vector<double> &b,
                              ResultKind kind) {
  ImageComparison result{.path = image.path, .label = image.label, .first = opinion(a), .second = opinion(b)};
  result.agreement = kind == ResultKind::labels ? decided_alike(a, b) : result.first.label == result.second.label;
  result.cosine = cosine(a, b);
  result.difference = mean_absolute_error(a, b);
  return result;
}

struct OneImage {
  std::optional<ImageComparison> image;
  std::vector<double> layers;                  // cosines; empty where the shapes differ
  std::array<std::vector<double>, 2> features; // of models without classes, and of the first images alone
};

// Empty where the models' layers have other shapes.
std::vector<double> layer_cosines(const Observed &a, const Observed &b) {
  if (a.layers.size() != b.layers.size() || a.layers.empty() ||
      a.layers.front().values.size() != b.layers.front().values.size())
    return {};
  std::vector<double> cosines;
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    if (a.layers[i].columns != b.layers[i].columns)
      return {};
    // An integer model's last block writes the rows that the head reads; the float model writes all, with those in
    // front.
    const std::size_t common = std::min(a.layers[i].values.size(), b.layers[i].values.size());
    cosines.push_back(cosine(std::span(a.layers[i].values).first(common), std::span(b.layers[i].values).first(common)));
  }
  return cosines;
}

void add_layers(const std::vector<OneImage> &outcomes, const std::vector<std::string> &names, Comparison &result) {
  for (std::size_t layer = 0; layer < names.size(); ++layer) {
    LayerComparison &entry = result.layers.emplace_back();
    entry.name = names[layer];
    for (const OneImage &outcome : outcomes)
      if (outcome.image) {
        if (outcome.layers.size() != names.size()) {
          result.layers.clear();
          return;
        }
        entry.cosine += outcome.layers[layer] / static_cast<double>(result.images.size());
        entry.lowest_cosine = std::min(entry.lowest_cosine, outcome.layers[layer]);
      }
  }
}

std::optional<double> neighbours_of(const std::vector<OneImage> &outcomes, const std::function<void()> &progress) {
  std::array<std::vector<std::vector<double>>, 2> features;
  for (const OneImage &outcome : outcomes)
    if (!outcome.features[0].empty())
      for (std::size_t model = 0; model < 2; ++model)
        features[model].push_back(outcome.features[model]);
  if (features[0].size() < fewest_neighbours)
    return std::nullopt;
  const auto asked = [&] {
    progress();
    return true;
  };
  return 100 * neighbour_agreement(*nearest_others(features[0], asked), *nearest_others(features[1], asked));
}

} // namespace

std::unique_ptr<ComparedModel> compared(const std::shared_ptr<const Model> &model, int threads) {
  return std::make_unique<IntegerModel>(model, threads);
}

std::unique_ptr<ComparedModel> compared(const FloatModel &model) {
  return std::make_unique<ReferenceModel>(model);
}

Comparison compare(ComparedModel &first, ComparedModel &second, std::span<const ComparedImage> images,
                   const Recipe &recipe, const kernels::KernelTable &kernels, int threads,
                   const std::function<void(std::size_t)> &progress) {
  if (first.image_height() != second.image_height() || first.image_width() != second.image_width())
    throw std::runtime_error("the two models take images of other sizes");
  if (first.classes() != second.classes())
    throw std::runtime_error("the two models have other numbers of classes");

  std::vector<OneImage> outcomes(images.size());
  std::vector<std::string> paths;
  for (const ComparedImage &image : images)
    paths.push_back(image.path);
  Comparison result;
  result.errors = for_each_image(
      paths, recipe, kernels, threads,
      [&](std::size_t i, const Image &image, std::size_t thread) {
        const Observed a = first.run(image, thread);
        const Observed b = second.run(image, thread);
        outcomes[i].image = comparison_of(images[i], a.logits, b.logits, first.result_kind());
        outcomes[i].layers = layer_cosines(a, b);
        if (first.result_kind() == ResultKind::embedding && i < max_neighbours)
          outcomes[i].features = {a.logits, b.logits};
      },
      [&](std::size_t done) {
        progress(done);
        return true;
      });

  std::erase(result.errors, "");
  double first_right = 0;
  double second_right = 0;
  bool all_labelled = true;
  for (const OneImage &outcome : outcomes) {
    if (!outcome.image)
      continue;
    const ImageComparison &image = *outcome.image;
    result.images.push_back(image);
    result.agreement += image.agreement;
    result.cosine += image.cosine;
    result.difference += image.difference;
    all_labelled = all_labelled && image.label.has_value();
    first_right += image.label == image.first.label;
    second_right += image.label == image.second.label;
  }
  if (result.images.empty())
    return result;
  const auto count = static_cast<double>(result.images.size());
  result.agreement = result.agreement * 100 / count; // in this order all of them are 100 %
  result.cosine /= count;
  result.difference /= count;
  if (all_labelled) {
    result.first_top1 = 100 * first_right / count;
    result.second_top1 = 100 * second_right / count;
  }
  result.neighbours = neighbours_of(outcomes, [&] { progress(images.size()); });
  add_layers(outcomes, first.stream_names(), result);
  return result;
}

} // namespace intvit
