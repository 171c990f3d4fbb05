// What scripts/make-image-golden.py made: its tables, and synthetic pictures as it draws them.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <span>
#include <string>
#include <string_view>

#include "engine/image/image.hpp"

namespace intvit::test {

// The upper byte of a linear congruential generator.
class Lcg {
public:
  explicit Lcg(std::uint32_t seed) : state_(seed) {}
  std::uint8_t byte() {
    state_ = state_ * 1664525 + 1013904223;
    return static_cast<std::uint8_t>(state_ >> 24);
  }
  std::uint32_t word() {
    std::uint32_t word = 0;
    for (int i = 0; i < 4; ++i)
      word = word << 8 | byte();
    return word;
  }
  // In low .. high.
  int between(int low, int high) { return low + static_cast<int>(word() % static_cast<std::uint32_t>(high - low + 1)); }

private:
  std::uint32_t state_;
};

// "noise", "gradient", "edges" or "lines".
Image picture(std::string_view name, int width, int height);

// Reads tests/golden/images/<table>, one case a line: `check` takes the fields from `line`. There must be so many
// cases.
void for_each_golden(const std::string &table, int cases, const std::function<void(std::istream &line)> &check);

// Reads a table of names, sizes and checksums of pixels. What `decode` makes of each name must have them.
void check_golden_pictures(const std::string &table, int cases,
                           const std::function<Result<Image>(const std::string &name)> &decode);

// All bytes of a file, which must exist.
std::string file_content(const std::string &path);

// decode_image, with "origin" for the file's name.
Result<Image> decode_text(const std::string &bytes);

// The checksum of zlib and PNG.
std::uint32_t crc32(std::span<const std::uint8_t> bytes);

} // namespace intvit::test
