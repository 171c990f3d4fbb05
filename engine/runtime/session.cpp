#include "engine/runtime/session.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "engine/threads/default_threads.hpp"

namespace intvit {

namespace {

constexpr int max_images = 4096;

// Scratch memory that a thread needs for the most demanding operation.
std::size_t scratch_bytes(const Program &program, const kernels::KernelTable &kernels) {
  std::size_t bytes = 0;
  for (const BoundNode &node : program.nodes)
    bytes = std::max(bytes, node.operation->scratch_bytes(kernels));
  return align_up(bytes);
}

std::int64_t clock_nanoseconds() {
  using std::chrono::steady_clock;
  return std::chrono::nanoseconds(steady_clock::now().time_since_epoch()).count();
}

Status run_cancelled() {
  return Status(StatusCode::cancelled, "the run was cancelled");
}

} // namespace

// The inputs of one forward pass.
struct Session::Run {
  const Session *session;
  std::span<const std::uint8_t *const> images;
  std::int64_t *node_nanoseconds; // null: not measured
  bool cancelled = false;         // written by the first thread
};

Status Session::plan(const Model &model, const SessionOptions &options) {
  options_ = options;
  if (options_.threads == 0 && options_.parallel_for.run != nullptr)
    return Status(StatusCode::bad_argument, "a loop of the caller's needs the number of threads as well");
  if (options_.threads == 0)
    options_.threads = default_threads();
  if (options_.threads < 1 || options_.threads > max_threads)
    return Status(StatusCode::bad_argument, "threads must be from 1 to " + std::to_string(max_threads));
  if (options.max_batch < 1 || options.max_batch > max_images)
    return Status(StatusCode::bad_argument, "batch must be from 1 to " + std::to_string(max_images));

  if (!fits_batch(model.program(), options.max_batch))
    return Status(StatusCode::bad_argument,
                  "batch " + std::to_string(options.max_batch) + " is too large for this model");
  // Values of a batch lie one after the other, so the plan for one image is scaled by the batch.
  scratch_bytes_ = scratch_bytes(model.program(), model.kernels());
  const std::uint64_t values = std::uint64_t{model.plan().bytes} * static_cast<std::uint64_t>(options.max_batch);
  const std::uint64_t bytes = values + std::uint64_t{scratch_bytes_} * static_cast<std::uint64_t>(options_.threads);
  if (bytes > max_planned_bytes)
    return beyond_memory(bytes);
  scratch_offset_ = static_cast<std::size_t>(values);
  planned_bytes_ = static_cast<std::size_t>(bytes);
  return {};
}

Result<std::size_t> Session::required_arena_bytes(const Model &model, const SessionOptions &options) {
  Session session;
  if (Status status = session.plan(model, options); !status.ok())
    return status;
  return session.planned_bytes_;
}

Result<Session> Session::create(std::shared_ptr<const Model> model, const SessionOptions &options) {
  Session session;
  if (Status status = session.plan(*model, options); !status.ok())
    return status;
  const std::size_t bytes = session.planned_bytes_;
  if (options.arena.data() != nullptr) {
    if (options.arena.size() < bytes || reinterpret_cast<std::uintptr_t>(options.arena.data()) % buffer_alignment != 0)
      return Status(StatusCode::bad_argument, "the arena must have " + std::to_string(bytes) + " bytes aligned to " +
                                                  std::to_string(buffer_alignment) + "; it has " +
                                                  std::to_string(options.arena.size()));
    session.arena_ = options.arena.first(bytes);
    std::memset(session.arena_.data(), 0, bytes);
  } else {
    session.memory_ = AlignedBuffer(bytes);
    if (session.memory_.data() == nullptr)
      return Status(StatusCode::out_of_memory,
                    "no memory for an arena of " + std::to_string(bytes) + " bytes; use a smaller batch");
    session.arena_ = {session.memory_.data(), bytes};
  }
  if (options.profile)
    session.node_nanoseconds_.resize(model->program().nodes.size());
  session.model_ = std::move(model);

  if (options.parallel_for.run == nullptr)
    session.workers_ = Workers(std::min(session.options_.threads, thread_limit()));
  return session;
}

std::byte *Session::value(int index) const {
  return arena_.data() +
         model_->plan().offsets[static_cast<std::size_t>(index)] * static_cast<std::size_t>(options_.max_batch);
}

Status Session::run(std::span<const std::uint8_t *const> images) {
  if (images.empty() || images.size() > static_cast<std::size_t>(options_.max_batch))
    return Status(StatusCode::bad_argument, "a run takes 1 to " + std::to_string(options_.max_batch) + " images, not " +
                                                std::to_string(images.size()));
  last_batch_ = 0;
  Run run{this, images, options_.profile ? node_nanoseconds_.data() : nullptr};
  if (options_.parallel_for.run == nullptr)
    workers_.run(
        [](const Team &team, void *context) {
          Run &pass = *static_cast<Run *>(context);
          pass.session->forward(pass, team);
        },
        &run);
  else if (Status status = forward_by_loop(run); !status.ok())
    return status;
  if (run.cancelled)
    return run_cancelled();
  last_batch_ = static_cast<int>(images.size());
  return {};
}

Status Session::for_each(int count, int threads, void (*task)(void *argument, int i, int thread), void *argument) {
  struct Loop {
    const Session &session;
    void (*task)(void *argument, int i, int thread);
    void *argument;
    int count;
    int threads;
    std::atomic<int> next = 0;
    std::atomic<int> joined = 0;

    static void join(void *context) {
      Loop &loop = *static_cast<Loop *>(context);
      // Not the number that a loop of the caller's gives, which may be wrong.
      const int thread = loop.joined.fetch_add(1, std::memory_order_relaxed);
      if (thread >= loop.threads)
        return;
      for (int i = loop.next.fetch_add(1, std::memory_order_relaxed); i < loop.count && !loop.session.cancelled();
           i = loop.next.fetch_add(1, std::memory_order_relaxed))
        loop.task(loop.argument, i, thread);
    }
  };
  Loop loop{*this, task, argument, count, threads};
  if (options_.parallel_for.run == nullptr)
    workers_.run([](const Team &, void *context) { Loop::join(context); }, &loop);
  else
    options_.parallel_for.run(
        options_.parallel_for.context, options_.threads, [](void *context, int) { Loop::join(context); }, &loop);
  if (cancelled())
    return run_cancelled();
  return loop.next >= count ? Status() : Status(StatusCode::bad_argument, "the caller's loop called no task");
}

std::span<const std::int32_t> Session::rows(int index) const {
  const int columns = model_->program().values[static_cast<std::size_t>(index)].columns;
  return {reinterpret_cast<const std::int32_t *>(value(index)),
          static_cast<std::size_t>(last_batch_) * static_cast<std::size_t>(columns)};
}

std::span<const std::int32_t> Session::logits() const {
  return rows(static_cast<int>(model_->program().values.size()) - 1);
}

std::span<const std::int32_t> Session::features() const {
  return model_->feature_value() == 0 ? std::span<const std::int32_t>() : rows(model_->feature_value());
}

std::span<const std::int32_t> Session::patch_tokens(int image) const {
  const PatchTokens &tokens = model_->patch_tokens();
  if (tokens.value == 0)
    return {};
  const auto rows = static_cast<std::size_t>(tokens.first) + static_cast<std::size_t>(tokens.patches());
  const auto channels = static_cast<std::size_t>(tokens.channels);
  const auto before = static_cast<std::size_t>(image) * rows + static_cast<std::size_t>(tokens.first);
  return {reinterpret_cast<const std::int32_t *>(value(tokens.value)) + before * channels,
          static_cast<std::size_t>(tokens.patches()) * channels};
}

bool Session::cancelled() const {
  return options_.cancelled != nullptr && options_.cancelled->load(std::memory_order_relaxed);
}

void Session::forward(Run &run, const Team &team) const {
  const bool measures = run.node_nanoseconds != nullptr && team.index == 0;
  for (std::size_t node = 0; node < model_->program().nodes.size(); ++node) {
    const std::int64_t begin = measures ? clock_nanoseconds() : 0;
    for (int phase = 0; phase < phases(node); ++phase) {
      execute(run, team, node, phase);
      if (team.index == 0 && cancelled())
        team.stop();
      if (!team.barrier()) {
        if (team.index == 0)
          run.cancelled = true;
        return;
      }
    }
    if (measures)
      run.node_nanoseconds[node] = clock_nanoseconds() - begin;
    if (options_.observer.observe != nullptr) {
      if (team.index == 0)
        observe(run, node);
      // The next node's output may lie where this one's did, if nothing reads it.
      team.barrier();
    }
  }
}

Status Session::forward_by_loop(Run &run) const {
  for (std::size_t node = 0; node < model_->program().nodes.size(); ++node) {
    const std::int64_t begin = run.node_nanoseconds != nullptr ? clock_nanoseconds() : 0;
    for (int phase = 0; phase < phases(node); ++phase) {
      if (cancelled()) {
        run.cancelled = true;
        return {};
      }
      if (Status status = execute_by_loop(run, node, phase); !status.ok())
        return status;
    }
    if (run.node_nanoseconds != nullptr)
      run.node_nanoseconds[node] = clock_nanoseconds() - begin;
    if (options_.observer.observe != nullptr)
      observe(run, node);
  }
  return {};
}

Status Session::execute_by_loop(const Run &run, std::size_t node, int phase) const {
  struct Task {
    const Run &run;
    std::size_t node;
    int phase;
    std::atomic<int> calls = 0;
    std::atomic<bool> outside = false; // an index was
  };
  Task task{run, node, phase};
  // No task waits for another, so that the loop may run them one after the other: execute() holds no barrier.
  options_.parallel_for.run(
      options_.parallel_for.context, options_.threads,
      [](void *argument, int index) {
        Task &share = *static_cast<Task *>(argument);
        const Session &session = *share.run.session;
        share.calls.fetch_add(1, std::memory_order_relaxed);
        if (index < 0 || index >= session.options_.threads) {
          share.outside = true;
          return;
        }
        session.execute(share.run, Team{index, session.options_.threads, nullptr}, share.node, share.phase);
      },
      &task);
  if (task.calls == options_.threads && !task.outside)
    return {};
  return Status(StatusCode::bad_argument, "the caller's loop was to call each of " + std::to_string(options_.threads) +
                                              " tasks once; it made " + std::to_string(task.calls) + " calls" +
                                              (task.outside ? ", with numbers of tasks that there are not" : ""));
}

void Session::observe(const Run &run, std::size_t node) const {
  const std::size_t bytes = run.images.size() * model_->program().values[node + 1].bytes();
  options_.observer.observe(options_.observer.context, node, {value(static_cast<int>(node) + 1), bytes});
}

void Session::execute(const Run &run, const Team &team, std::size_t index, int phase) const {
  const Program &program = model_->program();
  const BoundNode &node = program.nodes[index];
  const auto operand = [&](int value_index) {
    return Operand{&program.values[static_cast<std::size_t>(value_index)],
                   value_index == 0 ? nullptr : value(value_index)};
  };
  Step step{.kernels = model_->kernels(),
            .team = team,
            .images = run.images,
            .inputs = {},
            .output = operand(static_cast<int>(index) + 1),
            .packed = model_->packed(index),
            .scratch = arena_.data() + scratch_offset_ + static_cast<std::size_t>(team.index) * scratch_bytes_,
            .phase = phase};
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    step.inputs[i] = operand(node.inputs[i]);
  node.operation->run(step);
}

} // namespace intvit
