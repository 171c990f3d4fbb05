#include "engine/image/decode.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "engine/container/file_io.hpp"
#include "engine/container/file_kind.hpp"
#include "engine/container/signature.hpp"
#include "engine/image/exif.hpp"
#include "engine/image/jpeg.hpp"
#include "engine/image/other_formats.hpp"
#include "engine/image/pnm.hpp"
#include "engine/image/stb_decoder.hpp"

namespace intvit {
namespace {

// The formats that stb_image decodes, and how many pixels a byte of each can hold.
struct Format {
  std::string_view signature;
  std::int64_t pixels_a_byte;
  std::int64_t any_pixels = 0; // that a file of any length may have
};

constexpr std::string_view png_signature = "\x89PNG";

constexpr std::array<Format, 4> formats = {{
    // Every block of 64 samples takes a bit in a first scan, and where the sampling leaves as few as it can, three
    // components have 9 blocks for 1024 pixels.
    {"\xFF\xD8", 1024},
    // Deflate makes at most 1032 bytes of one, of 8 pixels each.
    {png_signature, std::int64_t{8} * 1032},
    // Not compressed.
    {"BM", 8},
    // A code of 12 bits stands for at most 4096 pixels. A frame may be smaller than the picture, whose other pixels are
    // background, so small pictures pass with a file of any length; larger ones are refused as bombs.
    {"GIF8", 4096, std::int64_t{1} << 20},
}};

const Format *format_of(std::span<const std::byte> bytes) {
  const auto *found = std::find_if(formats.begin(), formats.end(),
                                   [&](const Format &format) { return begins_with(bytes, format.signature); });
  return found == formats.end() ? nullptr : found;
}

// Refuses a picture whose header announces more pixels than its file can hold, so that a small file cannot cost much
// time.
Status check_work(std::span<const std::byte> bytes, const Format &format, const ImageSize &size) {
  const std::int64_t pixels = size.width * size.height;             // at most max_image_pixels
  const auto bytes_there = static_cast<std::int64_t>(bytes.size()); // at most max_image_file_bytes
  const std::string picture = std::to_string(size.width) + " x " + std::to_string(size.height) + " pixels";
  if (pixels > format.any_pixels && pixels > bytes_there * format.pixels_a_byte)
    return Status(StatusCode::bad_format, "corrupt picture: " + std::to_string(bytes_there) + " bytes cannot hold " +
                                              picture + ": the file ends before the picture does");
  const std::int64_t scans = is_jpeg(bytes) ? count_scans(bytes) : 1;
  if (scans > max_scanned_pixels / pixels)
    return Status(StatusCode::unsupported, "a picture of " + picture + " in " + std::to_string(scans) +
                                               " scans: at most " + std::to_string(max_scanned_pixels) +
                                               " pixels are decoded in all scans together");
  return {};
}

// Whether every chunk of a PNG file is as long as it says; the last one's checksum may be missing. This must be known
// first, because stb_image allocates up to 2 GB for a chunk before it reads any of it.
bool has_whole_chunks(std::span<const std::byte> bytes) {
  constexpr std::size_t signature = 8, header = 8,
                        checksum = 4; // header: length, most significant byte first, and type
  for (std::size_t at = signature; at + header <= bytes.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i)
      length = length << 8 | std::to_integer<std::size_t>(bytes[at + i]);
    if (length > bytes.size() - at - header)
      return false;
    at += header + length + checksum; // below 2^29, as files are
  }
  return true;
}

Result<Image> decode(std::span<const std::byte> bytes) {
  if (bytes.empty())
    return Status(StatusCode::bad_format, "the file is empty");
  if (static_cast<std::int64_t>(bytes.size()) > max_image_file_bytes)
    return Status(StatusCode::unsupported, "a picture file of " + std::to_string(bytes.size()) + " bytes, at most " +
                                               std::to_string(max_image_file_bytes) + " are read");
  if (is_pnm(bytes))
    return decode_pnm(bytes);
  const Format *format = format_of(bytes);
  if (format == nullptr) {
    if (const std::string_view other = other_format(bytes); !other.empty())
      return Status(StatusCode::unsupported,
                    std::string(other) + " is not decoded: convert the picture to JPEG or PNG");
    const std::string_view kind = file_kind(bytes);
    return Status(StatusCode::bad_format, "not a picture in JPEG, PNG, BMP, GIF or binary PNM format" +
                                              (kind.empty() ? "" : " but " + std::string(kind)));
  }
  if (is_jpeg(bytes) && !has_valid_huffman_tables(bytes))
    return Status(StatusCode::bad_format, "corrupt picture: bad or incomplete Huffman table");
  if (begins_with(bytes, png_signature) && !has_whole_chunks(bytes))
    return Status(StatusCode::bad_format, "corrupt picture: the file ends before the picture does");
  const Result<ImageSize> size = stb_size(bytes);
  if (!size.ok())
    return size.status();
  Status status = check_image_size(size->width, size->height);
  if (status.ok())
    status = check_work(bytes, *format, *size);
  if (!status.ok())
    return status;
  return stb_decode(bytes, *size);
}

} // namespace

Result<Image> decode_image(std::span<const std::byte> bytes, std::string_view origin) {
  Result<Image> image = decode(bytes);
  if (image.ok())
    image = upright(std::move(*image), exif_orientation(bytes));
  if (!image.ok())
    return image.status().in(origin);
  return image;
}

bool has_picture_signature(std::span<const std::byte> begin) {
  return is_pnm(begin) || format_of(begin) != nullptr;
}

Result<Image> load_image(const std::string &path) {
  const Result<std::vector<std::byte>> bytes = read_file(path, max_image_file_bytes);
  if (!bytes.ok())
    return bytes.status();
  return decode_image(*bytes, path);
}

} // namespace intvit
