#include "models/evaluate/run_models.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>

#include "engine/runtime/session.hpp"
#include "models/evaluate/dataset.hpp"
#include "models/reference/forward.hpp"

namespace intvit {

ModelRuns run_models(const std::shared_ptr<const Model> &model, const FloatModel *float_model,
                     std::span<const std::string> paths, const Recipe &recipe, int threads,
                     const std::function<void(const ImageOutputs &)> &use,
                     const std::function<bool(std::size_t)> &proceed) {
  if (float_model != nullptr) {
    const ModelConfig &config = common_config(*float_model);
    // What a head's outputs mean can be told when a model is quantized, so the float weights need not say the same.
    if ((config.result_kind() == ResultKind::embedding) != (model->result_kind() == ResultKind::embedding))
      throw std::runtime_error("the float model gives " + std::string(outputs_word(config.result_kind())) +
                               ", the integer model " + std::string(outputs_word(model->result_kind())));
    if (outputs(*float_model) != model->classes() || config.image_height != model->image_height() ||
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

  std::vector<std::optional<double>> seconds(paths.size()); // of each image that could be read
  ModelRuns result;
  result.errors = for_each_image(
      paths, recipe, model->kernels(), threads,
      [&](std::size_t i, const Image &image, std::size_t thread) {
        Session &session = sessions[thread];
        const std::array<const std::uint8_t *, 1> input{image.rgb.data()};
        const auto start = std::chrono::steady_clock::now();
        if (const Status status = session.run(input); !status.ok())
          throw std::runtime_error(status.message());
        seconds[i] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        const std::vector<float> floats =
            float_model != nullptr ? reference::forward(*float_model, image) : std::vector<float>();
        use({i, session.logits(), floats});
      },
      proceed);
  std::erase(result.errors, "");
  double sum = 0; // over threads that ran side by side
  for (const std::optional<double> &time : seconds) {
    result.images += time.has_value() ? 1U : 0U;
    sum += time.value_or(0);
  }
  result.images_per_second = sum > 0 ? static_cast<double>(result.images) * threads / sum : 0;
  return result;
}

} // namespace intvit
