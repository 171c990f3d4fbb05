// The segments of a JPEG file: what precedes and surrounds the compressed data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace intvit {

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

// The number of scans, that is, passes over the picture. Requires is_jpeg(jpeg).
std::int64_t count_scans(std::span<const std::byte> jpeg);

} // namespace intvit
