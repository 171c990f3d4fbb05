#include "engine/image/png/decoder.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "engine/container/signature.hpp"
#include "engine/image/damage.hpp"
#include "engine/image/png/chunks.hpp"
#include "engine/image/png/filters.hpp"
#include "engine/image/png/inflate.hpp"

namespace intvit {
namespace {

enum ColorType { grey = 0, rgb = 2, palette = 3, grey_alpha = 4, rgb_alpha = 6 };

struct Header {
  ImageSize size;
  int depth = 0; // bits of a sample
  int color = 0; // ColorType
  bool interlaced = false;

  int channels() const { return color == rgb ? 3 : color == grey_alpha ? 2 : color == rgb_alpha ? 4 : 1; }
  std::size_t row_bytes(std::size_t width) const {
    return (width * static_cast<std::size_t>(depth * channels()) + 7) / 8;
  }
  // How far apart the bytes are that filters compare.
  std::size_t pixel_bytes() const { return row_bytes(1); }
};

Result<Header> read_header(std::span<const std::byte> file) {
  PngChunks chunks(file);
  const std::optional<PngChunk> chunk = chunks.next();
  if (!chunk)
    return picture_cut_short();
  if (!begins_with(file, {"\x89PNG\r\n\x1A\n", 8}) || chunk->type != "IHDR" || chunk->data.size() != 13)
    return corrupt_picture("it does not begin as a PNG file");
  const auto byte = [&](std::size_t i) { return std::to_integer<int>(chunk->data[i]); };
  const auto number = [&](std::size_t i) {
    return static_cast<std::int64_t>(byte(i)) << 24 | byte(i + 1) << 16 | byte(i + 2) << 8 | byte(i + 3);
  };
  const Header header{{number(0), number(4)}, byte(8), byte(9), byte(12) == 1};
  const int depths = header.color == grey ? 1 | 2 | 4 | 8 | 16 : header.color == palette ? 1 | 2 | 4 | 8 : 8 | 16;
  const bool known_color = header.color <= rgb_alpha && header.color != 1 && header.color != 5;
  const bool one_depth = header.depth > 0 && (header.depth & (header.depth - 1)) == 0;
  if (!known_color || !one_depth || (header.depth & depths) == 0)
    return corrupt_picture("a kind of pixels that PNG files do not have");
  if (byte(10) != 0 || byte(11) != 0 || byte(12) > 1)
    return Status(StatusCode::unsupported, "a PNG file of an unknown kind of compression, filters or interlacing");
  return header;
}

// What the chunks hold.
struct Content {
  std::array<std::uint8_t, std::size_t{256} * 3> palette{};
  std::vector<std::uint8_t> data; // compressed, with padding
};

Result<Content> read_content(std::span<const std::byte> file, const Header &header) {
  Content content;
  bool has_palette = false;
  std::size_t size = 0;
  std::optional<PngChunk> last;
  PngChunks chunks(file);
  while (const std::optional<PngChunk> chunk = chunks.next()) {
    if (chunk->type == "IDAT")
      size += chunk->data.size();
    if (chunk->type == "PLTE" && header.color == palette) {
      if (chunk->data.empty() || chunk->data.size() % 3 != 0 || chunk->data.size() > content.palette.size())
        return corrupt_picture("bad palette");
      std::memcpy(content.palette.data(), chunk->data.data(), chunk->data.size());
      has_palette = true;
    }
    last = chunk;
  }
  if (chunks.is_cut() || !last || last->type != "IEND")
    return picture_cut_short();
  if (header.color == palette && !has_palette)
    return corrupt_picture("there is no palette");
  try {
    content.data.reserve(size + DeflateBits::padding_bytes);
  } catch (const std::bad_alloc &) {
    return no_memory_for_image(header.size.width, header.size.height);
  }
  PngChunks again(file);
  while (const std::optional<PngChunk> chunk = again.next())
    if (chunk->type == "IDAT") {
      const auto *bytes = reinterpret_cast<const std::uint8_t *>(chunk->data.data());
      content.data.insert(content.data.end(), bytes, bytes + chunk->data.size());
    }
  content.data.resize(size + DeflateBits::padding_bytes);
  return content;
}

// Hands out the decompressed bytes in pieces of any length.
class Rows {
public:
  explicit Rows(Inflater &inflater, std::size_t most_bytes)
      : inflater_(inflater), assembled_(most_bytes + png_row_slack) {}

