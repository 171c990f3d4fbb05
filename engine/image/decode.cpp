#include "engine/image/decode.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "engine/container/file_io.hpp"
#include "engine/container/file_kind.hpp"
#include "engine/container/signature.hpp"
#include "engine/image/damage.hpp"
#include "engine/image/exif.hpp"
#include "engine/image/jpeg/decoder.hpp"
#include "engine/image/jpeg/segments.hpp"
#include "engine/image/other_formats.hpp"
#include "engine/image/png/chunks.hpp"
#include "engine/image/png/decoder.hpp"
#include "engine/image/pnm.hpp"
#include "engine/image/stb_decoder.hpp"
#ifdef INTVIT_WEBP
#include "engine/image/webp.hpp"
#endif

namespace intvit {
namespace {

// A format, and how many pixels its files can hold.
struct Format {
  bool (*is_of)(std::span<const std::byte> bytes);
  Result<ImageSize> (*size)(std::span<const std::byte> bytes);
  Result<Image> (*decode)(std::span<const std::byte> bytes, ImageSize size);
  // How many pixels a byte of such a file can hold, and how many a file of any length may have.
  std::int64_t pixels_a_byte;
  std::int64_t any_pixels = 0;
};

constexpr Format formats[] = {
    // Every block of 64 samples takes a bit in a first scan, and where the sampling leaves as few as it can, three
    // components have 9 blocks for 1024 pixels.
    {is_jpeg, jpeg_size, decode_jpeg, 1024},
    // Deflate makes at most 1032 bytes of one, of 8 pixels each.
    {is_png, png_size, decode_png, std::int64_t{8} * 1032},
    // Not compressed.
    {[](std::span<const std::byte> bytes) { return begins_with(bytes, "BM"); }, stb_size, stb_decode, 8},
    // A code of 12 bits stands for at most 4096 pixels. A frame may be smaller than the picture, whose other pixels are
    // background, so small pictures pass with a file of any length; larger ones are refused as bombs.
    {[](std::span<const std::byte> bytes) { return begins_with(bytes, "GIF8"); }, stb_size, stb_decode, 4096,
     std::int64_t{1} << 20},
#ifdef INTVIT_WEBP
    // The pixels of a picture in one colour take no bits at all, so a small file may be a large picture. Larger ones
    // than 2^24 pixels are refused as bombs.
    {is_webp, webp_size, decode_webp, 4096, std::int64_t{1} << 24},
#endif
};

#ifdef INTVIT_WEBP
constexpr const char *not_a_picture = "not a picture in JPEG, PNG, WebP, BMP, GIF or binary PNM format";
#else
constexpr const char *not_a_picture = "not a picture in JPEG, PNG, BMP, GIF or binary PNM format";
#endif

const Format *format_of(std::span<const std::byte> bytes) {
  const auto *found =
      std::find_if(std::begin(formats), std::end(formats), [&](const Format &format) { return format.is_of(bytes); });
  return found == std::end(formats) ? nullptr : found;
}

// Refuses a picture whose header announces more pixels than its file can hold, so that a small file cannot cost much
// time.
Status check_work(std::span<const std::byte> bytes, const Format &format, const ImageSize &size) {
  const std::int64_t pixels = size.width * size.height;             // at most max_image_pixels
  const auto bytes_there = static_cast<std::int64_t>(bytes.size()); // at most max_image_file_bytes
  if (pixels > format.any_pixels && pixels > bytes_there * format.pixels_a_byte)
    return corrupt_picture(std::to_string(bytes_there) + " bytes cannot hold " + std::to_string(size.width) + " x " +
                           std::to_string(size.height) + " pixels: " + file_ends_early);
  return {};
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
      return Status(StatusCode::unsupported, std::string(other) + " is not decoded" +
                                                 (other == "WebP" ? " by this build, which has no libwebp" : "") +
                                                 ": convert the picture to JPEG or PNG");
    const std::string_view kind = file_kind(bytes);
    return Status(StatusCode::bad_format,
                  std::string(not_a_picture) + (kind.empty() ? "" : " but " + std::string(kind)));
  }
  const Result<ImageSize> size = format->size(bytes);
  if (!size.ok())
    return size.status();
  Status status = check_image_size(size->width, size->height);
  if (status.ok())
    status = check_work(bytes, *format, *size);
  if (!status.ok())
    return status;
  return format->decode(bytes, *size);
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

bool is_picture_ending(std::string_view ending) {
  constexpr std::string_view endings[] = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".ppm", ".pgm", ".pnm",
#ifdef INTVIT_WEBP
                                          ".webp"
#endif
  };
  return std::find(std::begin(endings), std::end(endings), ending) != std::end(endings);
}

Result<Image> load_image(const std::string &path) {
  const Result<std::vector<std::byte>> bytes = read_file(path, max_image_file_bytes);
  if (!bytes.ok())
    return bytes.status();
  return decode_image(*bytes, path);
}

} // namespace intvit
