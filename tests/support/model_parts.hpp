// Model files in parts, and pictures to run them on. Needs nothing but the engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/format/model_file.hpp"
#include "engine/graph/builder.hpp"
#include "engine/image/image.hpp"

namespace intvit::test {

// Random pixels. The same seed gives the same bits on every machine.
std::vector<Image> random_images(int count, int width, int height, std::uint32_t seed);

// What a session may be like, each number of threads with one size of batch: the random graphs (tests/fuzz) have more.
struct SessionShape {
  int threads;
  std::size_t batch;
};
inline constexpr SessionShape session_shapes[] = {{1, 1}, {2, 5}, {3, 2}};

// A model file in parts, which tests change before they put it together again.
struct ModelParts {
  struct Tensor {
    DType dtype = DType::u8;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes;

    template <typename T> std::vector<T> as() const {
      std::vector<T> values(bytes.size() / sizeof(T));
      if (!bytes.empty())
        std::memcpy(values.data(), bytes.data(), bytes.size());
      return values;
    }
  };

  ModelParts() = default;
  explicit ModelParts(const std::vector<std::byte> &file);
  explicit ModelParts(const GraphBuilder &graph); // with the recipe that squashes

  template <typename T>
  void set(const std::string &name, DType dtype, std::vector<std::int64_t> shape, const std::vector<T> &values) {
    Tensor tensor{dtype, std::move(shape), std::vector<std::byte>(values.size() * sizeof(T))};
    if (!values.empty())
      std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
    tensors[name] = std::move(tensor);
  }

  // One element of an existing tensor.
  template <typename T> void set_element(const std::string &name, std::size_t index, T value) {
    std::memcpy(tensors.at(name).bytes.data() + index * sizeof(T), &value, sizeof(T));
  }

  // The operation of a node, by name; std::out_of_range where there is none.
  Node &node(const std::string &name);
  template <typename T> T &operation(const std::string &name) { return std::get<T>(node(name).operation); }

  // A golden image and logits of the right shapes, all zero.
  void add_blank_golden(int classes);

  // The tensors alone, without metadata.
  SafetensorsWriter writer() const;
  // A whole file whose checksums fit.
  std::vector<std::byte> file() const;

  ModelDescription description;
  std::map<std::string, Tensor> tensors;
};

// One patch of side x side pixels and one matrix product, "h", whose constants are still to be set.
ModelParts one_product(int side, int outputs);

// Adds patch tokens to a model that has none: what its first block's norm makes of the embedded patches, as int32.
void add_patch_tokens(ModelParts &parts);

// Makes a classifier what it was in files before classifiers had features.
void remove_features(ModelParts &parts);

} // namespace intvit::test
