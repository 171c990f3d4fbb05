#include "tests/models/import/weight_folder.hpp"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "engine/container/safetensors.hpp"
#include "tests/support/data.hpp"

namespace intvit::test {

namespace {

// Fuzz targets write such folders too, so these are no checks of Catch2's.
void require_written(bool written, const std::string &path) {
  if (!written)
    throw std::runtime_error(path + " could not be written");
}

} // namespace

std::vector<std::byte> encode(const std::vector<float> &values, DType dtype) {
  std::vector<std::byte> bytes(values.size() * element_size(dtype));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (dtype == DType::f32) {
      std::memcpy(bytes.data() + i * 4, &values[i], 4);
    } else if (dtype == DType::bf16) { // truncated
      std::uint32_t bits = 0;
      std::memcpy(&bits, &values[i], 4);
      bits >>= 16;
      std::memcpy(bytes.data() + i * 2, &bits, 2);
    } else { // f16: normal numbers, truncated
      int exponent = 0;
      const float mantissa = std::frexp(std::abs(values[i]), &exponent);
      auto bits = static_cast<std::uint16_t>((exponent + 14) * 1024 + static_cast<int>(mantissa * 2048) - 1024);
      if (std::signbit(values[i]))
        bits |= 0x8000U;
      std::memcpy(bytes.data() + i * 2, &bits, 2);
    }
  }
  return bytes;
}

void write_weights(const WeightTensors &tensors, const std::string &path, DType dtype) {
  SafetensorsWriter writer;
  for (const auto &[name, tensor] : tensors)
    require_written(writer.add_tensor(name, dtype, tensor.shape, encode(tensor.values, dtype)).ok(), path);
  require_written(writer.write(path).ok(), path);
}

void write_shards(const WeightTensors &tensors, const std::string &path, int shards) {
  std::vector<WeightTensors> parts(static_cast<std::size_t>(shards));
  nlohmann::json map;
  std::size_t turn = 0;
  const auto name_of = [](std::size_t part) { return "model-" + std::to_string(part + 1) + ".safetensors"; };
  for (const auto &[name, tensor] : tensors) {
    const std::size_t part = turn++ % parts.size();
    parts[part][name] = tensor;
    map[name] = name_of(part);
  }
  for (std::size_t part = 0; part < parts.size(); ++part)
    write_weights(parts[part], path + "/" + name_of(part));
  write_text_file(path + "/model.safetensors.index.json",
                  nlohmann::json{{"metadata", {{"total_size", 0}}}, {"weight_map", map}}.dump());
}

std::string read_text_file(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_text_file(const std::string &path, const std::string &text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  require_written(file.flush().good(), path);
}

std::string empty_folder(const std::string &name) {
  std::string path = temporary_file(name);
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

} // namespace intvit::test
