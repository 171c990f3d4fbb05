// The models, pictures and hashes of golden_hash.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/format/model_file.hpp"
#include "engine/image/image.hpp"

namespace intvit::test {

// Logits of several models and pictures, little-endian, one after the other.
class GoldenLogits {
public:
  void add(std::span<const std::int32_t> logits);
  std::string hash() const;

private:
  std::vector<std::byte> bytes_;
};

struct Golden {
  std::vector<ModelFile> files;
  const char *hash;
};

// Every set of models.
std::vector<Golden> all_golden();

// Of the size that the model wants, which is the same for all of a set.
std::vector<Image> golden_pictures(const ModelFile &file);

} // namespace intvit::test
