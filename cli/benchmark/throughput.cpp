#include "cli/benchmark/throughput.hpp"

#include <algorithm>
#include <atomic>
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
  Samples samples;
};

struct Race {
  std::vector<Lane> lanes;
  const Effort &effort;
  bool watched = false;           // whether a run's thread tells what others took of it
  std::atomic<int> unfinished{0}; // sessions that have not measured enough
};

// The runs of one session, after a barrier that all of them pass together. One that has measured enough goes on, so
// that the others' runs are under the same load.
void run_lane(const Team &team, void *context) {
  Race &race = *static_cast<Race *>(context);
  Lane &lane = race.lanes[static_cast<std::size_t>(team.index)];
  const Effort &effort = race.effort;
  for (int i = 0; i <= effort.warmup && lane.status.ok() && !interrupted(); ++i)
    lane.status = lane.session.run(lane.images);
  team.barrier();
  RunCount count(effort);
  DisturbedRuns disturbed_runs(1, involuntary_switches(Counted::this_thread));
  bool finished = false;
  while (lane.status.ok() && !interrupted()) {
    const Stopwatch running(Counted::this_thread);
    lane.status = lane.session.run(lane.images);
    const WorkTime time = running.elapsed();
    const bool disturbed =
        disturbed_runs.is_disturbed(time, involuntary_switches(Counted::this_thread)) && race.watched;
    count.add(time.seconds, disturbed);
    lane.samples.runs.push_back({time.seconds * 1e3, time.processor_seconds * 1e3, disturbed});
    if (!finished && count.enough()) {
      finished = true;
      --race.unfinished;
    }
    if (finished && (effort.runs > 0 || race.unfinished <= 0))
      return;
  }
  if (!finished)
    --race.unfinished; // nobody waits for a session that failed
}

} // namespace

ThroughputResult measure_throughput(const LoadedModel &loaded, const Combination &combination, const Effort &effort) {
  const std::shared_ptr<const Model> &model = loaded.model;
  Workers workers(combination.sessions);
  Race race{.lanes = {}, .effort = effort};
  // Sessions that are more than the processors, or have threads of their own, do not tell how others disturb them.
  race.watched = combination.threads == 1 && workers.size() <= processors_allowed();
  race.unfinished = workers.size();
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
  WorkTime all;
  for (Lane &lane : race.lanes) {
    require(lane.status);
    Samples &own = lane.samples;
    own.settle(effort.runs > 0 ? 0 : least_runs, 1);
    result.images_per_second += 1e3 * static_cast<double>(batch) / own.mean();
    samples.milliseconds.insert(samples.milliseconds.end(), own.milliseconds.begin(), own.milliseconds.end());
    samples.disturbed |= own.disturbed;
    samples.unsteady |= own.unsteady;
    for (const Run &run : own.runs) {
      all.seconds += run.milliseconds;
      all.processor_seconds += run.processor_milliseconds;
    }
    if (race.watched)
      samples.runs.insert(samples.runs.end(), own.runs.begin(), own.runs.end());
  }
  samples.multiply_accumulates = model_work(*model).multiply_accumulates * combination.batch;
  if (race.watched) {
    samples.lost = lost_share(all, 1);
  } else {
    samples.lost = contended_share(samples.machine, workers.size() * combination.threads);
    samples.disturbed = samples.lost > contended_limit;
    samples.unsteady = false; // sessions in turn on a processor
  }
  return result;
}

} // namespace intvit::cli
