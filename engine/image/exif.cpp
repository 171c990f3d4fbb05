#include "engine/image/exif.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "engine/container/signature.hpp"
#include "engine/image/jpeg/segments.hpp"
#include "engine/image/other_formats.hpp"
#include "engine/image/png/chunks.hpp"

namespace intvit {
namespace {

constexpr int upright_orientation = 1;

// Reads the numbers of a TIFF structure, which come in either byte order. Gives -1, `missing`, for a place outside
// the structure: an optional would be compared before it is known to hold a value, which memcheck reports.
class TiffBytes {
public:
  TiffBytes(std::span<const std::byte> bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  static constexpr std::int64_t missing = -1;
  std::int64_t uint16(std::size_t offset) const { return number(offset, 2); }
  std::int64_t uint32(std::size_t offset) const { return number(offset, 4); }

private:
  std::int64_t number(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || bytes_.size() - offset < size)
      return missing;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
      value = value << 8 | std::to_integer<std::uint32_t>(bytes_[offset + (big_endian_ ? i : size - 1 - i)]);
    return value;
  }

  std::span<const std::byte> bytes_;
  bool big_endian_;
};

// `bytes` is the TIFF structure inside the EXIF block.
int tiff_orientation(std::span<const std::byte> bytes) {
  constexpr std::size_t entry_bytes = 12;
  constexpr std::int64_t orientation_tag = 0x0112;
  constexpr std::int64_t type_short = 3;
  constexpr std::int64_t type_long = 4;

  const bool big_endian = begins_with(bytes, "MM");
  if (!big_endian && !begins_with(bytes, "II"))
    return upright_orientation;
  const TiffBytes tiff(bytes, big_endian);
  const std::int64_t directory = tiff.uint32(4);
  if (tiff.uint16(2) != 42 || directory == TiffBytes::missing)
    return upright_orientation;
  const std::int64_t entries = tiff.uint16(static_cast<std::size_t>(directory)); // none where they are missing
  for (std::int64_t i = 0; i < entries; ++i) {
    // Tag, type, number of values, and the value itself where it fits four bytes.
    const std::size_t entry = static_cast<std::size_t>(directory) + 2 + static_cast<std::size_t>(i) * entry_bytes;
    if (tiff.uint16(entry) != orientation_tag || tiff.uint32(entry + 4) != 1)
      continue;
    const std::int64_t type = tiff.uint16(entry + 2);
    const std::int64_t value = type == type_short  ? tiff.uint16(entry + 8)
                               : type == type_long ? tiff.uint32(entry + 8)
                                                   : TiffBytes::missing;
    return value >= 1 && value <= 8 ? static_cast<int>(value) : upright_orientation;
  }
  return upright_orientation;
}

constexpr std::string_view exif("Exif\0\0", 6);

// The EXIF block of a JPEG file; empty where there is none.
std::span<const std::byte> jpeg_exif(std::span<const std::byte> file) {
  JpegSegments segments(file);
  for (auto segment = segments.next(); segment && segment->marker != jpeg_marker::start_of_scan;
       segment = segments.next())
    if (segment->marker == jpeg_marker::app1 && begins_with(segment->payload, exif))
      return segment->payload;
  return {};
}

// The same of a WebP file: RIFF chunks of a name, a length with the least significant byte first, and data filled up to
// an even length.
std::span<const std::byte> webp_exif(std::span<const std::byte> file) {
  constexpr std::size_t riff_header = 12, header = 8;
  for (std::size_t at = riff_header; at + header <= file.size();) {
    std::size_t length = 0;
    for (std::size_t i = 4; i-- > 0;)
      length = length << 8 | std::to_integer<std::size_t>(file[at + 4 + i]);
    if (length > file.size() - at - header)
      return {};
    if (begins_with(file.subspan(at), "EXIF"))
      return file.subspan(at + header, length);
    at += header + length + length % 2;
  }
  return {};
}

std::span<const std::byte> png_exif(std::span<const std::byte> file) {
  PngChunks chunks(file);
  while (const auto chunk = chunks.next())
    if (chunk->type == "eXIf")
      return chunk->data;
  return {};
}

} // namespace

int exif_orientation(std::span<const std::byte> file) {
  std::span<const std::byte> block;
  if (is_jpeg(file))
    block = jpeg_exif(file);
  else if (is_png(file))
    block = png_exif(file);
  else if (is_webp(file))
    block = webp_exif(file);
  if (begins_with(block, exif)) // the others may leave it out
    block = block.subspan(exif.size());
  return tiff_orientation(block);
}

Result<Image> upright(Image image, int orientation) {
  if (orientation == upright_orientation)
    return image;
  // An orientation mirrors neither, one or both of the axes and then may exchange them.
  const bool mirrored_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirrored_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool exchanged = orientation >= 5;
  Result<Image> output = exchanged ? make_image(image.height, image.width) : make_image(image.width, image.height);
  if (!output.ok())
    return output;

  const auto width = static_cast<std::size_t>(image.width);
  const auto height = static_cast<std::size_t>(image.height);
  auto pixel = output->rgb.begin();
  for (std::size_t y = 0; y < static_cast<std::size_t>(output->height); ++y)
    for (std::size_t x = 0; x < static_cast<std::size_t>(output->width); ++x) {
      const std::size_t column = exchanged ? y : x;
      const std::size_t row = exchanged ? x : y;
      const std::size_t source =
          (mirrored_y ? height - 1 - row : row) * width + (mirrored_x ? width - 1 - column : column);
      pixel = std::copy_n(image.rgb.begin() + static_cast<std::ptrdiff_t>(source * 3), 3, pixel);
    }
  return output;
}

} // namespace intvit
