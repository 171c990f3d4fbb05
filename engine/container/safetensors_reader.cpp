#include <algorithm>
#include <utility>

#include "engine/container/file_io.hpp"
#include "engine/container/file_kind.hpp"
#include "engine/container/safetensors.hpp"
#include "engine/container/safetensors_header.hpp"
#include "engine/container/utf8.hpp"

namespace intvit {
namespace {

using NamedTensor = std::map<std::string, SafetensorsHeader::Tensor, std::less<>>::value_type;

Status bad_format(std::string message) {
  return Status(StatusCode::bad_format, std::move(message));
}

std::uint64_t little_endian_u64(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i)
    value |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  return value;
}

std::string range(std::uint64_t begin, std::uint64_t end) {
  return std::string("[") + std::to_string(begin) + ", " + std::to_string(end) + ")";
}

// Checks that a tensor lies inside the data section and is as long as its shape says.
Status check_extent(const SafetensorsHeader::Tensor &tensor, std::uint64_t data_size) {
  if (tensor.begin > tensor.end)
    return bad_format("data_offsets " + range(tensor.begin, tensor.end) + " end before they begin");
  if (tensor.end > data_size)
    return bad_format("data_offsets " + range(tensor.begin, tensor.end) + " lie outside the file's " +
                      std::to_string(data_size) + " bytes of data");
  const Result<std::int64_t> expected = tensor_byte_size(tensor.dtype, tensor.shape);
  if (!expected.ok())
    return bad_format(expected.status().message());
  if (tensor.end - tensor.begin != static_cast<std::uint64_t>(*expected))
    return bad_format("holds " + std::to_string(tensor.end - tensor.begin) + " bytes, its shape and dtype need " +
                      std::to_string(*expected));
  return {};
}

// Checks that the tensors cover the data section from end to end, each byte once. Every extent must have been checked.
Status check_coverage(const SafetensorsHeader &header, std::uint64_t data_size) {
  std::vector<const NamedTensor *> by_offset;
  by_offset.reserve(header.tensors.size());
  for (const NamedTensor &named : header.tensors)
    by_offset.push_back(&named);
  std::sort(by_offset.begin(), by_offset.end(), [](const NamedTensor *a, const NamedTensor *b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });

  const NamedTensor *previous = nullptr;
  std::uint64_t covered = 0;
  for (const NamedTensor *named : by_offset) {
    const auto &[name, tensor] = *named;
    if (tensor.begin < covered)
      return bad_format("overlaps tensor " + quoted_for_message(previous->first)).in(tensor_context(name));
    if (tensor.begin > covered)
      return bad_format("the data before it, " + range(covered, tensor.begin) + ", belongs to no tensor")
          .in(tensor_context(name));
    covered = tensor.end;
    previous = named;
  }
  if (covered != data_size)
    return bad_format(std::to_string(data_size - covered) + " trailing bytes belong to no tensor");
  return {};
}

} // namespace

Result<SafetensorsFile> SafetensorsFile::open(const std::string &path) {
  Result<std::vector<std::byte>> bytes = read_file(path);
  if (!bytes.ok())
    return bytes.status();
  return parse(std::move(*bytes), path);
}

Result<SafetensorsFile> SafetensorsFile::parse(std::vector<std::byte> bytes, std::string_view origin) {
  SafetensorsFile file;
  file.bytes_ = std::move(bytes);
  const std::span<const std::byte> all = file.bytes_;
  if (all.empty())
    return bad_format("the file is empty").in(origin);
  if (all.size() < safetensors_length_size)
    return bad_format("not a safetensors file: " + std::to_string(all.size()) + " bytes are too few").in(origin);
  const std::uint64_t header_size = little_endian_u64(all);
  const std::span<const std::byte> rest = all.subspan(safetensors_length_size);
  // A header that is cut off has a length of at most four bytes, which may be those of another kind of file.
  if (const std::string_view kind = file_kind(all); header_size >> 32 != 0 && !kind.empty())
    return bad_format("not a safetensors file but " + std::string(kind)).in(origin);
  // The length is not told: where the file is no such file at all, it is its first eight bytes, which may be secret.
  if (header_size > rest.size())
    return bad_format("truncated or not a safetensors file: its header would be longer than the " +
                      std::to_string(rest.size()) + " bytes that follow its length")
        .in(origin);
  if (header_size > max_safetensors_header_size)
    return bad_format("header of " + std::to_string(header_size) + " bytes exceeds the limit of " +
                      std::to_string(max_safetensors_header_size))
        .in(origin);

  const std::span<const std::byte> text = rest.first(static_cast<std::size_t>(header_size));
  const std::span<const std::byte> data = rest.subspan(text.size());
  Result<SafetensorsHeader> header =
      parse_safetensors_header(std::string_view(reinterpret_cast<const char *>(text.data()), text.size()));
  if (!header.ok())
    return header.status().in(origin);
  for (const auto &[name, tensor] : header->tensors)
    if (const Status status = check_extent(tensor, data.size()); !status.ok())
      return status.in(tensor_context(name)).in(origin);
  if (const Status status = check_coverage(*header, data.size()); !status.ok())
    return status.in(origin);

  // Every extent is inside the data section, so the conversions to size_t keep the value.
  for (auto &[name, tensor] : header->tensors)
    file.tensors_.emplace(name, TensorView{tensor.dtype, std::move(tensor.shape),
                                           data.subspan(static_cast<std::size_t>(tensor.begin),
                                                        static_cast<std::size_t>(tensor.end - tensor.begin))});
  file.metadata_ = std::move(header->metadata);
  return file;
}

const TensorView *SafetensorsFile::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

} // namespace intvit
