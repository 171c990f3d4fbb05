// Reads options whose size is set by the caller's header, which may be older or newer than this build's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "engine/status.hpp"

namespace intvit::api {

// More than any options will have: a larger size was never set.
inline constexpr std::size_t largest_options = 4096;

// Copies the fields that both headers know over the defaults in `options`. `oldest_size` is the size of the struct in
// the first version that had it. Errors: bad_argument (struct_size was not set, or cannot be one); unsupported (the
// caller sets a field that this build does not know).
template <typename Options>
Status take_options(const Options *given, std::size_t oldest_size, const char *name, Options &options) {
  if (given == nullptr)
    return {};
  const std::size_t size = given->struct_size;
  if (size < oldest_size)
    return Status(StatusCode::bad_argument, std::string("struct_size of the options is not set; begin with ") + name);
  if (size > largest_options)
    return Status(StatusCode::bad_argument, "struct_size is " + std::to_string(size) + ", which no options have");
  const auto *bytes = reinterpret_cast<const unsigned char *>(given);
  if (size > sizeof options &&
      std::any_of(bytes + sizeof options, bytes + size, [](unsigned char byte) { return byte != 0; }))
    return Status(StatusCode::unsupported, "the options hold a field that this version of the library does not know");
  std::memcpy(&options, given, std::min(size, sizeof options));
  return {};
}

} // namespace intvit::api
