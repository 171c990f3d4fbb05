// Decompression of streams that are written here symbol by symbol: every kind of block, codes of up to 15 bits, matches
// of every length and distance.
#include "engine/image/png/inflate.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/engine/image/pictures.hpp"

using namespace intvit;
using namespace intvit::test;

namespace {

using Octets = std::vector<std::uint8_t>;

// A complete code for `symbols` of `all`, symbol 256 among them if there is one, none longer than `longest` bits.
std::vector<std::uint8_t> random_code(Lcg &lcg, int symbols, int all, int longest) {
  std::vector<std::uint8_t> leaves{1, 1};
  while (static_cast<int>(leaves.size()) < symbols) {
    const auto at = static_cast<std::size_t>(lcg.between(0, static_cast<int>(leaves.size()) - 1));
    if (leaves[at] < longest)
      leaves.push_back(++leaves[at]);
  }
  std::vector<std::uint8_t> lengths(static_cast<std::size_t>(all));
  for (std::size_t i = 0; i < leaves.size(); ++i)
    for (;;) {
      const auto symbol = static_cast<std::size_t>(i == 0 && all > 256 ? 256 : lcg.between(0, all - 1));
      if (lengths[symbol] == 0) {
        lengths[symbol] = leaves[i];
        break;
      }
    }
  return lengths;
}

std::vector<std::uint8_t> fixed_code() {
  std::vector<std::uint8_t> lengths(288, 8);
  std::fill(lengths.begin() + 144, lengths.begin() + 256, std::uint8_t{9});
  std::fill(lengths.begin() + 256, lengths.begin() + 280, std::uint8_t{7});
  return lengths;
}

struct Code {
  std::vector<std::uint8_t> lengths;
  std::vector<unsigned> numbers; // by the definition

  explicit Code(std::vector<std::uint8_t> of = {}) : lengths(std::move(of)), numbers(lengths.size()) {
    unsigned number = 0;
    for (int length = 1; length <= 15; ++length, number <<= 1)
      for (std::size_t i = 0; i < lengths.size(); ++i)
        if (lengths[i] == length)
          numbers[i] = number++;
  }
};

class StreamWriter {
public:
  Octets bytes{0x78, 0x9C};
  Octets expected; // what it stands for

  explicit StreamWriter(Lcg &lcg) : lcg_(lcg) {}

  void stored_block(int size, bool last) {
    bits(last ? 1 : 0, 1);
    bits(0, 2);
    used_ = 8; // to the next byte
    for (const int part : {size & 255, size >> 8, ~size & 255, ~size >> 8 & 255})
      bytes.push_back(static_cast<std::uint8_t>(part));
    for (int i = 0; i < size; ++i) {
      expected.push_back(lcg_.byte());
      bytes.push_back(expected.back());
    }
  }