  // `count` bytes, at most `most_bytes`, valid until the next call; png_row_slack bytes behind them may be read.
  Result<const std::uint8_t *> next(std::size_t count) {
    std::size_t done = 0;
    for (;;) {
      if (done == 0 && piece_.size() >= count) {
        const std::uint8_t *const bytes = piece_.data();
        piece_ = piece_.subspan(count);
        return bytes;
      }
      const std::size_t taken = std::min(count - done, piece_.size());
      std::copy_n(piece_.data(), taken, assembled_.data() + done);
      piece_ = piece_.subspan(taken);
      done += taken;
      if (done == count)
        return static_cast<const std::uint8_t *>(assembled_.data());
      const Result<std::span<const std::uint8_t>> more = inflater_.next();
      if (!more.ok())
        return more.status();
      if (more->empty())
        return picture_cut_short();
      piece_ = *more;
    }
  }

private:
  Inflater &inflater_;
  std::span<const std::uint8_t> piece_;
  std::vector<std::uint8_t> assembled_;
};

// The pixels of a row, `step` pixels apart.
void write_pixels(const Header &header, const Content &content, const std::uint8_t *row, std::size_t width,
                  std::uint8_t *to, std::size_t step) {
  const auto each = [&](std::size_t row_step, const auto &pixel) {
    for (std::size_t x = 0; x < width; ++x, row += row_step, to += 3 * step)
      pixel(row);
  };
  const auto put = [&](std::uint8_t r, std::uint8_t g, std::uint8_t b) {
    to[0] = r;
    to[1] = g;
    to[2] = b;
  };
  const auto put_color = [&](std::size_t index) { std::memcpy(to, content.palette.data() + 3 * index, 3); };
  const std::size_t sample = header.depth == 16 ? 2 : 1; // bytes; the upper 8 bits are the first
  const std::size_t pixel_bytes = header.pixel_bytes();
  if (header.depth < 8) {
    const auto bits = static_cast<std::size_t>(header.depth);
    const unsigned most = (1U << bits) - 1;
    for (std::size_t x = 0; x < width; ++x, to += 3 * step) {
      const unsigned value = row[x * bits / 8] >> (8 - bits - x * bits % 8) & most;
      const auto level = static_cast<std::uint8_t>(value * (255 / most));
      if (header.color == palette)
        put_color(value);
      else
        put(level, level, level);
    }
  } else if (header.color == palette) {
    each(1, [&](const std::uint8_t *pixel) { put_color(*pixel); });
  } else if (header.channels() < 3) {
    each(pixel_bytes, [&](const std::uint8_t *pixel) { put(*pixel, *pixel, *pixel); });
  } else if (pixel_bytes == 3 && step == 1) {
    std::copy_n(row, 3 * width, to);
  } else {
    each(pixel_bytes, [&](const std::uint8_t *pixel) { put(pixel[0], pixel[sample], pixel[2 * sample]); });
  }
}

// The pixels that a pass over the picture brings: every dx-th of every dy-th row.
struct InterlacePass {
  std::size_t x, y, dx, dy;
};
constexpr InterlacePass all_pixels[] = {{0, 0, 1, 1}};
constexpr InterlacePass adam7[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                   {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};

Status decode_pixels(const Header &header, const Content &content, Inflater &inflater, Image &image) {
  const auto width = static_cast<std::size_t>(image.width);
  const auto height = static_cast<std::size_t>(image.height);
  const std::size_t most = header.row_bytes(width);
  Rows rows(inflater, 1 + most);
  std::vector<std::uint8_t> row(most + png_row_slack);
  std::vector<std::uint8_t> above(most + png_row_slack);
  for (const InterlacePass &pass :
       header.interlaced ? std::span<const InterlacePass>(adam7) : std::span<const InterlacePass>(all_pixels)) {
    if (width <= pass.x || height <= pass.y)
      continue;
    const std::size_t pass_width = (width - pass.x + pass.dx - 1) / pass.dx;
    const std::size_t row_bytes = header.row_bytes(pass_width);
    std::fill(above.begin(), above.end(), std::uint8_t{0});
    for (std::size_t y = pass.y; y < height; y += pass.dy) {
      const Result<const std::uint8_t *> stored = rows.next(1 + row_bytes);
      if (!stored.ok())
        return stored.status();
      if (!undo_png_filter((*stored)[0], *stored + 1, above.data(), row.data(), row_bytes, header.pixel_bytes()))
        return corrupt_picture("an unknown filter");
      write_pixels(header, content, row.data(), pass_width, image.rgb.data() + y * image.row_bytes() + 3 * pass.x,
                   pass.dx);
      std::swap(row, above);
    }
  }
  return {};
}

} // namespace

Result<ImageSize> png_size(std::span<const std::byte> file) {
  const Result<Header> header = read_header(file);
  if (!header.ok())
    return header.status();
  return header->size;
}

Result<Image> decode_png(std::span<const std::byte> file, ImageSize size) {
  const Result<Header> header = read_header(file);
  if (!header.ok())
    return header.status();
  const Result<Content> content = read_content(file, *header);
  if (!content.ok())
    return content.status();
  Result<Image> image = make_image(size.width, size.height);
  if (!image.ok())
    return image;
  try { // what this allocates is small, but for rows of the largest pictures
    const auto inflater =
        std::make_unique<Inflater>(content->data.data(), content->data.size() - DeflateBits::padding_bytes);
    if (Status status = decode_pixels(*header, *content, *inflater, *image); !status.ok())
      return status;
  } catch (const std::bad_alloc &) {
    return no_memory_for_image(size.width, size.height);
  }
  return image;
}

} // namespace intvit
