// The chunks of a PNG file.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace intvit {

// Starts with the signature that every PNG file starts with.
bool is_png(std::span<const std::byte> bytes);

struct PngChunk {
  std::string_view type; // IHDR, IDAT ...
  std::span<const std::byte> data;
};

// Reads one chunk after the other, up to and including the last one, IEND: what follows it is not the picture's. Any
// bytes may be given; the spans stay inside them.
class PngChunks {
public:
  explicit PngChunks(std::span<const std::byte> bytes) : bytes_(bytes) {}

  // Nothing behind the last chunk, and where the bytes end in the middle of one (its checksum may be missing): then
  // is_cut().
  std::optional<PngChunk> next();
  bool is_cut() const { return is_cut_; }

private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 8; // behind the signature
  bool is_cut_ = false;
  bool at_end_ = false;
};

} // namespace intvit
