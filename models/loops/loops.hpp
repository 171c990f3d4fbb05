// Which of the compiled inner loops this machine can run.
#pragma once

#include <span>

#include "models/loops/loop_table.hpp"

namespace intvit {

// The fastest last. Never empty.
std::span<const LoopTable *const> loop_tables();

inline const LoopTable &fastest_loops() {
  return *loop_tables().back();
}

} // namespace intvit
