#include "cli/benchmark/throughput.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

#include "cli/benchmark/work.hpp"
#include "cli/command.hpp"
#include "cli/process.hpp"
#include "engine/threads/workers.hpp"

namespace intvit::cli {

namespace {

// A session with its own images, and what it did.
struct Lane {
  explicit Lane(Session made) : session(std::move(made)) {}

  Session session;
  std::vector<std::uint8_t> pixels;
  std::vector<const std::uint8_t *> images;
  Status status;
  std::vector<double> milliseconds;
  double seconds = 0; // from the common begin to the end of its last run
};

struct Race {
  std::vector<Lane> lanes;
  const Effort &effort;
};

// The runs of one session, after a barrier that all of them pass together.
void run_lane(const Team &team, void *context) {
  Race &race = *static_cast<Race *>(context);
  Lane &lane = race.lanes[static_cast<std::size_t>(team.index)];
  for (int i = 0; i <= race.effort.warmup && lane.status.ok() && !interrupted(); ++i)
    lane.status = lane.session.run(lane.images);
  team.barrier();
  const Stopwatch race_time;
  const auto enough = [&] {
    return race.effort.runs > 0 ? lane.milliseconds.size() >= static_cast<std::size_t>(race.effort.runs)
                                : !lane.milliseconds.empty() && lane.seconds >= race.effort.seconds;
  };
  while (lane.status.ok() && !interrupted() && !enough()) {
    const auto begin = std::chrono::steady_clock::now();
    lane.status = lane.session.run(lane.images);
    const auto end = std::chrono::steady_clock::now();
    lane.milliseconds.push_back(std::chrono::duration<double, std::milli>(end - begin).count());
    lane.seconds = race_time.elapsed().seconds;
  }
}

} // namespace

ThroughputResult measure_throughput(const LoadedModel &loaded, const Combination &combination, const Effort &effort) {
  const std::shared_ptr<const Model> &model = loaded.model;
  Workers workers(combination.sessions);
  Race race{{}, effort};
  ThroughputResult result{combination, 0, {}, 0};
  result.sessions = workers.size();
  std::mt19937 generator(1);
  const std::size_t image_bytes = model->program().values.front().bytes();
  const auto batch = static_cast<std::size_t>(combination.batch);
  race.lanes.reserve(static_cast<std::size_t>(workers.size()));
  for (int i = 0; i < workers.size(); ++i) {
    Lane &lane = race.lanes.emplace_back(
        value_of(Session::create(model, {.threads = combination.threads, .max_batch = combination.batch})));
    lane.pixels.resize(image_bytes * batch);
    std::generate(lane.pixels.begin(), lane.pixels.end(), [&] { return static_cast<std::uint8_t>(generator() >> 24); });
    for (std::size_t image = 0; image < batch; ++image)
      lane.images.push_back(lane.pixels.data() + image * image_bytes);
    result.arena_bytes += lane.session.arena_bytes();
  }

  const MachineWatch watch;
  workers.run(run_lane, &race);
  stop_if_interrupted();
  Samples &samples = result.samples;
  samples.machine = watch.elapsed();
  for (const Lane &lane : race.lanes) {
    require(lane.status);
    const auto images = static_cast<double>(lane.milliseconds.size() * batch);
    result.images_per_second += images / lane.seconds;
    samples.milliseconds.insert(samples.milliseconds.end(), lane.milliseconds.begin(), lane.milliseconds.end());
  }
  samples.multiply_accumulates = model_work(*model).multiply_accumulates * combination.batch;
  samples.lost = contended_share(samples.machine, workers.size() * combination.threads);
  samples.disturbed = samples.lost > contended_limit;
  return result;
}

} // namespace intvit::cli
