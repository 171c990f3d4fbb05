// What Unicode says of characters, as far as tokenizers ask. scripts/make-unicode-tables.py writes the tables; all are
// in ascending order.
#pragma once

#include <cstdint>
#include <span>

namespace intvit::unicode {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

struct ClassRange { // of marks with a canonical combining class other than 0
  std::uint32_t first;
  std::uint32_t last;
  std::uint8_t combining_class;
};

struct LowerRange { // every `step`th character has its lower case that far from it
  std::uint32_t first;
  std::uint32_t last;
  std::uint32_t step;
  std::int32_t distance;
};

struct Decomposition { // canonical; `second` is 0 where it is one character
  std::uint32_t code;
  std::uint32_t first;
  std::uint32_t second;
};

std::span<const Range> letters(); // categories L*
std::span<const Range> numbers(); // N*
std::span<const ClassRange> combining_classes();
std::span<const LowerRange> lower_case(); // but U+0130, whose lower case is two characters
// But Hangul syllables, which follow a rule. Those that are composed again, and those that are not.
std::span<const Decomposition> composed();
std::span<const Decomposition> decomposed();

} // namespace intvit::unicode
