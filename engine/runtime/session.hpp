// Runs a model: owns the memory of a forward pass. One session serves one caller at a time; sessions of one model run
// side by side.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/runtime/model.hpp"
#include "engine/status.hpp"
#include "engine/threads/workers.hpp"

namespace intvit {

// Looks at the values inside a run. `observe` is called after every node, in their order, by one thread while the
// others wait, with the node's index in Model::program() and its output for all images of the run, one after the other;
// the bytes are valid during the call only. It must not throw.
struct NodeObserver {
  void (*observe)(void *context, std::size_t node, std::span<const std::byte> output) = nullptr; // null: nobody looks
  void *context = nullptr;
};

// A parallel loop of the caller's, to run on threads of the caller's: calls task(argument, i) once for every i from 0
// to count - 1, on any thread and in any order, and returns when all calls have returned.
struct ParallelFor {
  void (*run)(void *context, int count, void (*task)(void *argument, int index), void *argument) = nullptr;
  void *context = nullptr;
};

struct SessionOptions {
  int threads = 0;      // at most max_threads; 0: default_threads()
  int max_batch = 1;    // images a run may take
  bool profile = false; // measure node_nanoseconds()
  NodeObserver observer = {};
  // If given, a run starts no threads of its own: it calls this loop once or twice a node, with `threads` tasks, which
  // then must be given too.
  ParallelFor parallel_for = {};
  // If given, the session lives in it instead of in memory of its own: at least required_arena_bytes(), aligned to
  // buffer_alignment, untouched by anybody else while the session exists.
  std::span<std::byte> arena = {};
  // If given, a run ends before its next operation once this is true. It must outlive the session.
  const std::atomic<bool> *cancelled = nullptr;
};

class Session {
public:
  // How large the arena of such a session is. Errors: bad_argument (threads or batch out of range).
  static Result<std::size_t> required_arena_bytes(const Model &model, const SessionOptions &options = {});

  // Allocates everything that runs need. Errors: those of required_arena_bytes(); bad_argument (a given arena that is
  // too small or not aligned); out_of_memory.
  static Result<Session> create(std::shared_ptr<const Model> model, const SessionOptions &options = {});

  // Classifies `images`: each points to image_height x image_width x 3 bytes, row-major RGB, dense. Logits go to
  // logits() afterwards. Allocates nothing, but in a child after fork() the first time; the bits do not depend on
  // threads or batch. Errors: bad_argument (more images than max_batch, or none; a loop of the caller's that did not
  // call every task once); cancelled. After a refused number of images the results are the last run's still, after
  // another error there are none.
  Status run(std::span<const std::uint8_t *const> images);

  // Other work on the threads of runs, at most `threads` of them: calls task(argument, i, thread) once for every i
  // below `count`. No two calls at the same time have the same `thread`, which is below `threads`. Tasks must not
  // throw. Errors: bad_argument (a loop of the caller's that called none); cancelled, and then not all were called.
  Status for_each(int count, int threads, void (*task)(void *argument, int i, int thread), void *argument);

  // The last run's result: [images, classes], in units of 2^-model().logit_fraction_bits().
  std::span<const std::int32_t> logits() const;
  // Likewise [images, features], in units of 2^-model().feature_fraction_bits(). Empty where the model has none.
  std::span<const std::int32_t> features() const;
  // Of image `image` of the last run: [patches, channels], as model().patch_tokens() says. Empty where there are none.
  std::span<const std::int32_t> patch_tokens(int image) const;

  // With SessionOptions::profile: how long each node of the last run took all threads, barrier included, by the first
  // thread's clock; one entry a node of model().program(). Empty without.
  std::span<const std::int64_t> node_nanoseconds() const { return node_nanoseconds_; }

  const Model &model() const { return *model_; }
  // How many threads a run uses: as asked for, or fewer where the system gave no more.
  int threads() const { return options_.parallel_for.run != nullptr ? options_.threads : workers_.size(); }
  std::size_t arena_bytes() const { return arena_.size(); }

private:
  struct Run;

  Session() = default;
  Status plan(const Model &model, const SessionOptions &options);
  std::byte *value(int index) const;
  std::span<const std::int32_t> rows(int value) const; // of the last run's images, one each
  void forward(Run &run, const Team &team) const;
  Status forward_by_loop(Run &run) const;
  Status execute_by_loop(const Run &run, std::size_t node, int phase) const;
  bool cancelled() const;
  int phases(std::size_t node) const { return model_->program().nodes[node].operation->phases(); }
  void execute(const Run &run, const Team &team, std::size_t node, int phase) const;
  void observe(const Run &run, std::size_t node) const;

  std::shared_ptr<const Model> model_;
  SessionOptions options_;
  Workers workers_;
  AlignedBuffer memory_; // empty where the caller gave an arena
  std::span<std::byte> arena_;
  std::size_t scratch_offset_ = 0; // each thread's scratch, one after the other
  std::size_t scratch_bytes_ = 0;  // a thread
  std::size_t planned_bytes_ = 0;  // of the arena
  int last_batch_ = 0;
  std::vector<std::int64_t> node_nanoseconds_;
};

} // namespace intvit
