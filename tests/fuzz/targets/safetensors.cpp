// The container alone: whatever the bytes, a refusal that names the file, or views that lie in the file one after the
// other and cover its data.
#include <algorithm>

#include "engine/container/safetensors.hpp"
#include "tests/fuzz/exercise_model.hpp"
#include "tests/fuzz/targets/model_bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  using namespace intvit;
  const Result<SafetensorsFile> file = SafetensorsFile::parse(fuzz::bytes_of(data, size), "hostile");
  if (!file.ok()) {
    if (!file.status().message().starts_with("hostile: "))
      fuzz::report("a refusal does not name the file", file.status().message().c_str());
    return 0;
  }
  const std::span<const std::byte> all = file->bytes();
  if (!std::equal(all.begin(), all.end(), reinterpret_cast<const std::byte *>(data)) || all.size() != size)
    fuzz::report("the bytes are not those that were given", "");
  std::vector<std::span<const std::byte>> views;
  std::size_t held = 0;
  for (const auto &[name, tensor] : file->tensors()) {
    const Result<std::int64_t> bytes = tensor_byte_size(tensor.dtype, tensor.shape);
    if (!bytes.ok() || static_cast<std::size_t>(*bytes) != tensor.bytes.size())
      fuzz::report("a tensor does not have the size of its shape", name.c_str());
    held += tensor.bytes.size();
    if (!tensor.bytes.empty())
      views.push_back(tensor.bytes);
  }
  std::sort(views.begin(), views.end(), [](auto a, auto b) { return a.data() < b.data(); });
  for (std::size_t i = 0; i < views.size(); ++i) {
    const std::byte *end = views[i].data() + views[i].size();
    if (end != (i + 1 < views.size() ? views[i + 1].data() : all.data() + all.size()))
      fuzz::report("tensors overlap or leave a hole", "");
  }
  std::uint64_t header = 0;
  for (std::size_t i = 8; i > 0; --i)
    header = header << 8 | data[i - 1];
  if (held + header + 8 != size)
    fuzz::report("the tensors do not cover the data", "");
  return 0;
}
