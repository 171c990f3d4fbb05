#include "engine/image/other_formats.hpp"

#include <algorithm>
#include <array>

#include "engine/container/signature.hpp"

namespace intvit {
namespace {

struct Brand {
  std::string_view brand;
  std::string_view format;
};

// Of ISO base media files, the more telling ones first: a file has one main brand and says with which it is compatible.
constexpr std::array<Brand, 8> brands = {{{"avif", "AVIF"},
                                          {"avis", "AVIF"},
                                          {"heic", "HEIC"},
                                          {"heix", "HEIC"},
                                          {"hevc", "HEIC"},
                                          {"hevx", "HEIC"},
                                          {"mif1", "HEIF"},
                                          {"msf1", "HEIF"}}};

struct Signature {
  std::string_view bytes;
  std::string_view format;
};

constexpr std::array<Signature, 7> signatures = {{{"\xFF\x0A", "JPEG XL"},
                                                  {{"\0\0\0\x0CJXL \r\n\x87\n", 12}, "JPEG XL"},
                                                  {{"\0\0\0\x0CjP  \r\n\x87\n", 12}, "JPEG 2000"},
                                                  {{"II*\0", 4}, "TIFF"},
                                                  {{"MM\0*", 4}, "TIFF"},
                                                  {{"II+\0", 4}, "TIFF"},
                                                  {{"MM\0+", 4}, "TIFF"}}};

} // namespace

bool is_webp(std::span<const std::byte> bytes) {
  return begins_with(bytes, "RIFF") && bytes.size() >= 12 && begins_with(bytes.subspan(8), "WEBP");
}

std::string_view other_format(std::span<const std::byte> bytes) {
  for (const Signature &signature : signatures)
    if (begins_with(bytes, signature.bytes))
      return signature.format;
  if (is_webp(bytes))
    return "WebP";
  // A box: its length, "ftyp", the main brand, a version, compatible brands.
  constexpr std::size_t most_brands = 16;
  if (bytes.size() < 12 || !begins_with(bytes.subspan(4), "ftyp"))
    return {};
  const std::size_t box = std::to_integer<std::size_t>(bytes[2]) << 8 | std::to_integer<std::size_t>(bytes[3]);
  const std::size_t end = std::min({box, bytes.size(), 8 + 4 * most_brands});
  for (const Brand &brand : brands)
    for (std::size_t at = 8; at + 4 <= end; at += 4)
      if (begins_with(bytes.subspan(at), brand.brand))
        return brand.format;
  return {};
}

} // namespace intvit
