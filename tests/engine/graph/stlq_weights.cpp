// STLQ weights, encoded and decoded, against the formula they stand for.
#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "engine/ops/stlq_weights.hpp"

namespace intvit {
namespace {

// Codes and flags of a matrix.
struct Codes {
  int out_features;
  int in_features;
  std::vector<std::int8_t> first;
  std::vector<std::int8_t> second;
  std::vector<std::uint8_t> two_words;

  std::size_t tile(std::size_t n, std::size_t k) const {
    return n / 64 * ((static_cast<std::size_t>(in_features) + 3) / 4) + k / 4;
  }
};

Codes random_codes(std::mt19937 &generator, int out_features, int in_features) {
  Codes codes{out_features, in_features, {}, {}, {}};
  const auto draw = [&] { return static_cast<std::int8_t>(static_cast<int>(generator() % 15) - 7); };
  const auto out = static_cast<std::size_t>(out_features);
  const auto in = static_cast<std::size_t>(in_features);
  codes.two_words.resize((out + 63) / 64 * ((in + 3) / 4));
  for (std::uint8_t &flag : codes.two_words)
    flag = static_cast<std::uint8_t>(generator() % 2);
  for (std::size_t n = 0; n < out; ++n)
    for (std::size_t k = 0; k < in; ++k) {
      codes.first.push_back(draw());
      codes.second.push_back(codes.two_words[codes.tile(n, k)] != 0 ? draw() : std::int8_t{0});
    }
  return codes;
}

// The paper's LogDequant, times 2^7.
double dequantize(int code) {
  return code == 0 ? 0 : std::copysign(std::ldexp(128.0, -std::abs(code)), code);
}

Result<StlqWeights> encode(const Codes &codes) {
  return encode_stlq(codes.out_features, codes.in_features, codes.first, codes.second, codes.two_words);
}

TEST_CASE("STLQ weights: decoding gives what the codes stand for, whatever the matrix's sides") {
  std::mt19937 generator(1);
  for (const int out : {1, 63, 64, 65, 130})
    for (const int in : {1, 2, 3, 4, 5, 31, 32, 33, 64}) {
      const Codes codes = random_codes(generator, out, in);
      const Result<StlqWeights> weights = encode(codes);
      REQUIRE(weights.ok());
      CHECK(weights->first.size() == static_cast<std::size_t>(out * ((in + 1) / 2)));
      CHECK(weights->tiles.size() == static_cast<std::size_t>((out + 63) / 64 * (((in + 3) / 4 + 7) / 8)));
      const auto selected =
          static_cast<std::size_t>(std::count(codes.two_words.begin(), codes.two_words.end(), std::uint8_t{1}));
      CHECK(weights->second.size() == 128 * selected);
      CHECK(weights->two_word_tiles() == selected);
      CHECK(weights->tile_count() == codes.two_words.size());

      const std::vector<std::int8_t> values = decode_stlq(*weights);
      REQUIRE(values.size() == codes.first.size());
      for (std::size_t i = 0; i < values.size(); ++i) {
        const double exact = dequantize(codes.first[i]) + dequantize(codes.second[i]);
        REQUIRE(values[i] == std::clamp(exact, -127.0, 127.0));
      }
      // Values find words again; not always the same, but of the same values.
      const Result<StlqWeights> again = encode_stlq_values(out, in, values, codes.two_words);
      REQUIRE(again.ok());
      CHECK(decode_stlq(*again) == values);
      CHECK(again->tiles == weights->tiles);
    }
}

TEST_CASE("STLQ weights: where the first word, its bit and its second word stand") {
  Codes codes{65, 5, std::vector<std::int8_t>(65 * 5), std::vector<std::int8_t>(65 * 5), {0, 1, 1, 0}};
  codes.first[2 * 5 + 3] = -1;
  codes.first[2 * 5 + 4] = 7;
  codes.second[2 * 5 + 4] = 3;
  codes.second[64 * 5 + 1] = -2;
  const Result<StlqWeights> weights = encode(codes);
  REQUIRE(weights.ok());
  CHECK(weights->first[2 * 3 + 1] == 0xF0);
  CHECK(weights->first[2 * 3 + 2] == 0x07);
  CHECK(weights->tiles == std::vector<std::uint8_t>{2, 1});
  CHECK(weights->second[2 * 2] == 0x03);
  CHECK(weights->second[128] == 0xE0);
  CHECK(std::count(weights->second.begin(), weights->second.end(), 0) == 254);
  const std::vector<std::int8_t> values = decode_stlq(*weights);
  CHECK(values[2 * 5 + 3] == -64);
  CHECK(values[2 * 5 + 4] == 1 + 16);
  CHECK(values[64 * 5 + 1] == -32);
}

TEST_CASE("STLQ weights: every value that one or two words have is encoded, no other") {
  for (const bool two : {false, true})
    for (int value = -128; value < 128; ++value) {
      bool exists = false;
      for (int first = -7; first <= 7; ++first)
        for (int second = two ? -7 : 0; second <= (two ? 7 : 0); ++second)
          exists |= std::clamp(dequantize(first) + dequantize(second), -127.0, 127.0) == value;
      const std::vector<std::int8_t> values{static_cast<std::int8_t>(value)};
      const std::vector<std::uint8_t> flags{static_cast<std::uint8_t>(two)};
      const Result<StlqWeights> weights = encode_stlq_values(1, 1, values, flags);
      CHECK(weights.ok() == exists);
      if (weights.ok())
        CHECK(decode_stlq(*weights) == values);
      else
        CHECK(weights.status().message() == "STLQ weights: weight [0, 0] = " + std::to_string(value) +
                                                " is not the value of " + (two ? "two words" : "one word"));
    }
}

TEST_CASE("STLQ weights: what cannot be encoded") {
  const Codes good{2, 3, std::vector<std::int8_t>(6), std::vector<std::int8_t>(6), {1}};
  REQUIRE(encode(good).ok());
  const auto message = [](const Codes &codes) {
    const Result<StlqWeights> weights = encode(codes);
    REQUIRE(!weights.ok());
    CHECK(weights.status().code() == StatusCode::bad_argument);
    return weights.status().message();
  };
  Codes codes = good;
  codes.first[4] = -8;
  CHECK(message(codes) == "STLQ weights: first word [1, 1] is -8, not from -7 to 7");
  codes = good;
  codes.second[5] = 8;
  CHECK(message(codes) == "STLQ weights: second word [1, 2] is 8, not from -7 to 7");
  codes = good;
  codes.first.pop_back();
  CHECK(message(codes) == "STLQ weights: the number of words does not fit the matrix");
  codes = good;
  codes.second.clear();
  CHECK(message(codes) == "STLQ weights: the number of second words is not that of first words");
  codes.two_words = {0};
  CHECK(encode(codes).ok());
  codes = good;
  codes.two_words.push_back(0);
  CHECK(message(codes) == "STLQ weights: the number of flags does not fit the matrix");
  codes.two_words = {2};
  CHECK(message(codes) == "STLQ weights: a flag is neither 0 nor 1");
  codes.two_words = {0};
  codes.second[2] = 1;
  CHECK(message(codes) == "STLQ weights: second word [0, 2] is in a tile without");
  codes = good;
  codes.out_features = 0;
  CHECK(message(codes) == "STLQ weights: the matrix is empty");
}

} // namespace
} // namespace intvit
