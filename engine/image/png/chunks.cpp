#include "engine/image/png/chunks.hpp"

#include <algorithm>

#include "engine/container/signature.hpp"

namespace intvit {

bool is_png(std::span<const std::byte> bytes) {
  return begins_with(bytes, "\x89PNG");
}

std::optional<PngChunk> PngChunks::next() {
  constexpr std::size_t header = 8, checksum = 4; // header: length, most significant byte first, and type
  if (at_end_ || at_ + header > bytes_.size())
    return std::nullopt;
  std::size_t length = 0;
  for (std::size_t i = 0; i < 4; ++i)
    length = length << 8 | std::to_integer<std::size_t>(bytes_[at_ + i]);
  if (length > bytes_.size() - at_ - header) {
    is_cut_ = true;
    return std::nullopt;
  }
  const PngChunk chunk{{reinterpret_cast<const char *>(bytes_.data()) + at_ + 4, 4},
                       bytes_.subspan(at_ + header, length)};
  at_ = std::min(at_ + header + length + checksum, bytes_.size());
  at_end_ = chunk.type == "IEND";
  return chunk;
}

} // namespace intvit
