#include "engine/container/utf8.hpp"

#include <catch2/catch.hpp>

namespace intvit {
namespace {

// Encodes any value of up to 21 bits in `length` bytes, well-formed or not.
std::string encode(std::uint32_t value, std::size_t length) {
  if (length == 1)
    return std::string(1, static_cast<char>(value));
  std::string text(length, '\0');
  for (std::size_t i = length - 1; i > 0; --i, value >>= 6)
    text[i] = static_cast<char>(0x80 | (value & 0x3F));
  text[0] = static_cast<char>((0xF00 >> length & 0xFF) | value);
  return text;
}

TEST_CASE("UTF-8 of every code point is valid in its shortest form alone, and surrogates never") {
  for (std::uint32_t value = 0; value < 0x110000; ++value) {
    const std::size_t shortest = value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
    const bool surrogate = value >= 0xD800 && value < 0xE000;
    for (std::size_t length = shortest; length <= 4; ++length) {
      const bool valid = length == shortest && !surrogate;
      if (valid_utf8_prefix(encode(value, length)) != (valid ? length : 0))
        FAIL("U+" << std::hex << value << " in " << length << " bytes");
    }
  }
  for (std::uint32_t value = 0x110000; value < 0x200000; ++value)
    if (valid_utf8_prefix(encode(value, 4)) != 0)
      FAIL("beyond Unicode: " << std::hex << value);
}

TEST_CASE("UTF-8 that is cut or broken ends the valid prefix") {
  CHECK(valid_utf8_prefix("") == 0);
  CHECK(valid_utf8_prefix("caf\xC3\xA9") == 5);
  CHECK(valid_utf8_prefix("caf\xC3") == 3);
  CHECK(valid_utf8_prefix("caf\xE9 noir") == 3);
  CHECK(valid_utf8_prefix("a\x80") == 1);
  CHECK(valid_utf8_prefix("\xF0\x9F\x98") == 0);
  CHECK(valid_utf8_prefix("\xE2\x82(") == 0);
  CHECK(valid_utf8_prefix("\xFF") == 0);
}

TEST_CASE("bytes that are not UTF-8 are replaced, each by one mark") {
  CHECK(replace_invalid_utf8("") == "");
  CHECK(replace_invalid_utf8("caf\xC3\xA9") == "caf\xC3\xA9");
  CHECK(replace_invalid_utf8("caf\xE9!\xFF\xFE") == "caf\xEF\xBF\xBD!\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("text that is shown stays on its line and commands no terminal") {
  for (const char *plain :
       {"", "a cat", "\xC3\xA9t\xC3\xA9", "\xE7\x8C\xAB", "\xF0\x9F\x90\x88", "C:\\a", "\"a\", 'b'"})
    CHECK(printable(plain) == plain);
  CHECK(printable("a\nb\r\tc") == R"(a\nb\r\tc)");
  CHECK(printable(std::string_view("\0a", 2)) == R"(\x00a)");
  CHECK(printable("\x1b]0;title\x07\x7f") == R"(\x1b]0;title\x07\x7f)");
  CHECK(printable("\xC2\x9B"
                  "31m") == R"(\u009b31m)"); // CSI in one character
  CHECK(printable("\xE2\x80\xAE"
                  "gpj.exe") == R"(\u202egpj.exe)"); // read from right to left
  CHECK(printable("\xE2\x80\xA8") == R"(\u2028)");
  CHECK(printable("\xD8\x9C\xE2\x81\xA6\xEF\xBB\xBF") == R"(\u061c\u2066\ufeff)");
  CHECK(printable("\xFF"
                  "a\xC3") == R"(\xffa\xc3)");
  // Whatever the bytes are, the result is one line of valid UTF-8 without controls.
  std::string bytes;
  std::uint32_t state = 1;
  for (int i = 0; i < 100'000; ++i) {
    state = state * 1664525U + 1013904223U;
    bytes += static_cast<char>(state >> 24);
  }
  const std::string shown = printable(bytes);
  CHECK(valid_utf8_prefix(shown) == shown.size());
  for (const char c : shown)
    REQUIRE((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
}

TEST_CASE("bytes that are not UTF-8 become escapes of which they can be told again") {
  CHECK(escape_bytes("caf\xC3\xA9 \\ \\n \\x \\xg0", false) == "caf\xC3\xA9 \\ \\n \\x \\xg0");
  CHECK(escape_bytes("\xFF\\xff\xC3", false) == R"(\xff\x5cxff\xc3)");
  CHECK(escape_bytes("\x1b\t\xC2\x9B", false) == "\x1b\t\xC2\x9B");
  CHECK(escape_bytes(std::string_view("\x1b\t\r\n\0\x7f\xC2\x9B\xE2\x80\xAE", 11), true) ==
        "\\x1b\t\r\n\\x00\\x7f\\xc2\\x9b\xE2\x80\xAE");
  const auto bytes_of = [](std::string text) {
    for (std::size_t at = 0; (at = text.find("\\x", at)) != std::string::npos; ++at)
      if (text.find_first_not_of("0123456789abcdef", at + 2) >= at + 4 && text.size() >= at + 4)
        text.replace(at, 4, 1, static_cast<char>(std::stoi(text.substr(at + 2, 2), nullptr, 16)));
    return text;
  };
  std::uint32_t state = 1;
  for (int i = 0; i < 10'000; ++i) {
    std::string bytes;
    for (int j = 0; j < 12; ++j) {
      state = state * 1664525U + 1013904223U;
      bytes += (state >> 24) % 2 == 0 ? "\\x0af\x1b"[(state >> 25) % 6] : static_cast<char>(state >> 16);
    }
    for (const bool controls : {false, true}) {
      const std::string escaped = escape_bytes(bytes, controls);
      CHECK(valid_utf8_prefix(escaped) == escaped.size());
      CHECK(bytes_of(escaped) == bytes);
    }
  }
}

TEST_CASE("text quoted for a message stays on one line and is cut where it is long") {
  CHECK(quoted_for_message("blocks.0.norm1.weight") == "\"blocks.0.norm1.weight\"");
  CHECK(quoted_for_message("a\"b\\c\n\x1b[31m\xC3\xA9") == R"("a\"b\\c\x0a\x1b[31m\xc3\xa9")");
  CHECK(quoted_for_message(std::string(120, 'x')) == '"' + std::string(120, 'x') + '"');
  CHECK(quoted_for_message(std::string(121, 'x')) == '"' + std::string(120, 'x') + "...\"");
}

} // namespace
} // namespace intvit
