#include "tests/engine/format/raw_file.hpp"

#include <cstdint>

namespace intvit::test {

using nlohmann::json;

std::vector<std::byte> as_bytes(std::string_view text) {
  std::vector<std::byte> bytes;
  for (const char character : text)
    bytes.push_back(static_cast<std::byte>(character));
  return bytes;
}

RawFile take_apart(const std::vector<std::byte> &file) {
  std::string text;
  for (const std::byte byte : file)
    text += static_cast<char>(byte);
  RawFile raw;
  for (std::size_t i = 8; i > 0; --i)
    raw.header_size = raw.header_size << 8 | std::to_integer<std::size_t>(file.at(i - 1));
  raw.header = json::parse(text.substr(8, raw.header_size));
  raw.data = text.substr(8 + raw.header_size);
  return raw;
}

std::string_view RawFile::tensor(const std::string &name) const {
  const auto begin = header.at(name).at("data_offsets").at(0).get<std::size_t>();
  const auto end = header.at(name).at("data_offsets").at(1).get<std::size_t>();
  return std::string_view(data).substr(begin, end - begin);
}

std::vector<std::byte> RawFile::serialize() const {
  const std::string text = header.dump();
  std::string file(8, '\0');
  for (std::size_t i = 0; i < 8; ++i)
    file[i] = static_cast<char>(text.size() >> (8 * i) & 0xFF);
  return as_bytes(file + text + data);
}

void RawFile::fix_checksums() {
  json checksums = json::object();
  for (const auto &[name, tensor] : header.items())
    if (name != "__metadata__")
      checksums[name] = tensor_checksum(*this, name);
  metadata()["intvit.tensor_checksums"] = checksums.dump();
  metadata()["intvit.metadata_checksum"] = metadata_checksum(metadata());
}

std::string crc32c_hex(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit)
      crc = crc & 1 ? crc >> 1 ^ 0x82F63B78 : crc >> 1; // 0x1EDC6F41, its bits reversed
  }
  crc = ~crc;
  std::string text;
  for (int digit = 7; digit >= 0; --digit)
    text += "0123456789abcdef"[crc >> (4 * digit) & 15];
  return text;
}

std::string tensor_checksum(const RawFile &file, const std::string &name) {
  const json &tensor = file.header.at(name);
  std::string text = name + " " + tensor.at("dtype").get<std::string>();
  for (const json &dimension : tensor.at("shape"))
    text += " " + std::to_string(dimension.get<std::int64_t>());
  return crc32c_hex(text + std::string(file.tensor(name)));
}

std::string metadata_checksum(const json &metadata) {
  std::string text;
  for (const auto &[key, value] : metadata.items()) // in the order of their bytes
    if (key != "intvit.metadata_checksum")
      text += key + std::string(1, '\0') + value.get<std::string>() + std::string(1, '\0');
  return crc32c_hex(text);
}

} // namespace intvit::test
