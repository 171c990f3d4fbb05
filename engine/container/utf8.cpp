#include "engine/container/utf8.hpp"

#include <algorithm>
#include <cstdint>

namespace intvit {
namespace {

// The length of the valid code point at the front of a non-empty `text`, or 0 where there is none.
std::size_t code_point_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80)
    return 1;
  // The second byte's range excludes overlong forms (E0, F0), surrogates (ED) and code points above U+10FFFF (F4).
  std::size_t length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    low = lead == 0xE0 ? 0xA0 : 0x80;
    high = lead == 0xED ? 0x9F : 0xBF;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    low = lead == 0xF0 ? 0x90 : 0x80;
    high = lead == 0xF4 ? 0x8F : 0xBF;
  }
  if (length == 0 || text.size() < length || byte(1) < low || byte(1) > high)
    return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80)
      return 0;
  return length;
}

// Of a valid one.
std::uint32_t code_point(std::string_view text) {
  std::uint32_t code = static_cast<std::uint8_t>(text.front());
  if (text.size() > 1)
    code &= 0x7FU >> text.size();
  for (const char next : text.substr(1))
    code = code << 6 | (static_cast<std::uint8_t>(next) & 0x3FU);
  return code;
}

// Controls of the second set, and what Unicode has for lines and directions (its category Bidi_Control).
bool changes_the_line(std::uint32_t code) {
  return (code >= 0x80 && code <= 0x9F) || code == 0x61C || code == 0x200E || code == 0x200F ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

} // namespace

std::size_t valid_utf8_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = code_point_length(text.substr(at));
    if (length == 0)
      break;
    at += length;
  }
  return at;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::size_t length = valid_utf8_prefix(text);
    valid += text.substr(0, length);
    text.remove_prefix(length);
    if (!text.empty()) {
      valid += "\xEF\xBF\xBD"; // U+FFFD
      text.remove_prefix(1);
    }
  }
  return valid;
}

std::string printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string shown;
  const auto escape = [&](char letter, std::uint32_t value, int figures) {
    shown += '\\';
    shown += letter;
    for (int shift = 4 * (figures - 1); shift >= 0; shift -= 4)
      shown += digits[value >> shift & 15U];
  };
  while (!text.empty()) {
    const std::size_t length = code_point_length(text);
    const auto first = static_cast<std::uint8_t>(text.front());
    if (first == '\n' || first == '\r' || first == '\t') {
      shown += first == '\n' ? "\\n" : first == '\r' ? "\\r" : "\\t";
    } else if (length == 0 || first < 0x20 || first == 0x7F) {
      escape('x', first, 2);
    } else if (const std::uint32_t code = code_point(text.substr(0, length)); changes_the_line(code)) {
      escape('u', code, 4);
    } else {
      shown += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return shown;
}

std::string escape_bytes(std::string_view text, bool controls) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto is_digit = [&](std::size_t i) { return digits.find(text[i]) != std::string_view::npos; };
  std::string escaped;
  while (!text.empty()) {
    const std::size_t valid = code_point_length(text);
    const std::size_t length = std::max<std::size_t>(valid, 1);
    const char first = text.front();
    bool escape = valid == 0 || (first == '\\' && text.size() > 3 && text[1] == 'x' && is_digit(2) && is_digit(3));
    if (controls && valid != 0 && first != '\t' && first != '\n' && first != '\r') {
      const std::uint32_t code = code_point(text.substr(0, length));
      escape = escape || code < 0x20 || (code >= 0x7F && code <= 0x9F);
    }
    for (std::size_t i = 0; i < length; ++i) {
      const auto byte = static_cast<std::uint8_t>(text[i]);
      if (escape)
        escaped += {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
      else
        escaped += text[i];
    }
    text.remove_prefix(length);
  }
  return escaped;
}

std::string quoted_for_message(std::string_view text) {
  constexpr std::size_t limit = 120;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char character : text.substr(0, limit)) {
    const auto code = static_cast<std::uint8_t>(character);
    if (character == '"' || character == '\\') {
      quoted += '\\';
      quoted += character;
    } else if (code >= 0x20 && code < 0x7F) {
      quoted += character;
    } else {
      quoted += "\\x";
      quoted += digits[code >> 4];
      quoted += digits[code & 15];
    }
  }
  quoted += text.size() > limit ? "...\"" : "\"";
  return quoted;
}

} // namespace intvit
