#include "engine/api/status.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

namespace {

struct Row {
  intvit_status status;
  const char *name;
  const char *message;
};

constexpr std::array<Row, 8> rows = {{
    {INTVIT_OK, "INTVIT_OK", "success"},
    {INTVIT_IO, "INTVIT_IO", "a file cannot be opened or read"},
    {INTVIT_BAD_FORMAT, "INTVIT_BAD_FORMAT", "the bytes are truncated, corrupt or of another kind"},
    {INTVIT_UNSUPPORTED, "INTVIT_UNSUPPORTED",
     "well-formed, but needs what this build or this processor does not have"},
    {INTVIT_BAD_ARGUMENT, "INTVIT_BAD_ARGUMENT", "something impossible was asked for"},
    {INTVIT_OUT_OF_MEMORY, "INTVIT_OUT_OF_MEMORY", "more memory is needed than there is"},
    {INTVIT_NOT_AVAILABLE, "INTVIT_NOT_AVAILABLE", "the model has no such output, or there was no run yet"},
    {INTVIT_INTERNAL, "INTVIT_INTERNAL", "a defect of the library, or an exception out of a callback"},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (static_cast<std::size_t>(rows[i].status) != i)
      return false;
  return true;
}
static_assert(in_order(), "a status is the index of its row");

constexpr Row unknown = {INTVIT_INTERNAL, "unknown status", "unknown status"};

// A caller in C may pass any number.
const Row &row(intvit_status status) {
  const auto index = static_cast<std::size_t>(static_cast<unsigned>(status));
  return index < rows.size() ? rows[index] : unknown;
}

// How many bytes of `text` fit without cutting a UTF-8 character.
std::size_t fitting(std::string_view text, std::size_t limit) {
  if (text.size() <= limit)
    return text.size();
  std::size_t size = limit;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
    --size;
  return size;
}

intvit_status fill(intvit_status status, std::string_view message, intvit_error *error) {
  if (error != nullptr) {
    error->status = status;
    const std::size_t size = fitting(message, sizeof error->message - 1);
    std::copy_n(message.data(), size, error->message);
    error->message[size] = '\0';
  }
  return status;
}

} // namespace

namespace intvit::api {

intvit_status report(const Status &status, intvit_error *error) noexcept {
  // The interface's codes begin with the engine's, in the same order.
  static_assert(static_cast<int>(StatusCode::ok) == INTVIT_OK && static_cast<int>(StatusCode::io) == INTVIT_IO &&
                static_cast<int>(StatusCode::bad_format) == INTVIT_BAD_FORMAT &&
                static_cast<int>(StatusCode::unsupported) == INTVIT_UNSUPPORTED &&
                static_cast<int>(StatusCode::bad_argument) == INTVIT_BAD_ARGUMENT &&
                static_cast<int>(StatusCode::out_of_memory) == INTVIT_OUT_OF_MEMORY &&
                static_cast<int>(StatusCode::not_available) == INTVIT_NOT_AVAILABLE);
  return fill(static_cast<intvit_status>(status.code()), status.message(), error);
}

intvit_status report(intvit_status code, const char *message, intvit_error *error) noexcept {
  return fill(code, message, error);
}

} // namespace intvit::api

extern "C" const char *intvit_status_name(intvit_status status) {
  return row(status).name;
}

extern "C" const char *intvit_status_message(intvit_status status) {
  return row(status).message;
}
