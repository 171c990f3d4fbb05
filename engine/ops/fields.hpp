// How an operation's fields are named, bounded and written: one description serves reading a graph and writing it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/ops/value.hpp"

namespace intvit {

// An operation calls one of these members for each of its fields. A reader then sets the field from the file or notes
// an error; a writer writes it and leaves it as it is.
class Fields {
public:
  virtual ~Fields() = default;

  virtual void integer(const char *key, std::int64_t &value, std::int64_t low, std::int64_t high) = 0;
  void integer(const char *key, int &value, std::int64_t low, std::int64_t high) {
    std::int64_t wide = value;
    integer(key, wide, low, high);
    value = static_cast<int>(wide);
  }
  virtual void boolean(const char *key, bool &value) = 0;
  virtual void text(const char *key, std::string &value) = 0;

  // One of a closed set: an enumeration that counts from 0, and a name for each of its first names.size() values.
  template <typename Enum> void choice(const char *key, Enum &value, std::span<const std::string_view> names) {
    int index = static_cast<int>(value);
    choose(key, index, names);
    value = static_cast<Enum>(index);
  }

  // For a field that later versions of the format added. False: it is not in the file, or has its default (`differs` is
  // false) and so is left out, and the operation does not call a member for it.
  virtual bool has(const char *key, bool differs) const = 0;

private:
  virtual void choose(const char *key, int &index, std::span<const std::string_view> names) = 0;
};

// The names of an ElementType. Where an operation writes codes only, it offers the first two.
inline constexpr std::array<std::string_view, 3> element_type_names{"int8", "int16", "int32"};

} // namespace intvit
