// A model file taken apart without the engine's reader, and put together without its writer: length, JSON header,
// bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace intvit::test {

struct RawFile {
  nlohmann::json header;
  std::size_t header_size = 0; // with the blanks at its end
  std::string data;

  nlohmann::json &metadata() { return header["__metadata__"]; }
  // A tensor's bytes.
  std::string_view tensor(const std::string &name) const;
  // The file as it stands here.
  std::vector<std::byte> serialize() const;
  // Makes intvit.tensor_checksums and intvit.metadata_checksum fit, as docs/format.md defines them.
  void fix_checksums();
};

RawFile take_apart(const std::vector<std::byte> &file);

// Bit by bit from the polynomial.
std::string crc32c_hex(std::string_view bytes);

// As docs/format.md defines them.
std::string tensor_checksum(const RawFile &file, const std::string &name);
std::string metadata_checksum(const nlohmann::json &metadata);

std::vector<std::byte> as_bytes(std::string_view text);

} // namespace intvit::test
