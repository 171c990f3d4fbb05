// The segments of a JPEG file: what precedes and surrounds the compressed data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace intvit {

namespace jpeg_marker {

inline constexpr std::uint8_t prefix = 0xFF;      // what every marker begins with
inline constexpr std::uint8_t first_frame = 0xC0; // SOF0, the lowest marker that has a meaning in a scan's data
inline constexpr std::uint8_t huffman_tables = 0xC4;
inline constexpr std::uint8_t first_restart = 0xD0;
inline constexpr std::uint8_t last_restart = 0xD7;
inline constexpr std::uint8_t start_of_image = 0xD8;
inline constexpr std::uint8_t end_of_image = 0xD9;
inline constexpr std::uint8_t start_of_scan = 0xDA;
inline constexpr std::uint8_t quantization_tables = 0xDB;
inline constexpr std::uint8_t restart_interval = 0xDD;
inline constexpr std::uint8_t app0 = 0xE0;
inline constexpr std::uint8_t app1 = 0xE1;
inline constexpr std::uint8_t app14 = 0xEE;

} // namespace jpeg_marker

inline std::uint8_t byte_at(std::span<const std::byte> bytes, std::size_t index) {
  return std::to_integer<std::uint8_t>(bytes[index]);
}

// Whether the bytes start with the marker that starts every JPEG file.
bool is_jpeg(std::span<const std::byte> bytes);

// Finds the next marker at or behind `at`, skips stuffed zeros and fill bytes, and moves `at` behind it. Returns 0 if
// the file ends first.
std::uint8_t next_marker(std::span<const std::byte> file, std::size_t &at);

// Markers that stand alone: TEM, RST0 .. RST7, SOI.
bool has_no_segment(std::uint8_t marker);

struct JpegSegment {
  std::uint8_t marker = 0;            // 0xE1 is APP1, 0xC4 DHT ...
  std::span<const std::byte> payload; // without marker and length; cut short where the file is
  bool is_whole = true;
};

// The segment of `marker`, whose length field is at `at`; moves `at` behind the segment. Returns nothing if the length
// is impossible.
std::optional<JpegSegment> take_segment(std::span<const std::byte> file, std::size_t &at, std::uint8_t marker);

// Reads one segment after the other. Accepts any bytes; the spans it returns stay inside them.
class JpegSegments {
public:
  // Requires is_jpeg(bytes).
  explicit JpegSegments(std::span<const std::byte> bytes) : bytes_(bytes) {}

  // Skips everything up to the next marker, compressed data included, and returns that marker's segment. Returns
  // nothing at the end of the picture or of the bytes. Restart markers have no segment and are skipped.
  std::optional<JpegSegment> next();

private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 2; // behind the start of the image
};

} // namespace intvit
