#include "models/text/unicode.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "engine/container/utf8.hpp"
#include "models/text/unicode_tables.hpp"

namespace intvit::unicode {

namespace {

// The entry of a table of ranges in which a character is, or null.
template <class Entry> const Entry *find(std::span<const Entry> table, char32_t character) {
  const auto after = std::upper_bound(table.begin(), table.end(), character,
                                      [](char32_t c, const Entry &entry) { return c < entry.first; });
  if (after == table.begin())
    return nullptr;
  const Entry &entry = *(after - 1);
  return character <= entry.last ? &entry : nullptr;
}

int combining_class(char32_t character) {
  const ClassRange *range = find(combining_classes(), character);
  return range == nullptr ? 0 : range->combining_class;
}

// Hangul syllables are composed of a leading consonant, a vowel and perhaps a trailing consonant (Unicode, 3.12).
constexpr char32_t syllables = 0xAC00;
constexpr char32_t leading = 0x1100;
constexpr char32_t vowels = 0x1161;
constexpr char32_t trailing = 0x11A7; // one before the first
constexpr char32_t leading_count = 19;
constexpr char32_t vowel_count = 21;
constexpr char32_t trailing_count = 28;
constexpr char32_t syllable_count = leading_count * vowel_count * trailing_count;

struct Tables {
  std::map<char32_t, std::pair<char32_t, char32_t>> decomposition;
  std::map<std::pair<char32_t, char32_t>, char32_t> composition;

