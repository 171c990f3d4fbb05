// Characters and their forms, against what the Unicode standard and Python's unicodedata say of them.
#include "models/text/unicode.hpp"

#include <catch2/catch.hpp>

using namespace intvit::unicode;

TEST_CASE("unicode: UTF-8 is read and written, and bytes that are none become U+FFFD") {
  const std::u32string text = U"a\u00e9\u65e5\U0001F600\u07ff\u0800\uffff\U00010000\U0010ffff";
  CHECK(characters(
            "a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") ==
        text);
  CHECK(characters(utf8(text)) == text);
  CHECK(characters("a\xff"
                   "b") == U"a\ufffd"
                           U"b");
  CHECK(characters("").empty());
}

TEST_CASE("unicode: letters, numbers, spaces") {
  for (const char32_t c : {U'a', U'Z', U'\u00e9', U'\u03a9', U'\u05d0', U'\u0905', U'\u65e5', U'\uac00', U'\U00020000'})
    CHECK((is_letter(c) && !is_numeral(c) && !is_space(c)));
  for (const char32_t c : {U'0', U'9', U'\u0664', U'\u00bd', U'\u2167', U'\u00b2'})
    CHECK((!is_letter(c) && is_numeral(c) && !is_space(c)));
  for (const char32_t c : {U' ', U'\t', U'\n', U'\u0085', U'\u00a0', U'\u2009', U'\u3000', U'\u2028'})
    CHECK((!is_letter(c) && !is_numeral(c) && is_space(c)));
  for (const char32_t c : {U'!', U'_', U'\u0301', U'\u093f', U'\U0001F600', U'\u200d', U'\u200b', U'\0', U'\U0010ffff'})
    CHECK((!is_letter(c) && !is_numeral(c) && !is_space(c)));
}

TEST_CASE("unicode: normalization form C") {
  CHECK(nfc(U"e\u0301") == U"\u00e9");
  CHECK(nfc(U"\u00e9") == U"\u00e9");
  CHECK(nfc(U"\u1100\u1161\u11a8") == U"\uac01"); // Hangul
  CHECK(nfc(U"\uac00\u11a8") == U"\uac01");
  CHECK(nfc(U"a\u0301\u0327") == U"\u00e1\u0327"); // marks in the order of their classes: 202 before 230
  CHECK(nfc(U"c\u0301\u0327") == U"\u1e09");
  CHECK(nfc(U"\u212b") == U"\u00c5");       // the unit of length is a letter
  CHECK(nfc(U"\u0958") == U"\u0915\u093c"); // not composed again
  CHECK(nfc(U"\u0301e") == U"\u0301e");
  CHECK(nfc(U"\uf900") == U"\u8c48");
  CHECK(nfc(U"q\u0307\u0323") == U"q\u0323\u0307");
  CHECK(nfc(U"\u1e9b\u0323") == U"\u1e9b\u0323");
  CHECK(nfc(U"").empty());
}

TEST_CASE("unicode: lower case, character by character") {
  CHECK(lower(U"ABC xyz") == U"abc xyz");
  CHECK(lower(U"\u00c9\u0410\u0393\u03a3\u1e9e") == U"\u00e9\u0430\u03b3\u03c3\u00df");
  CHECK(lower(U"\u0130") == U"i\u0307"); // a letter and a mark
  CHECK(lower(U"\u01c5\u0178\u2126\U00010400") == U"\u01c6\u00ff\u03c9\U00010428");
  CHECK(lower(U"\u65e51!") == U"\u65e51!");
}

TEST_CASE("unicode: lower case of words, with the sigma that ends them") {
  CHECK(lower_words(U"\u039f\u03a3 \u03a3\u039f \u03a3") == U"\u03bf\u03c2 \u03c3\u03bf \u03c3");
  CHECK(lower_words(U"A\u03a3b A\u03a31 1\u03a3 A\u0301\u03a3\u0301.") ==
        U"a\u03c3b a\u03c21 1\u03c3 a\u0301\u03c2\u0301.");
  CHECK(lower_words(U"\u03a3\u03a3") == U"\u03c3\u03c2");
  CHECK(lower_words(U"\u05d0\u03a3") == U"\u05d0\u03c3"); // behind a letter without case
  CHECK(lower_words(U"\u0130X") == U"i\u0307x");
}
