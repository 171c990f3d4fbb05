// Turns the engine's failures into those of the C interface.
#pragma once

#include <new>

#include "engine/include/intvit.h"
#include "engine/status.hpp"

namespace intvit::api {

// Ends a function of the interface: returns the code for the caller and fills `error` unless it is null.
intvit_status report(const Status &status, intvit_error *error) noexcept;
intvit_status report(intvit_status code, const char *message, intvit_error *error) noexcept;

// Runs `work`, which returns a Status. Lets no exception out: std::bad_alloc becomes INTVIT_OUT_OF_MEMORY.
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