  Tables() {
    for (const std::span<const Decomposition> table : {composed(), decomposed()})
      for (const Decomposition &entry : table)
        decomposition.emplace(entry.code, std::pair<char32_t, char32_t>(entry.first, entry.second));
    for (const Decomposition &entry : composed())
      composition.emplace(std::pair<char32_t, char32_t>(entry.first, entry.second), entry.code);
  }
};

const Tables &tables() {
  static const Tables all;
  return all;
}

void decompose(char32_t character, std::u32string &text) {
  if (character >= syllables && character < syllables + syllable_count) {
    const char32_t index = character - syllables;
    text += static_cast<char32_t>(leading + index / (vowel_count * trailing_count));
    text += static_cast<char32_t>(vowels + index / trailing_count % vowel_count);
    if (index % trailing_count != 0)
      text += static_cast<char32_t>(trailing + index % trailing_count);
    return;
  }
  const auto found = tables().decomposition.find(character);
  if (found == tables().decomposition.end()) {
    text += character;
    return;
  }
  decompose(found->second.first, text);
  if (found->second.second != 0)
    decompose(found->second.second, text);
}

// 0 where there is no such character.
char32_t compose(char32_t first, char32_t second) {
  if (first >= leading && first < leading + leading_count && second >= vowels && second < vowels + vowel_count)
    return syllables + ((first - leading) * vowel_count + (second - vowels)) * trailing_count;
  if (first >= syllables && first < syllables + syllable_count && (first - syllables) % trailing_count == 0 &&
      second > trailing && second < trailing + trailing_count)
    return first + (second - trailing);
  const auto found = tables().composition.find({first, second});
  return found == tables().composition.end() ? 0 : found->second;
}

// Marks behind a character in the order of their classes.
void sort_marks(std::u32string &text) {
  for (auto begin = text.begin(); begin != text.end();) {
    if (combining_class(*begin) == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, text.end(), [](char32_t c) { return combining_class(c) == 0; });
    std::stable_sort(begin, end, [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
}

} // namespace

std::u32string characters(std::string_view utf8) {
  std::u32string result;
  const std::string text = replace_invalid_utf8(utf8);
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const int more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    char32_t character = more == 0 ? lead : lead & (0x3FU >> more);
    for (int byte = 1; byte <= more; ++byte)
      character = character << 6 | (static_cast<unsigned char>(text[i + static_cast<std::size_t>(byte)]) & 0x3FU);
    result += character;
    i += static_cast<std::size_t>(more) + 1;
  }
  return result;
}

void append_utf8(char32_t character, std::string &text) {
  const auto append = [&](char32_t byte) { text += static_cast<char>(byte); };
  const int more = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
  if (more == 0)
    return append(character);
  append((0xFF00U >> (more + 1) & 0xFFU) | character >> (6 * more));
  for (int byte = more - 1; byte >= 0; --byte)
    append(0x80U | (character >> (6 * byte) & 0x3FU));
}

std::string utf8(std::u32string_view text) {
  std::string result;
  for (const char32_t character : text)
    append_utf8(character, result);
  return result;
}

bool is_letter(char32_t character) {
  return find(letters(), character) != nullptr;
}

bool is_numeral(char32_t character) {
  return find(numbers(), character) != nullptr;
}

bool is_space(char32_t character) {
  return (character >= 0x9 && character <= 0xD) || character == 0x20 || character == 0x85 || character == 0xA0 ||
         character == 0x1680 || (character >= 0x2000 && character <= 0x200A) || character == 0x2028 ||
         character == 0x2029 || character == 0x202F || character == 0x205F || character == 0x3000;
}

std::u32string nfc(std::u32string_view text) {
  std::u32string apart;
  for (const char32_t character : text)
    decompose(character, apart);
  sort_marks(apart);
  // A character is composed with the last that is no mark, unless one between them has the same class or none.
  std::u32string result;
  std::size_t starter = std::u32string::npos;
  int last_class = 0;
  for (const char32_t character : apart) {
    const int mark = combining_class(character);
    const bool blocked =
        starter == std::u32string::npos || (result.size() - 1 != starter && (last_class == 0 || last_class >= mark));
    if (const char32_t whole = blocked ? 0 : compose(result[starter], character); whole != 0) {
      result[starter] = whole;
      continue;
    }
    if (mark == 0)
      starter = result.size();
    last_class = mark;
    result += character;
  }
  return result;
}

namespace {

// Letters that are small or capital, of those that have the other form; and two small ones that are no capital's.
bool is_cased(char32_t character) {
  static const std::set<char32_t> small = [] {
    std::set<char32_t> all;
    for (const LowerRange &range : lower_case())
      for (std::uint32_t code = range.first; code <= range.last; code += range.step)
        all.insert(static_cast<char32_t>(static_cast<std::int64_t>(code) + range.distance));
    return all;
  }();
  return small.contains(character) || lower(std::u32string(1, character))[0] != character || character == U'\u00df' ||
         character == U'\u03c2';
}

// What stands between the letters of a word without ending it.
bool is_inside_words(char32_t character) {
  return combining_class(character) != 0 ||
         std::u32string_view(U"'.:^`\u00a8\u00ad\u00af\u00b4\u00b7\u00b8\u2019").find(character) !=
             std::u32string_view::npos;
}

} // namespace

std::u32string lower_words(std::u32string_view text) {
  constexpr char32_t capital = U'\u03a3';
  std::u32string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != capital) {
      result += lower(text.substr(i, 1));
      continue;
    }
    std::size_t before = i;
    while (before > 0 && is_inside_words(text[before - 1]))
      --before;
    std::size_t after = i + 1;
    while (after < text.size() && is_inside_words(text[after]))
      ++after;
    const bool ends = before > 0 && is_cased(text[before - 1]) && !(after < text.size() && is_cased(text[after]));
    result += ends ? U'\u03c2' : U'\u03c3';
  }
  return result;
}

std::u32string lower(std::u32string_view text) {
  std::u32string result;
  for (const char32_t character : text) {
    if (character == 0x130) { // the only one whose lower case is two characters
      result += U"i\u0307";
      continue;
    }
    const LowerRange *range = find(lower_case(), character);
    const bool moves = range != nullptr && (character - range->first) % range->step == 0;
    result += moves ? static_cast<char32_t>(static_cast<std::int64_t>(character) + range->distance) : character;
  }
  return result;
}

} // namespace intvit::unicode
