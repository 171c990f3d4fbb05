#include "engine/status.hpp"

namespace intvit {

std::string_view name(StatusCode code) {
  switch (code) {
  case StatusCode::ok:
    return "ok";
  case StatusCode::io:
    return "io";
  case StatusCode::bad_format:
    return "bad_format";
  case StatusCode::unsupported:
    return "unsupported";
  case StatusCode::bad_argument:
    return "bad_argument";
  case StatusCode::out_of_memory:
    return "out_of_memory";
  case StatusCode::not_available:
    return "not_available";
  case StatusCode::cancelled:
    return "cancelled";
  }
  return "unknown";
}

Status Status::in(std::string_view context) const {
  return Status(code_, std::string(context) + ": " + message_);
}

} // namespace intvit
