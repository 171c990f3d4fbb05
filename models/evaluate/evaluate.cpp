#include "models/evaluate/evaluate.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <stdexcept>

#include "engine/runtime/ranking.hpp"
#include "engine/runtime/session.hpp"
#include "models/reference/forward.hpp"

namespace intvit {

namespace {

std::ptrdiff_t best(std::span<const double> logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

// What one image contributes.
struct Outcome {
  bool read = false; // else it could not be, or was not begun
  bool top1 = false;
  bool top5 = false;
  bool float_top1 = false;
  bool float_top5 = false;
  bool agrees = false;
  double cosine = 0;
  double seconds = 0;
};

Outcome evaluate_image(Session &session, const FloatModel *float_model, const Image &image, int label) {
  Outcome outcome;
  outcome.read = true;
  const std::array<const std::uint8_t *, 1> input{image.rgb.data()};
  const auto start = std::chrono::steady_clock::now();
  if (const Status status = session.run(input); !status.ok())
    throw std::runtime_error(status.message());
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::vector<int> top = top_classes(session.logits(), 5);
  outcome.top1 = top.front() == label;
  outcome.top5 = std::find(top.begin(), top.end(), label) != top.end();
  if (float_model != nullptr) {
    const std::vector<float> reference = reference::forward(*float_model, image);
    const std::vector<double> expected(reference.begin(), reference.end());
    outcome.float_top1 = in_top(expected, label, 1);
    outcome.float_top5 = in_top(expected, label, 5);
    outcome.agrees = best(expected) == top.front();
    outcome.cosine = cosine(expected, std::vector<double>(session.logits().begin(), session.logits().end()));
  }
  return outcome;
}

} // namespace

double cosine(std::span<const double> a, std::span<const double> b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

bool in_top(std::span<const double> logits, int label, int k) {
  const auto index = static_cast<std::size_t>(label);
  int ahead = 0;
  for (std::size_t i = 0; i < logits.size(); ++i)
    ahead += logits[i] > logits[index] || (i < index && logits[i] == logits[index]) ? 1 : 0;
  return ahead < k;
}

Evaluation evaluate(const std::shared_ptr<const Model> &model, const FloatModel *float_model,
                    std::span<const LabelledImage> images, const Recipe &recipe, int threads,
                    const std::function<bool(std::size_t)> &proceed) {
  if (float_model != nullptr) {
    const ModelConfig &config = common_config(*float_model);
    if (config.classes != model->classes() || config.image_height != model->image_height() ||
        config.image_width != model->image_width())
      throw std::runtime_error("the float model has other classes or another image size than the integer model");
  }

  std::vector<Session> sessions;
  for (int thread = 0; thread < threads; ++thread) {
    Result<Session> session = Session::create(model, {.threads = 1, .max_batch = 1});
    if (!session.ok())
      throw std::runtime_error(session.status().message());
    sessions.push_back(std::move(*session));
  }

  std::vector<Outcome> outcomes(images.size());
  std::vector<std::string> paths;
  for (const LabelledImage &image : images)
    paths.push_back(image.path);
  Evaluation result;
  result.errors = for_each_image(
      paths, recipe, model->kernels(), threads,
      [&](std::size_t i, const Image &image, std::size_t thread) {
        outcomes[i] = evaluate_image(sessions[thread], float_model, image, images[i].label);
      },
      proceed);
  std::erase(result.errors, "");
  FloatComparison comparison;
  double seconds = 0;
  for (const Outcome &outcome : outcomes) {
    if (!outcome.read)
      continue;
    ++result.images;
    result.top1 += outcome.top1;
    result.top5 += outcome.top5;
    seconds += outcome.seconds;
    comparison.top1 += outcome.float_top1;
    comparison.top5 += outcome.float_top5;
    comparison.agreement += outcome.agrees;
    comparison.cosine += outcome.cosine;
  }
  const double count = static_cast<double>(std::max<std::size_t>(result.images, 1));
  for (double *share : {&result.top1, &result.top5, &comparison.top1, &comparison.top5, &comparison.agreement})
    *share = *share * 100 / count; // in this order 100 % is exact
  comparison.cosine /= count;
  // `seconds` is the sum over threads that ran side by side.
  result.images_per_second = seconds > 0 ? static_cast<double>(result.images) * threads / seconds : 0;
  if (float_model != nullptr)
    result.float_comparison = comparison;
  return result;
}

} // namespace intvit
