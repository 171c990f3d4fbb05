#include "engine/api/status.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "engine/container/utf8.hpp"

namespace {

struct Row {
  intvit_status status;
  const char *name;
  const char *message;
};

constexpr std::array<Row, 9> rows = {{
    {INTVIT_OK, "INTVIT_OK", "success"},
    {INTVIT_IO, "INTVIT_IO", "a file cannot be opened or read"},
    {INTVIT_BAD_FORMAT, "INTVIT_BAD_FORMAT", "the bytes are truncated, corrupt or of another kind"},
    {INTVIT_UNSUPPORTED, "INTVIT_UNSUPPORTED",
     "well-formed, but needs what this build or this processor does not have"},
    {INTVIT_BAD_ARGUMENT, "INTVIT_BAD_ARGUMENT", "something impossible was asked for"},
    {INTVIT_OUT_OF_MEMORY, "INTVIT_OUT_OF_MEMORY", "more memory is needed than there is"},
    {INTVIT_NOT_AVAILABLE, "INTVIT_NOT_AVAILABLE", "the model has no such output, or there was no run yet"},
    {INTVIT_INTERNAL, "INTVIT_INTERNAL", "a defect of the library, or an exception out of a callback"},
    {INTVIT_CANCELLED, "INTVIT_CANCELLED", "the caller asked a run to end before it was done"},
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

// Whether a UTF-8 character begins at text[at], or the text ends there.
bool is_boundary(std::string_view text, std::size_t at) {
  return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U;
}

// Messages begin with a file's name and end with what is wrong: of one that does not fit, the middle is left out.
intvit_status fill(intvit_status status, std::string_view message, intvit_error *error) {
  if (error == nullptr)
    return status;
  error->status = status;
  constexpr std::size_t limit = sizeof error->message - 1;
  constexpr std::string_view gap = " ... ";
  char *end = error->message;
  if (message.size() <= limit) {
    end = std::copy(message.begin(), message.end(), end);
  } else {
    std::size_t head = limit / 3;
    while (!is_boundary(message, head))
      --head;
    std::size_t tail = message.size() - (limit - head - gap.size());
    while (!is_boundary(message, tail))
      ++tail;
    end = std::copy_n(message.begin(), head, end);
    end = std::copy(gap.begin(), gap.end(), end);
    end = std::copy(message.begin() + static_cast<std::ptrdiff_t>(tail), message.end(), end);
  }
  *end = '\0';
  return status;
}

} // namespace

namespace intvit::api {

intvit_status report(const Status &status, intvit_error *error) {
  // The interface's codes begin with the engine's, in the same order; INTVIT_INTERNAL stands before what came later.
  static_assert(static_cast<int>(StatusCode::ok) == INTVIT_OK && static_cast<int>(StatusCode::io) == INTVIT_IO &&
                static_cast<int>(StatusCode::bad_format) == INTVIT_BAD_FORMAT &&
                static_cast<int>(StatusCode::unsupported) == INTVIT_UNSUPPORTED &&
                static_cast<int>(StatusCode::bad_argument) == INTVIT_BAD_ARGUMENT &&
                static_cast<int>(StatusCode::out_of_memory) == INTVIT_OUT_OF_MEMORY &&
                static_cast<int>(StatusCode::not_available) == INTVIT_NOT_AVAILABLE);
  const auto code =
      status.code() == StatusCode::cancelled ? INTVIT_CANCELLED : static_cast<intvit_status>(status.code());
  return fill(code, error == nullptr ? "" : printable(status.message()), error);
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
