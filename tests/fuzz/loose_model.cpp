#include "tests/fuzz/loose_model.hpp"

#include "engine/container/crc32c.hpp"

namespace intvit::fuzz {

namespace {

using json = nlohmann::json;

constexpr const char *metadata_key = "__metadata__";
constexpr const char *graph_key = "intvit.graph";
constexpr const char *checksum_keys[] = {"intvit.tensor_checksums", "intvit.metadata_checksum"};

std::string dump(const json &value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::uint32_t add(std::uint32_t crc, std::string_view text) {
  return crc32c(std::as_bytes(std::span(text)), crc);
}

std::string hex(std::uint32_t value) {
  std::string text;
  for (int shift = 28; shift >= 0; shift -= 4)
    text += "0123456789abcdef"[value >> shift & 15];
  return text;
}

// docs/format.md, "Checksums".
std::string checksum(const std::string &name, const LooseModel::Tensor &tensor) {
  std::string head = name + ' ' + (tensor.dtype.is_string() ? tensor.dtype.get<std::string>() : dump(tensor.dtype));
  for (const json &dimension : tensor.shape)
    head += ' ' + dump(dimension);
  return hex(add(add(0, head), tensor.bytes));
}

std::string checksum(const json &metadata) {
  std::uint32_t crc = 0;
  const std::string_view zero("\0", 1);
  for (const auto &[key, value] : metadata.items())
    if (key != checksum_keys[1] && value.is_string())
      crc = add(add(add(add(crc, key), zero), value.get_ref<const std::string &>()), zero);
  return hex(crc);
}

} // namespace

std::optional<LooseModel> LooseModel::take_apart(std::span<const std::byte> file) {
  if (file.size() < 8)
    return std::nullopt;
  std::uint64_t length = 0;
  for (std::size_t i = 8; i > 0; --i)
    length = length << 8 | std::to_integer<std::uint64_t>(file[i - 1]);
  if (length > file.size() - 8)
    return std::nullopt;
  const auto *begin = reinterpret_cast<const char *>(file.data()) + 8;
  const std::string_view data(begin + length, file.size() - 8 - static_cast<std::size_t>(length));
  const json header = json::parse(begin, begin + length, nullptr, false);
  if (!header.is_object())
    return std::nullopt;

  LooseModel model;
  for (const auto &[name, value] : header.items()) {
    if (!value.is_object())
      return std::nullopt;
    if (name == metadata_key) {
      model.metadata = value.get<std::map<std::string, json>>();
      continue;
    }
    Tensor tensor{value.value("dtype", json()), value.value("shape", json()), {}, {}};
    const json offsets = value.value("data_offsets", json());
    if (offsets.is_array() && offsets.size() == 2 && offsets[0].is_number_unsigned() &&
        offsets[1].is_number_unsigned() && offsets[0] <= offsets[1] && offsets[1] <= data.size())
      tensor.bytes =
          data.substr(offsets[0].get<std::size_t>(), offsets[1].get<std::size_t>() - offsets[0].get<std::size_t>());
    else
      tensor.offsets = offsets;
    model.tensors.emplace(name, std::move(tensor));
  }
  for (std::size_t i = 0; i < 2; ++i)
    if (const auto found = model.metadata.find(checksum_keys[i]); found != model.metadata.end()) {
      model.stale_checksums[i] = found->second.is_string() ? found->second.get<std::string>() : "";
      model.metadata.erase(found);
    }
  if (const auto graph = model.metadata.find(graph_key); graph != model.metadata.end() && graph->second.is_string())
    if (model.graph = json::parse(graph->second.get_ref<const std::string &>(), nullptr, false);
        model.graph.is_discarded())
      model.graph = {};
  return model;
}

std::vector<std::byte> LooseModel::put_together(bool checksums) const {
  json header = json::object();
  std::string data;
  json tensor_checksums = json::object();
  for (const auto &[name, tensor] : tensors) {
    const json offsets =
        tensor.offsets.is_null() ? json{data.size(), data.size() + tensor.bytes.size()} : tensor.offsets;
    header[name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", offsets}};
    data += tensor.bytes;
    if (checksums)
      tensor_checksums[name] = checksum(name, tensor);
  }
  json all = metadata;
  if (!graph.is_null())
    all[graph_key] = dump(graph);
  all[checksum_keys[0]] = checksums ? dump(tensor_checksums) : stale_checksums[0];
  all[checksum_keys[1]] = checksums ? checksum(all) : stale_checksums[1];
  header[metadata_key] = std::move(all);

  const std::string text = dump(header);
  std::vector<std::byte> file(8 + text.size() + data.size());
  for (std::size_t i = 0; i < 8; ++i)
    file[i] = static_cast<std::byte>(text.size() >> (8 * i) & 0xFF);
  std::copy_n(reinterpret_cast<const std::byte *>(text.data()), text.size(), file.begin() + 8);
  std::copy_n(reinterpret_cast<const std::byte *>(data.data()), data.size(),
              file.begin() + 8 + static_cast<std::ptrdiff_t>(text.size()));
  return file;
}

} // namespace intvit::fuzz
