#include "engine/container/crc32c.hpp"

#include <algorithm>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/engine/container/safetensors_bytes.hpp"

namespace intvit {
namespace {

// The definition, a bit at a time with the polynomial as published: each byte's low bit enters first, the register's
// high bit leaves first, and the result's bits are reversed.
std::uint32_t bitwise_crc32c(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const std::byte byte : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      const std::uint32_t incoming = (std::to_integer<std::uint32_t>(byte) >> bit) & 1;
      const bool divide = ((crc >> 31) ^ incoming) != 0;
      crc <<= 1;
      if (divide)
        crc ^= 0x1EDC6F41;
    }
  std::uint32_t reversed = 0;
  for (int bit = 0; bit < 32; ++bit)
    reversed |= ((crc >> bit) & 1) << (31 - bit);
  return ~reversed;
}

TEST_CASE("crc32c gives the published checksums") {
  // RFC 3720, B.4, and the catalogue's check value for "123456789".
  std::vector<std::byte> bytes(32, std::byte{0});
  CHECK(crc32c(bytes) == 0x8A9136AA);
  std::fill(bytes.begin(), bytes.end(), std::byte{0xFF});
  CHECK(crc32c(bytes) == 0x62A8AB43);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(i);
  CHECK(crc32c(bytes) == 0x46DD794E);
  std::reverse(bytes.begin(), bytes.end());
  CHECK(crc32c(bytes) == 0x113FDB5C);
  CHECK(crc32c(test::to_bytes("123456789")) == 0xE3069283);
  CHECK(crc32c({}) == 0);
}

TEST_CASE("crc32c equals the bitwise definition on random lengths, addresses and splits") {
  std::mt19937 random(20240701);
  std::vector<std::byte> buffer(4096);
  for (std::byte &byte : buffer)
    byte = static_cast<std::byte>(random() & 0xFF);
  for (int round = 0; round < 500; ++round) {
    const std::size_t begin = random() % 16;
    const std::size_t length = random() % (round < 250 ? 40 : buffer.size() - 16);
    const auto bytes = std::span<const std::byte>(buffer).subspan(begin, length);
    const std::uint32_t expected = bitwise_crc32c(bytes);
    CAPTURE(round, begin, length);
    REQUIRE(crc32c(bytes) == expected);
    const std::size_t split = length == 0 ? 0 : random() % length;
    REQUIRE(crc32c(bytes.subspan(split), crc32c(bytes.first(split))) == expected);
  }
}

} // namespace
} // namespace intvit
