#include "tests/engine/container/safetensors_bytes.hpp"

namespace intvit::test {

std::vector<std::byte> to_bytes(std::string_view text) {
  std::vector<std::byte> bytes;
  for (const char character : text)
    bytes.push_back(static_cast<std::byte>(character));
  return bytes;
}

std::vector<std::byte> safetensors_bytes(std::string_view header, std::string_view data) {
  std::string file(8, '\0');
  for (std::size_t i = 0, rest = header.size(); i < 8; ++i, rest /= 256)
    file[i] = static_cast<char>(rest % 256);
  file += header;
  file += data;
  return to_bytes(file);
}

} // namespace intvit::test
