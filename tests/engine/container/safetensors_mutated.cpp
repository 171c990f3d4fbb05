// Files damaged at every byte and in random places: whatever the bytes, parsing gives an error or a view that is
// consistent with the file. Run under AddressSanitizer this also shows that no byte outside the file is read.
#include <algorithm>
#include <functional>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include "engine/container/safetensors.hpp"
#include "tests/engine/container/safetensors_bytes.hpp"

namespace intvit {
namespace {

__extension__ using Int128 = __int128;

struct Outcomes {
  int accepted = 0;
  int refused = 0;
};

std::vector<std::byte> small_file() {
  SafetensorsWriter writer;
  const auto data = test::to_bytes("0123456789abcdef");
  REQUIRE(writer.add_tensor("w", DType::i16, {2, 3}, std::span(data).first(12)).ok());
  REQUIRE(writer.add_tensor("b", DType::i32, {}, std::span(data).first(4)).ok());
  REQUIRE(writer.add_tensor("e", DType::u8, {0}, {}).ok());
  writer.add_metadata("format", "1");
  return writer.serialize();
}

// Counted by hand rather than with CHECK, which takes longer than parsing.
void parse_and_check(const std::vector<std::byte> &bytes, Outcomes &outcomes) {
  const auto file = SafetensorsFile::parse(bytes, "mutated");
  if (!file.ok()) {
    ++outcomes.refused;
    if (file.status().message().rfind("mutated: ", 0) != 0)
      FAIL("the message does not name the file: " << file.status().message());
    return;
  }
  ++outcomes.accepted;
  std::uint64_t header = 0;
  for (std::size_t i = 8; i > 0; --i)
    header = header << 8 | std::to_integer<std::uint64_t>(bytes[i - 1]);
  const std::span<const std::byte> all = file->bytes();
  if (!std::equal(all.begin(), all.end(), bytes.begin(), bytes.end()) || header > bytes.size() - 8)
    FAIL("the file is not what was parsed");

  // By marking each byte that a tensor holds.
  std::vector<bool> held(bytes.size() - 8 - static_cast<std::size_t>(header));
  const std::byte *data = all.data() + 8 + header;
  for (const auto &[name, tensor] : file->tensors()) {
    auto size = static_cast<Int128>(element_size(tensor.dtype));
    for (const std::int64_t dimension : tensor.shape) {
      size *= dimension; // from two factors below 2^64
      if (dimension < 0 || size > std::numeric_limits<std::int64_t>::max())
        FAIL(name << " has an impossible shape");
    }
    if (size != static_cast<Int128>(tensor.bytes.size()))
      FAIL(name << " does not have the size of its shape");
    if (!std::less_equal<>()(data, tensor.bytes.data()) ||
        !std::less_equal<>()(tensor.bytes.data() + tensor.bytes.size(), all.data() + all.size()))
      FAIL(name << " is not inside the data section");
    for (auto at = static_cast<std::size_t>(tensor.bytes.data() - data), end = at + tensor.bytes.size(); at < end;
         ++at) {
      if (held[at])
        FAIL(name << " overlaps another tensor");
      held[at] = true;
    }
  }
  if (std::count(held.begin(), held.end(), false) != 0)
    FAIL("a byte belongs to no tensor");
}

TEST_CASE("mutated safetensors: every byte set to every value") {
  const std::vector<std::byte> original = small_file();
  Outcomes outcomes;
  for (std::size_t at = 0; at < original.size(); ++at) {
    std::vector<std::byte> mutated = original;
    for (int value = 0; value < 256; ++value) {
      mutated[at] = static_cast<std::byte>(value);
      CAPTURE(at, value);
      parse_and_check(mutated, outcomes);
    }
  }
  // The 16 bytes of data may hold anything; the header and its length may not.
  CHECK(outcomes.accepted > 16 * 256);
  CHECK(outcomes.refused > 20000);
}

TEST_CASE("mutated safetensors: cut or lengthened, at every length, from the front and the back") {
  const std::vector<std::byte> original = small_file();
  Outcomes outcomes;
  for (std::size_t length = 0; length < original.size(); ++length) {
    CAPTURE(length);
    parse_and_check({original.begin(), original.begin() + static_cast<std::ptrdiff_t>(length)}, outcomes);
    parse_and_check({original.end() - static_cast<std::ptrdiff_t>(length), original.end()}, outcomes);
    std::vector<std::byte> longer = original;
    longer.insert(longer.end(), length + 1, std::byte{0});
    parse_and_check(longer, outcomes);
  }
  CHECK(outcomes.accepted == 0);
}

TEST_CASE("mutated safetensors: fragments of headers inserted, removed and moved at random") {
  const std::vector<std::string> fragments = {"{",
                                              "}",
                                              "[",
                                              "]",
                                              ",",
                                              ":",
                                              "\"",
                                              "0",
                                              "-1",
                                              "1e3",
                                              "18446744073709551615",
                                              "\"I16\"",
                                              "\"F64\"",
                                              "\"w\":",
                                              "\"shape\":",
                                              "\"dtype\":",
                                              "[0]",
                                              "[]",
                                              "\\u0000",
                                              " ",
                                              "\"data_offsets\":[0,12]",
                                              "\"__metadata__\":{"};
  const std::vector<std::byte> original = small_file();
  std::mt19937 random(99);
  const auto below = [&random](std::size_t limit) { return static_cast<std::ptrdiff_t>(random() % limit); };
  Outcomes outcomes;
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::byte> mutated = original;
    const std::size_t edits = 1 + random() % 4;
    for (std::size_t edit = 0; edit < edits; ++edit) {
      const auto at = mutated.begin() + 8 + below(mutated.size() - 8);
      const auto last = std::min<std::ptrdiff_t>(mutated.end() - at, 1 + below(12));
      switch (random() % 4) {
      case 0: {
        const auto fragment = test::to_bytes(fragments[random() % fragments.size()]);
        mutated.insert(at, fragment.begin(), fragment.end());
        break;
      }
      case 1:
        if (mutated.size() > 30)
          mutated.erase(at, at + last);
        break;
      case 2: {
        const std::vector<std::byte> piece(at, at + last);
        mutated.insert(mutated.begin() + 8 + below(mutated.size() - 8), piece.begin(), piece.end());
        break;
      }
      default:
        *at = static_cast<std::byte>('0' + random() % 10);
      }
    }
    // Mostly a length that fits the edited header, so that the edits are reached.
    if (random() % 4 != 0) {
      const std::size_t header = mutated.size() - 8 - 16;
      mutated[0] = static_cast<std::byte>(header & 0xFF);
      mutated[1] = static_cast<std::byte>(header >> 8);
    }
    CAPTURE(round);
    parse_and_check(mutated, outcomes);
  }
  CHECK(outcomes.accepted > 100);
  CHECK(outcomes.refused > 10000);
}

} // namespace
} // namespace intvit
