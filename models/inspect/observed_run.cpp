#include "models/inspect/observed_run.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace intvit {

namespace {

std::vector<std::vector<std::byte>> buffers(const Model &model, const std::vector<int> &values) {
  std::vector<std::vector<std::byte>> kept(model.program().nodes.size());
  for (const int value : values)
    kept.at(static_cast<std::size_t>(value) - 1)
        .resize(model.program().values[static_cast<std::size_t>(value)].bytes());
  return kept;
}

Session open_session(std::shared_ptr<const Model> model, int threads, NodeObserver observer) {
  Result<Session> session =
      Session::create(std::move(model), {.threads = threads, .max_batch = 1, .observer = observer});
  if (!session.ok())
    throw std::runtime_error(session.status().message());
  return std::move(*session);
}

} // namespace

ObservedRun::ObservedRun(std::shared_ptr<const Model> model, const std::vector<int> &values, int threads)
    : kept_(std::make_unique<Kept>(buffers(*model, values))),
      session_(open_session(std::move(model), threads,
                            {[](void *context, std::size_t node, std::span<const std::byte> output) {
                               std::vector<std::byte> &buffer = (*static_cast<Kept *>(context))[node];
                               std::copy_n(output.begin(), buffer.size(), buffer.begin());
                             },
                             kept_.get()})) {}

void ObservedRun::run(const Image &image) {
  const std::array<const std::uint8_t *, 1> input{image.rgb.data()};
  if (const Status status = session_.run(input); !status.ok())
    throw std::runtime_error(status.message());
}

std::span<const std::byte> ObservedRun::value(int index) const {
  return kept_->at(static_cast<std::size_t>(index) - 1);
}

std::vector<double> real_logits(std::span<const std::int32_t> logits, int fraction_bits) {
  std::vector<double> result;
  for (const std::int32_t logit : logits)
    result.push_back(std::ldexp(logit, -fraction_bits));
  return result;
}

} // namespace intvit
