#include "engine/container/file_kind.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "engine/container/signature.hpp"

namespace intvit {
namespace {

struct Kind {
  std::string_view signature;
  std::string_view text;
};

constexpr std::array<Kind, 15> kinds = {{
    {"version https://", "a git-lfs pointer in place of the file, which `git lfs pull` fetches"},
    {"PK\x03\x04", "a zip archive, as PyTorch's checkpoints are: save the model as safetensors"},
    {"GGUF", "a GGUF file"},
    {"\x89HDF", "an HDF5 file, as Keras saves: save the model as safetensors"},
    {{"\x1F\x8B\x08", 3}, "compressed by gzip: unpack it first"},
    {"\x28\xB5\x2F\xFD", "compressed by zstd: unpack it first"},
    {"\xFD\x37zXZ", "compressed by xz: unpack it first"},
    {"BZh", "compressed by bzip2: unpack it first"},
    {"7z\xBC\xAF", "a 7z archive: unpack it first"},
    {"Rar!", "a RAR archive: unpack it first"},
    {"\x93NUMPY", "a NumPy array"},
    {"%PDF", "a PDF document"},
    {"\xFF\xD8\xFF", "a JPEG picture"},
    {"\x89PNG", "a PNG picture"},
    {"{", "a JSON text"},
}};

// In lower case and without a byte order mark and white space before it.
std::string beginning_of_text(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes.first(std::min<std::size_t>(bytes.size(), 64))) {
    const char c = static_cast<char>(std::to_integer<unsigned char>(byte));
    text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (text.starts_with("\xEF\xBB\xBF"))
    text.erase(0, 3);
  return text.erase(0, text.find_first_not_of(" \t\r\n"));
}

// Python's pickle of protocol 2 to 5: two bytes that other files may begin with as well, so the next must be one of the
// instructions that a pickled dictionary, tuple, class, text or number begins with.
bool is_pickle(std::span<const std::byte> bytes) {
  constexpr std::string_view instructions = "}]()cXK\x8A\x8C\x95";
  return bytes.size() >= 3 && bytes[0] == std::byte{0x80} && bytes[1] >= std::byte{2} && bytes[1] <= std::byte{5} &&
         instructions.find(static_cast<char>(std::to_integer<unsigned char>(bytes[2]))) != std::string_view::npos;
}

} // namespace

std::string_view file_kind(std::span<const std::byte> bytes) {
  for (const Kind &kind : kinds)
    if (begins_with(bytes, kind.signature))
      return kind.text;
  if (is_pickle(bytes))
    return "a pickle, which only Python reads, as PyTorch's old checkpoints are: save the model as safetensors";
  if (bytes.size() >= 8 && begins_with(bytes.subspan(4), "TFL3"))
    return "a TensorFlow Lite model";
  // The version of the format, then the producer's name.
  if (bytes.size() >= 3 && bytes[0] == std::byte{8} && bytes[1] < std::byte{32} && bytes[2] == std::byte{0x12})
    return "an ONNX model";
  const std::string text = beginning_of_text(bytes);
  if (text.starts_with("<!doctype html") || text.starts_with("<html"))
    return "a web page, perhaps with the reason why the file itself was not downloaded";
  if (text.starts_with("<?xml"))
    return "an XML document, perhaps with the reason why the file itself was not downloaded";
  return {};
}

} // namespace intvit
