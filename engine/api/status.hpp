// From the engine's failures to those of the C interface.
#pragma once

#include <new>

#include "engine/include/intvit.h"
#include "engine/status.hpp"

namespace intvit::api {

// The outcome of a function of the interface: what its caller gets back and, if it asked, reads.
intvit_status report(const Status &status, intvit_error *error) noexcept;
intvit_status report(intvit_status code, const char *message, intvit_error *error) noexcept;

// Runs `work`, which returns a Status. No exception gets out: the standard library's own for memory becomes
// INTVIT_OUT_OF_MEMORY.
template <typename Work> intvit_status guarded(intvit_error *error, const Work &work) noexcept {
  try {
    return report(work(), error);
  } catch (const std::bad_alloc &) {
    return report(INTVIT_OUT_OF_MEMORY, "not enough memory", error);
  } catch (...) {
    return report(INTVIT_INTERNAL, "an exception was thrown where none may be", error);
  }
}

} // namespace intvit::api
