#include "models/evaluate/run_files.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <stdexcept>
#include <utility>

#include "engine/runtime/session.hpp"
#include "engine/threads/default_threads.hpp"
#include "models/parallel.hpp"

namespace intvit {

namespace {

using LoadFile = std::function<Image(std::size_t file, ImageLoader &loader)>;

// As many numbers for each image, image after image.
class Rows {
public:
  Rows(std::span<const std::int32_t> numbers, std::size_t count) : rest_(numbers), width_(numbers.size() / count) {}

  std::vector<std::int32_t> next() {
    const std::span<const std::int32_t> row = rest_.first(width_);
    rest_ = rest_.subspan(width_);
    return {row.begin(), row.end()};
  }

private:
  std::span<const std::int32_t> rest_;
  std::size_t width_;
};

// Neighbours among the files, loaded and then run.
struct FileGroup {
  std::vector<FileOutputs> outputs;
  std::vector<Image> images; // one for each of them; without pixels where it could not be read

  FileGroup(std::size_t first, std::size_t count) : outputs(count), images(count) {
    for (std::size_t i = 0; i < count; ++i)
      outputs[i].file = first + i;
  }

  void load_image(std::size_t i, const LoadFile &load, ImageLoader &loader) {
    try {
      images[i] = load(outputs[i].file, loader);
      outputs[i].load = loader.times();
    } catch (const std::runtime_error &error) {
      outputs[i].error = error.what();
    }
  }

  // Runs images[begin] to images[end - 1], which then give their memory back.
  void run_images(Session &session, std::size_t begin, std::size_t end) {
    std::vector<const std::uint8_t *> inputs;
    for (std::size_t i = begin; i < end; ++i)
      if (outputs[i].error.empty())
        inputs.push_back(images[i].rgb.data());
    if (inputs.empty())
      return;
    const auto start = std::chrono::steady_clock::now();
    if (const Status status = session.run(inputs); !status.ok())
      throw std::runtime_error(status.message());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    Rows logits(session.logits(), inputs.size());
    Rows features(session.features(), inputs.size());
    int image = 0;
    for (std::size_t i = begin; i < end; ++i) {
      if (!outputs[i].error.empty())
        continue;
      outputs[i].integers = logits.next();
      outputs[i].features = features.next();
      const std::span<const std::int32_t> tokens = session.patch_tokens(image++);
      outputs[i].tokens.assign(tokens.begin(), tokens.end());
      outputs[i].run = seconds.count() / static_cast<double>(inputs.size());
      outputs[i].threads = session.threads();
      images[i] = {};
    }
  }
};

Session create_session(const std::shared_ptr<const Model> &model, std::size_t threads, std::size_t batch) {
  Result<Session> session =
      Session::create(model, {.threads = static_cast<int>(threads), .max_batch = static_cast<int>(batch)});
  if (!session.ok())
    throw std::runtime_error(session.status().message());
  return std::move(*session);
}

} // namespace

void run_files(const std::shared_ptr<const Model> &model, const Recipe &recipe, std::size_t count, const LoadFile &load,
               int threads, int batch, const std::function<void(const FileOutputs &)> &use) {
  const auto team = static_cast<std::size_t>(std::clamp(threads, 1, thread_limit()));
  const std::size_t at_once = std::clamp<std::size_t>(count, 1, static_cast<std::size_t>(std::max(batch, 1)));
  std::vector<ImageLoader> loaders(team, ImageLoader(recipe, model->kernels()));

  const std::size_t share = (at_once + team - 1) / team; // of a thread that works by itself
  if (team == 1 || count >= 4 * share * team) {
    std::vector<Session> sessions;
    for (std::size_t thread = 0; thread < team; ++thread)
      sessions.push_back(create_session(model, 1, share));
    const std::size_t ahead = std::max(team, (16 * team + share - 1) / share); // in shares
    std::vector<std::vector<FileOutputs>> waiting(ahead);
    parallel_in_order(
        static_cast<int>(team), (count + share - 1) / share, ahead,
        [&](std::size_t i, std::size_t thread) {
          const std::size_t first = i * share;
          FileGroup group(first, std::min(share, count - first));
          for (std::size_t file = 0; file < group.images.size(); ++file)
            group.load_image(file, load, loaders[thread]);
          group.run_images(sessions[thread], 0, group.images.size());
          waiting[i % ahead] = std::move(group.outputs);
        },
        [&](std::size_t i) {
          for (const FileOutputs &outputs : std::exchange(waiting[i % ahead], {}))
            use(outputs);
        });
    return;
  }

  Session session = create_session(model, team, at_once);
  const std::size_t step = at_once * ((team + at_once - 1) / at_once); // whole batches, and a file for every thread
  for (std::size_t first = 0; first < count; first += step) {
    FileGroup group(first, std::min(step, count - first));
    parallel_for(static_cast<int>(team), group.images.size(),
                 [&](std::size_t file, std::size_t thread) { group.load_image(file, load, loaders[thread]); });
    for (std::size_t begin = 0; begin < group.images.size(); begin += at_once) {
      const std::size_t end = std::min(begin + at_once, group.images.size());
      group.run_images(session, begin, end);
      for (std::size_t i = begin; i < end; ++i)
        use(group.outputs[i]);
    }
  }
}

} // namespace intvit
