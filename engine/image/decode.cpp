#include "engine/image/decode.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "engine/container/file_io.hpp"
#include "engine/image/exif.hpp"
#include "engine/image/jpeg.hpp"
#include "engine/image/pnm.hpp"
#include "engine/image/signature.hpp"
#include "engine/image/stb_decoder.hpp"

namespace intvit {
namespace {

bool has_signature_for_stb(std::span<const std::byte> bytes) {
  constexpr std::array<std::string_view, 3> signatures = {"\x89PNG", "BM", "GIF8"};
  return is_jpeg(bytes) || std::any_of(signatures.begin(), signatures.end(),
                                       [&](std::string_view signature) { return begins_with(bytes, signature); });
}

Result<Image> decode(std::span<const std::byte> bytes) {
  if (bytes.empty())
    return Status(StatusCode::bad_format, "the file is empty");
  if (static_cast<std::int64_t>(bytes.size()) > max_image_file_bytes)
    return Status(StatusCode::unsupported, "a picture file of " + std::to_string(bytes.size()) + " bytes, at most " +
                                               std::to_string(max_image_file_bytes) + " are read");
  if (is_pnm(bytes))
    return decode_pnm(bytes);
  if (!has_signature_for_stb(bytes))
    return Status(StatusCode::bad_format, "not a picture in JPEG, PNG, BMP, GIF or binary PNM format");
  if (is_jpeg(bytes) && !has_valid_huffman_tables(bytes))
    return Status(StatusCode::bad_format, "corrupt picture: bad or incomplete Huffman table");
  const Result<ImageSize> size = stb_size(bytes);
  if (!size.ok())
    return size.status();
  Status status = check_image_size(size->width, size->height);
  if (!status.ok())
    return status;
  return stb_decode(bytes);
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

Result<Image> load_image(const std::string &path) {
  const Result<std::vector<std::byte>> bytes = read_file(path, max_image_file_bytes);
  if (!bytes.ok())
    return bytes.status();
  return decode_image(*bytes, path);
}

} // namespace intvit
