#include "engine/format/checksums.hpp"

#include <array>
#include <map>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "engine/container/crc32c.hpp"
#include "engine/container/json_text.hpp"

namespace intvit {

namespace {

using nlohmann::json;

constexpr const char *tensors_key = "intvit.tensor_checksums";
constexpr const char *metadata_key = "intvit.metadata_checksum";

using Metadata = std::map<std::string, std::string, std::less<>>;

std::string hex(std::uint32_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(8, '0');
  for (std::size_t i = 0; i < 8; ++i)
    text[i] = digits[value >> (28 - 4 * i) & 15];
  return text;
}

std::uint32_t add(std::uint32_t crc, std::string_view text) {
  return crc32c(std::as_bytes(std::span(text.data(), text.size())), crc);
}

// Of a tensor's name, type and shape, then its bytes: a header that was changed is found as well.
std::string tensor_checksum(std::string_view name, const TensorView &view) {
  std::string head = std::string(name) + ' ' + std::string(safetensors_name(view.dtype));
  for (const std::int64_t dimension : view.shape)
    head += ' ' + std::to_string(dimension);
  return hex(crc32c(view.bytes, add(0, head)));
}

// Of every entry but this checksum itself, in the order of their keys. A zero byte parts keys from values.
std::string metadata_checksum(const Metadata &metadata) {
  constexpr std::string_view zero("\0", 1);
  std::uint32_t crc = 0;
  for (const auto &[key, value] : metadata)
    if (key != metadata_key)
      crc = add(add(add(add(crc, key), zero), value), zero);
  return hex(crc);
}

} // namespace

void add_checksums(SafetensorsWriter &writer) {
  json checksums = json::object();
  for (const auto &[name, view] : writer.tensors())
    checksums[name] = tensor_checksum(name, view);
  writer.add_metadata(tensors_key, checksums.dump());
  writer.add_metadata(metadata_key, metadata_checksum(writer.metadata()));
}

Status verify_checksums(const SafetensorsFile &file) {
  const auto fail = [](std::string reason) { return Status(StatusCode::bad_format, std::move(reason)); };
  const auto metadata = file.metadata().find(metadata_key);
  const auto tensors = file.metadata().find(tensors_key);
  if (metadata == file.metadata().end() || tensors == file.metadata().end())
    return fail("the metadata has no checksums");
  if (metadata->second != metadata_checksum(file.metadata()))
    return fail("the metadata's checksum does not match: the file is damaged");

  const json checksums = parse_json_text(tensors->second);
  if (!checksums.is_object() || checksums.size() != file.tensors().size())
    return fail("the tensors' checksums are incomplete");
  for (const auto &[name, view] : file.tensors()) {
    const auto expected = checksums.find(name);
    if (expected == checksums.end() || !expected->is_string())
      return fail("tensor " + name + " has no checksum");
    if (expected->get_ref<const std::string &>() != tensor_checksum(name, view))
      return fail("tensor " + name + ": its checksum does not match: the file is damaged");
  }
  return {};
}

} // namespace intvit
