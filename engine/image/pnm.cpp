#include "engine/image/pnm.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "engine/container/signature.hpp"
#include "engine/image/damage.hpp"

namespace intvit {
namespace {

// Reads the text before the samples: numbers separated by white space and by comments, which run from # to the end of a
// line.
class Header {
public:
  explicit Header(std::span<const std::byte> bytes) : bytes_(bytes) {}

  // The next number. Nothing at the end of the bytes, before anything but a digit, or if the number is above `limit`.
  std::optional<std::int32_t> number(std::int32_t limit) {
    skip_space();
    std::optional<std::int32_t> value;
    while (peek() >= '0' && peek() <= '9') {
      value = value.value_or(0) * 10 + (take() - '0');
      if (*value > limit)
        return std::nullopt;
    }
    return value;
  }

  // Exactly one white space separates the last number from the samples.
  std::optional<std::span<const std::byte>> samples() {
    if (!is_space(take()))
      return std::nullopt;
    return bytes_;
  }

private:
  static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

  // '\0' at the end, which is neither digit nor space.
  char peek() const { return bytes_.empty() ? '\0' : std::to_integer<char>(bytes_.front()); }
  char take() {
    const char c = peek();
    bytes_ = bytes_.subspan(std::min<std::size_t>(1, bytes_.size()));
    return c;
  }
  void skip_space() {
    for (;;) {
      while (is_space(peek()))
        take();
      if (peek() != '#')
        return;
      while (!bytes_.empty() && peek() != '\n' && peek() != '\r')
        take();
    }
  }

  std::span<const std::byte> bytes_;
};

} // namespace

bool is_pnm(std::span<const std::byte> bytes) {
  return begins_with(bytes, "P5") || begins_with(bytes, "P6");
}

Result<Image> decode_pnm(std::span<const std::byte> bytes) {
  // Above every permitted side, and so far below the largest int32 that ten times as much still fits.
  constexpr std::int32_t number_limit = 99'999'999;
  const std::size_t channels = bytes[1] == std::byte{'6'} ? 3 : 1;
  Header header(bytes.subspan(2));
  const auto width = header.number(number_limit);
  const auto height = header.number(number_limit);
  const auto maximum = header.number(65'535);
  const auto samples = header.samples();
  if (!width || !height || !maximum || *maximum < 1 || !samples)
    return Status(StatusCode::bad_format, "corrupt PNM picture: its header needs a width, a height and a maximum of 1 "
                                          "to 65535");
  Status status = check_image_size(*width, *height);
  if (!status.ok())
    return status;
  const std::size_t sample_bytes = *maximum > 255 ? 2 : 1;
  const std::size_t pixels = static_cast<std::size_t>(*width) * static_cast<std::size_t>(*height);
  if (samples->size() < pixels * channels * sample_bytes)
    return Status(StatusCode::bad_format, std::string("corrupt PNM picture: ") + file_ends_early);
  Result<Image> image = make_image(*width, *height);
  if (!image.ok())
    return image;

  const auto divisor = static_cast<std::uint32_t>(*maximum);
  const auto sample = [&](std::size_t index) {
    auto value = std::to_integer<std::uint32_t>((*samples)[index * sample_bytes]);
    if (sample_bytes == 2)
      value = value << 8 | std::to_integer<std::uint32_t>((*samples)[index * 2 + 1]);
    return static_cast<std::uint8_t>((std::min(value, divisor) * 255 * 2 + divisor) / (2 * divisor));
  };
  for (std::size_t i = 0; i < image->rgb.size(); ++i)
    image->rgb[i] = sample(channels == 3 ? i : i / 3);
  return image;
}

} // namespace intvit
