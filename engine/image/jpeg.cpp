#include "engine/image/jpeg.hpp"

#include <algorithm>

#include "engine/container/signature.hpp"

namespace intvit {
namespace {

constexpr std::uint8_t marker_prefix = 0xFF;
constexpr std::uint8_t start_of_image = 0xD8;
constexpr std::uint8_t end_of_image = 0xD9;
constexpr std::uint8_t huffman_tables = 0xC4;
constexpr std::uint8_t start_of_scan = 0xDA;

std::uint8_t byte_at(std::span<const std::byte> bytes, std::size_t index) {
  return std::to_integer<std::uint8_t>(bytes[index]);
}

// Markers that stand alone: stuffed zeros, TEM, RST0 .. RST7, SOI.
bool has_no_segment(std::uint8_t marker) {
  return marker <= 0x01 || (marker >= 0xD0 && marker <= start_of_image);
}

// One segment may hold several tables: a byte of class and index, 16 numbers of codes by length 1 .. 16, and a byte
// for each code.
bool are_valid_tables(std::span<const std::byte> payload) {
  constexpr std::size_t lengths = 16;
  while (!payload.empty()) {
    if (payload.size() < 1 + lengths)
      return false;
    std::size_t codes = 0;
    std::size_t free_codes = 1; // of the current length: twice as many with each bit, at most 2^16
    for (std::size_t i = 1; i <= lengths; ++i) {
      const std::size_t count = byte_at(payload, i);
      free_codes *= 2;
      if (count > free_codes)
        return false;
      free_codes -= count;
      codes += count;
    }
    if (codes > 256 || payload.size() < 1 + lengths + codes)
      return false;
    payload = payload.subspan(1 + lengths + codes);
  }
  return true;
}

} // namespace

bool is_jpeg(std::span<const std::byte> bytes) {
  return begins_with(bytes, "\xFF\xD8");
}

std::optional<JpegSegment> JpegSegments::next() {
  std::size_t i = 0;
  for (;;) {
    while (i < rest_.size() && byte_at(rest_, i) != marker_prefix)
      ++i;
    // A marker may be preceded by any number of prefixes.
    while (i < rest_.size() && byte_at(rest_, i) == marker_prefix)
      ++i;
    if (i == rest_.size())
      return std::nullopt;
    const std::uint8_t marker = byte_at(rest_, i);
    ++i;
    if (has_no_segment(marker))
      continue;
    if (marker == end_of_image || rest_.size() - i < 2)
      return std::nullopt;
    // The length counts its own two bytes.
    const std::size_t length = static_cast<std::size_t>(byte_at(rest_, i)) * 256 + byte_at(rest_, i + 1);
    if (length < 2)
      return std::nullopt;
    rest_ = rest_.subspan(i);
    const auto segment = rest_.first(std::min(length, rest_.size()));
    rest_ = rest_.subspan(segment.size());
    return JpegSegment{marker, segment.subspan(2)};
  }
}

std::int64_t count_scans(std::span<const std::byte> jpeg) {
  std::int64_t count = 0;
  JpegSegments segments(jpeg);
  while (const auto segment = segments.next())
    count += segment->marker == start_of_scan ? 1 : 0;
  return count;
}

bool has_valid_huffman_tables(std::span<const std::byte> jpeg) {
  JpegSegments segments(jpeg);
  while (const auto segment = segments.next())
    if (segment->marker == huffman_tables && !are_valid_tables(segment->payload))
      return false;
  return true;
}

} // namespace intvit
