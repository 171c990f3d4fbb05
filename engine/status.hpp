// How the engine reports failure: as a value. Nothing in kernels/ or engine/ throws, prints or exits.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace intvit {

enum class StatusCode : std::uint8_t {
  ok,
  io,            // a file cannot be opened, read or written
  bad_format,    // bytes that are not what they should be: truncated, corrupt, of another kind
  unsupported,   // well-formed, but needs what this build does not have
  bad_argument,  // the caller asked for something impossible
  out_of_memory, // more memory is needed than there is
  not_available, // there is no such result
  cancelled,     // the caller asked for it while it ran
};

// The code's name, for logs and JSON output.
std::string_view name(StatusCode code);

// A code and a message for a person: what was wrong and, where it helps, what to do. Begins with the file's name where
// a file is at fault.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::ok; }
  StatusCode code() const { return code_; }
  const std::string &message() const { return message_; }

  // The same failure with "context: " in front of its message.
  Status in(std::string_view context) const;

private:
  StatusCode code_ = StatusCode::ok;
  std::string message_;
};

// A value, or the reason why there is none.
template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : status_(std::move(status)) { assert(!status_.ok()); }

  bool ok() const { return value_.has_value(); }
  const Status &status() const { return status_; }

  // Only where ok() holds.
  T &operator*() { return *value_; }
  const T &operator*() const { return *value_; }
  T *operator->() { return &*value_; }
  const T *operator->() const { return &*value_; }

private:
  std::optional<T> value_;
  Status status_;
};

} // namespace intvit
