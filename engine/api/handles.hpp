// The structs behind the handles of the C interface.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/image/preprocess.hpp"
#include "engine/include/intvit.h"
#include "engine/runtime/session.hpp"

namespace intvit::api {

// Sends messages to the caller's log, if there is one.
struct Log {
  intvit_log_callback callback = nullptr;
  void *context = nullptr;

  void operator()(intvit_log_level level, const std::string &message) const {
    if (callback != nullptr)
      callback(context, level, message.c_str());
  }
};

} // namespace intvit::api

struct intvit_model {
  std::shared_ptr<const intvit::Model> model;
  std::string recipe;
  intvit::api::Log log;
};

struct intvit_session {
  // Looked at by the session, set by other threads.
  std::unique_ptr<std::atomic<bool>> cancelled;
  intvit::Session session;
  std::vector<intvit::Preprocessor> preprocessors; // one for each thread
  // The model's input for each image of a batch. They follow the engine's part of the arena.
  std::uint8_t *inputs = nullptr;
  std::vector<const std::uint8_t *> batch; // max_batch pointers, into `inputs` or to the caller's pixels
  std::vector<int> ranking;                // one for each class, for intvit_top_k()
  intvit::AlignedBuffer memory;            // the arena, unless the caller gave one
  std::size_t arena_bytes = 0;
  int images = 0; // in the last run
};
