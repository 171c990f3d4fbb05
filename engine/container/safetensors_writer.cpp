#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "engine/container/file_io.hpp"
#include "engine/container/safetensors.hpp"
#include "engine/container/safetensors_header.hpp"
#include "engine/container/utf8.hpp"

namespace intvit {
namespace {

constexpr std::size_t data_alignment = 64; // of the data section in the file: a cache line

Status bad_argument(std::string_view tensor, const std::string &message) {
  return Status(StatusCode::bad_argument, tensor_context(tensor) + ": " + message);
}

} // namespace

void SafetensorsWriter::add_metadata(std::string_view key, std::string_view value) {
  metadata_.insert_or_assign(replace_invalid_utf8(key), replace_invalid_utf8(value));
}

Status SafetensorsWriter::add_tensor(std::string name, DType dtype, std::vector<std::int64_t> shape,
                                     std::span<const std::byte> bytes) {
  if (name == safetensors_metadata_key)
    return bad_argument(name, "the name is reserved");
  if (valid_utf8_prefix(name) != name.size())
    return bad_argument(name, "the name is not UTF-8 text");
  const Result<std::int64_t> expected = tensor_byte_size(dtype, shape);
  if (!expected.ok())
    return bad_argument(name, expected.status().message());
  if (bytes.size() != static_cast<std::uint64_t>(*expected))
    return bad_argument(name, "has " + std::to_string(bytes.size()) + " bytes, its shape and dtype need " +
                                  std::to_string(*expected));
  if (tensors_.contains(name))
    return bad_argument(name, "was added before");
  tensors_.emplace(std::move(name), Entry{dtype, std::move(shape), {bytes.begin(), bytes.end()}});
  return {};
}

std::map<std::string, TensorView, std::less<>> SafetensorsWriter::tensors() const {
  std::map<std::string, TensorView, std::less<>> views;
  for (const auto &[name, entry] : tensors_)
    views.emplace(name, TensorView{entry.dtype, entry.shape, entry.bytes});
  return views;
}

std::vector<std::byte> SafetensorsWriter::serialize() const {
  // The map is ordered by name; the stable sort keeps that order among equal element sizes.
  std::vector<const std::pair<const std::string, Entry> *> layout;
  layout.reserve(tensors_.size());
  for (const auto &named : tensors_)
    layout.push_back(&named);
  std::stable_sort(layout.begin(), layout.end(), [](const auto *a, const auto *b) {
    return element_size(a->second.dtype) > element_size(b->second.dtype);
  });

  // json::object keeps its keys sorted; with valid UTF-8 in every string, dump() cannot fail.
  nlohmann::json header = nlohmann::json::object();
  if (!metadata_.empty())
    header[std::string(safetensors_metadata_key)] = metadata_;
  std::size_t data_size = 0; // does not overflow: all these bytes are in memory
  for (const auto *named : layout) {
    const Entry &entry = named->second;
    header[named->first] = {{"dtype", safetensors_name(entry.dtype)},
                            {"shape", entry.shape},
                            {"data_offsets", {data_size, data_size + entry.bytes.size()}}};
    data_size += entry.bytes.size();
  }
  std::string text = header.dump();
  const std::size_t unpadded = safetensors_length_size + text.size();
  text.append((data_alignment - unpadded % data_alignment) % data_alignment, ' ');

  std::vector<std::byte> bytes;
  bytes.reserve(safetensors_length_size + text.size() + data_size);
  for (std::size_t i = 0; i < safetensors_length_size; ++i)
    bytes.push_back(static_cast<std::byte>((std::uint64_t{text.size()} >> (8 * i)) & 0xFF));
  for (const char character : text)
    bytes.push_back(static_cast<std::byte>(character));
  for (const auto *named : layout)
    bytes.insert(bytes.end(), named->second.bytes.begin(), named->second.bytes.end());
  return bytes;
}

Status SafetensorsWriter::write(const std::string &path) const {
  const std::vector<std::byte> bytes = serialize();
  std::size_t header_size = bytes.size() - safetensors_length_size;
  for (const auto &[name, entry] : tensors_)
    header_size -= entry.bytes.size();
  if (header_size > max_safetensors_header_size)
    return Status(StatusCode::bad_argument, path + ": the header would have " + std::to_string(header_size) +
                                                " bytes, readers accept at most " +
                                                std::to_string(max_safetensors_header_size));
  return write_file_atomically(path, bytes);
}

} // namespace intvit
