// Turns the engine's failures into those of the C interface.
#pragma once

#include <new>
#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

#include "engine/include/intvit.h"
#include "engine/status.hpp"

namespace intvit::api {

// Ends a function of the interface: returns the code for the caller and fills `error` unless it is null. A status's
// message, in which strangers' names may be, is made printable, for which there may be no memory.
intvit_status report(const Status &status, intvit_error *error);
intvit_status report(intvit_status code, const char *message, intvit_error *error) noexcept;

// Runs `work`, which returns a Status. Lets no exception out: std::bad_alloc becomes INTVIT_OUT_OF_MEMORY. Only what
// glibc unwinds the stack with when a thread is cancelled, or ends itself in a callback, passes, because a program in
// which it is caught is aborted.
template <typename Work> intvit_status guarded(intvit_error *error, const Work &work) {
  try {
    return report(work(), error);
  } catch (const std::bad_alloc &) {
    return report(INTVIT_OUT_OF_MEMORY, "not enough memory", error);
#ifdef __GLIBCXX__
  } catch (const abi::__forced_unwind &) {
    throw;
#endif
  } catch (...) {
    return report(INTVIT_INTERNAL, "an exception was thrown where none may be", error);
  }
}

} // namespace intvit::api
