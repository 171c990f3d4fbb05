// Text as characters, brought into the forms that tokenizers expect.
#pragma once

#include <string>
#include <string_view>

namespace intvit::unicode {

// The characters of valid UTF-8; a byte that is none becomes U+FFFD.
std::u32string characters(std::string_view utf8);
std::string utf8(std::u32string_view text);
void append_utf8(char32_t character, std::string &text);

bool is_letter(char32_t character);  // category L*
bool is_numeral(char32_t character); // category N*
bool is_space(char32_t character);   // White_Space

// Normalization form C: characters with their marks composed where Unicode has them so.
std::u32string nfc(std::u32string_view text);

// Every character by itself, whatever stands around it.
std::u32string lower(std::u32string_view text);
// The same, but a capital sigma at the end of a word becomes the sigma that stands there, as in Python.
std::u32string lower_words(std::u32string_view text);

} // namespace intvit::unicode
