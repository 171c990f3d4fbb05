#include "tests/kernels/golden.hpp"

#include "tests/support/data.hpp"

namespace intvit::test {

std::optional<SafetensorsFile> open_golden() {
  const std::optional<std::string> path = shared_data("golden/fqvit_ops.safetensors");
  if (!path)
    return std::nullopt;
  Result<SafetensorsFile> file = SafetensorsFile::open(*path);
  if (!file.ok())
    throw std::runtime_error(file.status().message());
  return std::move(*file);
}

} // namespace intvit::test