  void coded_block(int count, bool fixed, bool last) {
    bits(last ? 1 : 0, 1);
    bits(fixed ? 1 : 2, 2);
    literals_ = Code(fixed_code());
    distances_ = Code(std::vector<std::uint8_t>(32, 5));
    if (!fixed)
      write_codes();
    for (int i = 0; i < count; ++i)
      if (lcg_.between(0, 3) == 0)
        match();
      else
        literal();
    code(literals_, 256);
  }

private:
  void bits(unsigned value, int count) {
    for (int i = 0; i < count; ++i) {
      if (used_ == 8) {
        bytes.push_back(0);
        used_ = 0;
      }
      bytes.back() = static_cast<std::uint8_t>(bytes.back() | (value >> i & 1U) << used_++);
    }
  }
  void code(const Code &code, std::size_t symbol) {
    for (int i = code.lengths[symbol] - 1; i >= 0; --i)
      bits(code.numbers[symbol] >> i & 1U, 1);
  }
  // Any symbol from `first` to `last` that has a code; none: false.
  bool pick(const Code &code, int first, int last, std::size_t &symbol) {
    for (int tries = 0; tries < 50; ++tries) {
      symbol = static_cast<std::size_t>(lcg_.between(first, last));
      if (code.lengths[symbol] != 0)
        return true;
    }
    return false;
  }
  void literal() {
    std::size_t symbol = 0;
    if (!pick(literals_, 0, 255, symbol))
      return;
    code(literals_, symbol);
    expected.push_back(static_cast<std::uint8_t>(symbol));
  }
  void match() {
    // The tables of the standard, written out.
    static constexpr int lengths[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                      31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static constexpr int distances[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                        33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                        1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    std::size_t symbol = 0;
    std::size_t distance_symbol = 0;
    if (!pick(literals_, 257, 285, symbol) || !pick(distances_, 0, 29, distance_symbol))
      return;
    const int length_bits = symbol < 265 || symbol == 285 ? 0 : static_cast<int>(symbol - 261) / 4;
    const int distance_bits = distance_symbol < 4 ? 0 : static_cast<int>(distance_symbol) / 2 - 1;
    const int more = lcg_.between(0, (1 << length_bits) - 1 - (symbol == 284 ? 1 : 0));
    const int further = lcg_.between(0, (1 << distance_bits) - 1);
    const auto distance = static_cast<std::size_t>(distances[distance_symbol] + further);
    if (distance > expected.size())
      return;
    code(literals_, symbol);
    bits(static_cast<unsigned>(more), length_bits);
    code(distances_, distance_symbol);
    bits(static_cast<unsigned>(further), distance_bits);
    for (int i = 0; i < lengths[symbol - 257] + more; ++i)
      expected.push_back(expected[expected.size() - distance]);
  }
  void write_codes() {
    literals_ = Code(random_code(lcg_, lcg_.between(2, 286), 286, lcg_.between(9, 15)));
    distances_ = Code(random_code(lcg_, lcg_.between(2, 30), 30, lcg_.between(5, 15)));
    bits(286 - 257, 5);
    bits(30 - 1, 5);
    bits(19 - 4, 4);
    // The lengths have a code of 4 bits for 0 to 13, of 5 for 14, 15 and 16, of 6 for 17 and 18.
    std::vector<std::uint8_t> four_to_six(19, 4);
    four_to_six[14] = four_to_six[15] = four_to_six[16] = 5;
    four_to_six[17] = four_to_six[18] = 6;
    const Code code_lengths(four_to_six);
    for (const int symbol : {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15})
      bits(four_to_six[static_cast<std::size_t>(symbol)], 3);
    std::vector<std::uint8_t> all = literals_.lengths;
    all.insert(all.end(), distances_.lengths.begin(), distances_.lengths.end());
    for (std::size_t i = 0; i < all.size();) {
      std::size_t same = 1;
      while (i + same < all.size() && all[i + same] == all[i] && same < 138)
        ++same;
      if (all[i] == 0 && same >= 11) {
        code(code_lengths, 18);
        bits(static_cast<unsigned>(same - 11), 7);
      } else if (all[i] == 0 && same >= 3) {
        code(code_lengths, 17);
        bits(static_cast<unsigned>(same - 3), 3);
      } else if (i > 0 && all[i] == all[i - 1] && same >= 3) {
        same = std::min<std::size_t>(same, 6);
        code(code_lengths, 16);
        bits(static_cast<unsigned>(same - 3), 2);
      } else {
        same = 1;
        code(code_lengths, all[i]);
      }
      i += same;
    }
  }

  Lcg &lcg_;
  int used_ = 8; // bits of the last byte
  Code literals_;
  Code distances_;
};

// All that the stream stands for, or why not.
Result<Octets> inflate(Octets stream, std::size_t most = std::size_t{1} << 24) {
  const std::size_t size = stream.size();
  stream.resize(size + DeflateBits::padding_bytes);
  const auto inflater = std::make_unique<Inflater>(stream.data(), size);
  Octets all;
  for (;;) {
    const Result<std::span<const std::uint8_t>> piece = inflater->next();
    if (!piece.ok())
      return piece.status();
    if (piece->empty() || all.size() > most)
      return all;
    all.insert(all.end(), piece->begin(), piece->end());
  }
}

// Of a few blocks.
StreamWriter random_stream(Lcg &lcg, int most_symbols) {
  StreamWriter writer(lcg);
  const int blocks = lcg.between(1, 4);
  for (int block = 1; block <= blocks; ++block)
    if (const int kind = lcg.between(0, 4); kind == 0)
      writer.stored_block(lcg.between(0, 1) * lcg.between(0, 65'535), block == blocks);
    else
      writer.coded_block(lcg.between(0, most_symbols), kind == 1, block == blocks);
  return writer;
}

} // namespace

TEST_CASE("inflate: random streams of all kinds of blocks") {
  Lcg lcg(5);
  for (int round = 0; round < 150; ++round) {
    CAPTURE(round);
    const StreamWriter writer = random_stream(lcg, round % 10 == 0 ? 12'000 : 300);
    const Result<Octets> found = inflate(writer.bytes);
    INFO(found.status().message());
    REQUIRE(found.ok());
    REQUIRE(found->size() == writer.expected.size());
    REQUIRE(*found == writer.expected);
  }
}

TEST_CASE("inflate: streams that end early or are damaged") {
  Lcg lcg(6);
  for (int round = 0; round < 60; ++round) {
    const Octets whole = random_stream(lcg, 100).bytes;
    CAPTURE(round);
    for (int cut = 0; cut < 20; ++cut) {
      const auto size = static_cast<std::size_t>(lcg.between(0, static_cast<int>(whole.size()) - 1));
      const Result<Octets> found = inflate(Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
      REQUIRE_FALSE(found.ok());
      CHECK(found.status().code() == StatusCode::bad_format);
    }
    for (int damage = 0; damage < 20; ++damage) {
      Octets other = whole;
      for (int times = lcg.between(1, 5); times > 0; --times)
        other[static_cast<std::size_t>(lcg.between(0, static_cast<int>(whole.size()) - 1))] ^= lcg.byte();
      const Result<Octets> once = inflate(other, 1 << 20);
      const Result<Octets> again = inflate(other, 1 << 20);
      REQUIRE(once.ok() == again.ok());
      if (once.ok())
        REQUIRE(*once == *again);
    }
  }
}

TEST_CASE("inflate: codes that are none") {
  std::array<deflate::Entry, 2342> table{};
  const auto builds = [&](const std::vector<std::uint8_t> &lengths) {
    return deflate::build_table(lengths, deflate::literal_meanings, deflate::literal_bits, table);
  };
  CHECK(builds({1, 1}));
  CHECK(builds({1}));
  CHECK(builds({0, 0}));
  CHECK(builds({2, 2, 2, 2}));
  CHECK_FALSE(builds({1, 1, 1}));
  CHECK_FALSE(builds({2}));
  CHECK_FALSE(builds({2, 2, 2}));
  CHECK_FALSE(builds({1, 2, 3}));
  const auto message = [](const Octets &stream) { return inflate(stream).status().message(); };
  const std::string bad = "corrupt picture: bad compressed data";
  CHECK(message({0x78, 0x9D, 3, 0}) == bad);          // the header's check
  CHECK(message({0x79, 0x9B, 3, 0}) == bad);          // another method
  CHECK(message({0x78, 0xBB, 3, 0}) == bad);          // a dictionary
  CHECK(message({0x78, 0x9C, 7, 0}) == bad);          // a block of no kind
  CHECK(message({0x78, 0x9C, 1, 1, 0, 0, 0}) == bad); // a length that is not repeated
  CHECK(inflate({0x78, 0x9C, 3, 0})->empty());
  CHECK(inflate({0x78, 0x9C, 1, 1, 0, 0xFE, 0xFF, 42}).ok());
  // A match before anything: length 3, distance 1.
  CHECK(message({0x78, 0x9C, 0x03, 0x02, 0}) == bad);
}
