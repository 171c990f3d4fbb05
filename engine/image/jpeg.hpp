// The segments of a JPEG file: what precedes and surrounds the compressed data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace intvit {

// Whether the bytes start with the marker that starts every JPEG file.
bool is_jpeg(std::span<const std::byte> bytes);

struct JpegSegment {
  std::uint8_t marker = 0;            // 0xE1 is APP1, 0xC4 DHT ...
  std::span<const std::byte> payload; // without marker and length; cut short where the file is
};

// Reads one segment after the other. Accepts any bytes; the spans it returns stay inside them.
class JpegSegments {
public:
  // Requires is_jpeg(bytes).
  explicit JpegSegments(std::span<const std::byte> bytes) : rest_(bytes.subspan(2)) {}

  // Skips everything up to the next marker, compressed data included, and returns that marker's segment. Returns
  // nothing at the end of the picture or of the bytes. Restart markers have no segment and are skipped.
  std::optional<JpegSegment> next();

private:
  std::span<const std::byte> rest_;
};

// The number of scans, that is, passes over the picture. Requires is_jpeg(jpeg).
std::int64_t count_scans(std::span<const std::byte> jpeg);

// Whether all Huffman tables of the file are within their segments and define at most 256 codes, none longer than their
// lengths allow. stb_image 2.27 checks none of this before it fills its tables, and a longer list of codes overwrites
// the memory behind them. So it is only given files that pass.
bool has_valid_huffman_tables(std::span<const std::byte> jpeg);

} // namespace intvit
