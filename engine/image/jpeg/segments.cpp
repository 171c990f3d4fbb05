#include "engine/image/jpeg/segments.hpp"

#include <algorithm>
#include <cstring>

#include "engine/container/signature.hpp"

namespace intvit {
bool is_jpeg(std::span<const std::byte> bytes) {
  return begins_with(bytes, "\xFF\xD8");
}

std::uint8_t next_marker(std::span<const std::byte> file, std::size_t &at) {
  while (at < file.size()) {
    const void *found = std::memchr(file.data() + at, jpeg_marker::prefix, file.size() - at);
    if (found == nullptr)
      return 0;
    at = static_cast<std::size_t>(static_cast<const std::byte *>(found) - file.data());
    while (at < file.size() && byte_at(file, at) == jpeg_marker::prefix)
      ++at;
    if (at == file.size())
      return 0;
    if (const std::uint8_t marker = byte_at(file, at++); marker != 0)
      return marker;
  }
  return 0;
}

bool has_no_segment(std::uint8_t marker) {
  return marker == 0x01 || (marker >= jpeg_marker::first_restart && marker <= jpeg_marker::start_of_image);
}

std::optional<JpegSegment> take_segment(std::span<const std::byte> file, std::size_t &at, std::uint8_t marker) {
  if (file.size() - at < 2)
    return std::nullopt;
  // The length counts its own two bytes.
  const std::size_t length = static_cast<std::size_t>(byte_at(file, at)) * 256 + byte_at(file, at + 1);
  if (length < 2)
    return std::nullopt;
  const std::size_t there = std::min(length, file.size() - at);
  const JpegSegment segment{marker, file.subspan(at + 2, there - 2), there == length};
  at += there;
  return segment;
}

std::optional<JpegSegment> JpegSegments::next() {
  for (;;) {
    const std::uint8_t marker = next_marker(bytes_, at_);
    if (marker == 0 || marker == jpeg_marker::end_of_image)
      return std::nullopt;
    if (!has_no_segment(marker))
      return take_segment(bytes_, at_, marker);
  }
}

} // namespace intvit
