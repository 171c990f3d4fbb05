// Weights of four bits, encoded and decoded, against the formula they stand for.
#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

#include "engine/ops/four_bits_weights.hpp"

namespace intvit {
namespace {

using kernels::WeightFormat;

// Codes and flags of a matrix.
struct Codes {
  WeightFormat format;
  int out_features;
  int in_features;
  std::vector<std::int8_t> first;
  std::vector<std::int8_t> second;
  std::vector<std::uint8_t> two_words;

  std::size_t group_outputs() const { return format == WeightFormat::stlq_tiles ? 64 : 1; }
  std::size_t group(std::size_t n, std::size_t k) const {
    return n / group_outputs() * ((static_cast<std::size_t>(in_features) + 3) / 4) + k / 4;
  }
};

// All codes that a first or a second word may be.
std::vector<int> all_codes(WeightFormat format, bool second) {
  if (format == WeightFormat::int4_wide && second)
    return {-3, -1, 1, 3};
  std::vector<int> codes{-7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7};
  if (format == (second ? WeightFormat::int4 : WeightFormat::int4_wide))
    codes.push_back(-8);
  return codes;
}

Codes random_codes(std::mt19937 &generator, WeightFormat format, int out_features, int in_features) {
  Codes codes{format, out_features, in_features, {}, {}, {}};
  const auto draw = [&](bool second) {
    const std::vector<int> all = all_codes(format, second);
    return static_cast<std::int8_t>(all[generator() % all.size()]);
  };
  const auto out = static_cast<std::size_t>(out_features);
  const auto in = static_cast<std::size_t>(in_features);
  codes.two_words.resize((out + codes.group_outputs() - 1) / codes.group_outputs() * ((in + 3) / 4));
  for (std::uint8_t &flag : codes.two_words)
    flag = static_cast<std::uint8_t>(generator() % 2);
  for (std::size_t n = 0; n < out; ++n)
    for (std::size_t k = 0; k < in; ++k) {
      codes.first.push_back(draw(false));
      codes.second.push_back(codes.two_words[codes.group(n, k)] != 0 ? draw(true) : std::int8_t{0});
    }
  return codes;
}

// The paper's LogDequant, times 2^7.
double dequantize(int code) {
  return code == 0 ? 0 : std::copysign(std::ldexp(128.0, -std::abs(code)), code);
}

// What a weight's codes stand for.
double value_of(WeightFormat format, int first, int second) {
  if (format == WeightFormat::int4)
    return 16 * first + second;
  if (format == WeightFormat::int4_wide)
    return 2 * first + 16 * second;
  return std::clamp(dequantize(first) + dequantize(second), -127.0, 127.0);
}

Result<FourBitWeights> encode(const Codes &codes) {
  return encode_four_bits(codes.format, codes.out_features, codes.in_features, codes.first, codes.second,
                          codes.two_words);
}

TEST_CASE("weights of four bits: decoding gives what the codes stand for, whatever the matrix's sides") {
  const auto format =
      GENERATE(WeightFormat::stlq_tiles, WeightFormat::stlq_groups, WeightFormat::int4, WeightFormat::int4_wide);
  std::mt19937 generator(1);
  for (const int out : {1, 63, 64, 65, 130})
    for (const int in : {1, 2, 3, 4, 5, 31, 32, 33, 64}) {
      const Codes codes = random_codes(generator, format, out, in);
      const Result<FourBitWeights> weights = encode(codes);
      REQUIRE(weights.ok());
      CHECK(weights->first.size() == static_cast<std::size_t>(out * ((in + 1) / 2)));
      const int outputs = static_cast<int>(codes.group_outputs());
      CHECK(weights->groups.size() ==
            static_cast<std::size_t>((out + outputs - 1) / outputs * (((in + 3) / 4 + 7) / 8)));
      const auto selected =
          static_cast<std::size_t>(std::count(codes.two_words.begin(), codes.two_words.end(), std::uint8_t{1}));
      CHECK(weights->second.size() == 2 * codes.group_outputs() * selected);
      CHECK(weights->two_word_groups() == selected);
      CHECK(weights->group_count() == codes.two_words.size());

      const std::vector<std::int8_t> values = decode_four_bits(*weights);
      REQUIRE(values.size() == codes.first.size());
      for (std::size_t i = 0; i < values.size(); ++i)
        REQUIRE(values[i] == value_of(format, codes.first[i], codes.second[i]));
      // Values find words again; not always the same, but of the same values.
      const Result<FourBitWeights> again = encode_four_bit_values(format, out, in, values, codes.two_words);
      REQUIRE(again.ok());
      CHECK(decode_four_bits(*again) == values);
      CHECK(again->groups == weights->groups);
    }
}

TEST_CASE("weights of four bits: where the first word, its bit and its second word stand") {
  Codes codes{WeightFormat::stlq_tiles,         65,          5, std::vector<std::int8_t>(65 * 5),
              std::vector<std::int8_t>(65 * 5), {0, 1, 1, 0}};
  codes.first[2 * 5 + 3] = -1;
  codes.first[2 * 5 + 4] = 7;
  codes.second[2 * 5 + 4] = 3;
  codes.second[64 * 5 + 1] = -2;
  const Result<FourBitWeights> weights = encode(codes);
  REQUIRE(weights.ok());
  CHECK(weights->first[2 * 3 + 1] == 0xF0);
  CHECK(weights->first[2 * 3 + 2] == 0x07);
  CHECK(weights->groups == std::vector<std::uint8_t>{2, 1});
  CHECK(weights->second[2 * 2] == 0x03);
  CHECK(weights->second[128] == 0xE0);
  CHECK(std::count(weights->second.begin(), weights->second.end(), 0) == 254);
  const std::vector<std::int8_t> values = decode_four_bits(*weights);
  CHECK(values[2 * 5 + 3] == -64);
  CHECK(values[2 * 5 + 4] == 1 + 16);
  CHECK(values[64 * 5 + 1] == -32);
}

TEST_CASE("weights of four bits: every value that one or two words have is encoded, no other") {
  const auto format =
      GENERATE(WeightFormat::stlq_tiles, WeightFormat::stlq_groups, WeightFormat::int4, WeightFormat::int4_wide);
  for (const bool two : {false, true})
    for (int value = -128; value < 128; ++value) {
      bool exists = false;
      for (const int first : all_codes(format, false))
        for (const int second : two ? all_codes(format, true) : std::vector<int>{0})
          exists |= value_of(format, first, second) == value;
      const std::vector<std::int8_t> values{static_cast<std::int8_t>(value)};
      const std::vector<std::uint8_t> flags{static_cast<std::uint8_t>(two)};
      const Result<FourBitWeights> weights = encode_four_bit_values(format, 1, 1, values, flags);
      CHECK(weights.ok() == exists);
      if (weights.ok())
        CHECK(decode_four_bits(*weights) == values);
      else
        CHECK(weights.status().message() == "weights of four bits: weight [0, 0] = " + std::to_string(value) +
                                                " is not the value of " + (two ? "two words" : "one word"));
    }
}

TEST_CASE("weights of four bits: what cannot be encoded") {
  const Codes good{WeightFormat::stlq_tiles, 2, 3, std::vector<std::int8_t>(6), std::vector<std::int8_t>(6), {1}};
  REQUIRE(encode(good).ok());
  const auto message = [](const Codes &codes) {
    const Result<FourBitWeights> weights = encode(codes);
    REQUIRE(!weights.ok());
    CHECK(weights.status().code() == StatusCode::bad_argument);
    return weights.status().message();
  };
  Codes codes = good;
  codes.first[4] = -8;
  CHECK(message(codes) == "weights of four bits: first word [1, 1] is -8, not from -7 to 7");
  codes = good;
  codes.second[5] = 8;
  CHECK(message(codes) == "weights of four bits: second word [1, 2] is 8, not from -7 to 7");
  codes = good;
  codes.format = WeightFormat::int4;
  codes.two_words = {1, 1};
  codes.second[5] = -8;
  CHECK(encode(codes).ok());
  codes.first[5] = -8;
  CHECK(message(codes) == "weights of four bits: first word [1, 2] is -8, not from -7 to 7");
  codes.first[5] = 0;
  codes.second[5] = -9;
  CHECK(message(codes) == "weights of four bits: second word [1, 2] is -9, not from -8 to 7");
  codes = good;
  codes.format = WeightFormat::int4_wide;
  codes.two_words = {1, 1};
  codes.first[4] = -8;
  codes.second = {-3, -1, 1, 3, -3, -1};
  CHECK(encode(codes).ok());
  codes.first[4] = 8;
  CHECK(message(codes) == "weights of four bits: first word [1, 1] is 8, not from -8 to 7");
  codes.first[4] = 0;
  codes.second[5] = 4;
  CHECK(message(codes) == "weights of four bits: second word [1, 2] is 4, not from -3 to 3");
  codes.second[5] = -4;
  CHECK(message(codes) == "weights of four bits: second word [1, 2] is -4, not from -3 to 3");
  codes = good;
  codes.first.pop_back();
  CHECK(message(codes) == "weights of four bits: the number of words does not fit the matrix");
  codes = good;
  codes.second.clear();
  CHECK(message(codes) == "weights of four bits: the number of second words is not that of first words");
  codes.two_words = {0};
  CHECK(encode(codes).ok());
  codes = good;
  codes.two_words.push_back(0);
  CHECK(message(codes) == "weights of four bits: the number of flags does not fit the matrix");
  codes.two_words = {2};
  CHECK(message(codes) == "weights of four bits: a flag is neither 0 nor 1");
  codes.two_words = {0};
  codes.second[2] = 1;
  CHECK(message(codes) == "weights of four bits: second word [0, 2] is in a group without");
  codes = good;
  codes.out_features = 0;
  CHECK(message(codes) == "weights of four bits: the matrix is empty");
}

TEST_CASE("weights of four bits: of values, as few groups have second words as can be") {
  const std::vector<std::int8_t> values{64, 0, -32, 16, 17, 0, 0, 0}; // two groups an output
  const auto groups = [&](WeightFormat format) {
    const Result<FourBitWeights> weights = encode_four_bit_values(format, 1, 8, values);
    REQUIRE(weights.ok());
    CHECK(decode_four_bits(*weights) == values);
    return weights->groups;
  };
  for (const WeightFormat format : {WeightFormat::stlq_tiles, WeightFormat::stlq_groups, WeightFormat::int4})
    CHECK(groups(format) == std::vector<std::uint8_t>{2});
}

TEST_CASE("weights of four bits: of values, neighbouring groups get second words together") {
  // Two outputs with five groups each, the fifth of one weight alone. On the wide scale 14 is the largest of one word.
  std::vector<std::int8_t> values(2 * 17, 14);
  values[3] = 62;
  values[17 + 4 * 3] = -64;
  values[17 + 4 * 4] = 16;
  const auto groups = [&](int together) {
    const Result<FourBitWeights> weights = encode_four_bit_values(WeightFormat::int4_wide, 2, 17, values, together);
    REQUIRE(weights.ok());
    CHECK(decode_four_bits(*weights) == values);
    return weights->groups;
  };
  CHECK(groups(1) == std::vector<std::uint8_t>{0b00001, 0b11000});
  CHECK(groups(2) == std::vector<std::uint8_t>{0b00011, 0b11100});
  CHECK(groups(4) == std::vector<std::uint8_t>{0b01111, 0b11111});
  CHECK(groups(8) == std::vector<std::uint8_t>{0b11111, 0b11111});

  const auto message = [&](int out, int in) {
    return encode_four_bit_values(WeightFormat::int4_wide, out, in, values, 2).status().message();
  };
  CHECK(message(1, 17) == "weights of four bits: the number of words does not fit the matrix");
  CHECK(message(0, 17) == "weights of four bits: the matrix is empty");
  CHECK(message(2, 0) == "weights of four bits: the matrix is empty");
}

} // namespace
} // namespace intvit
