// Files of float weights as tests write them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/container/dtype.hpp"
#include "tests/support/timm_tensors.hpp"

namespace intvit::test {

// As f32, or truncated to bf16 or (normal numbers only) f16.
std::vector<std::byte> encode(const std::vector<float> &values, DType dtype);

// Writes a safetensors file.
void write_weights(const WeightTensors &tensors, const std::string &path, DType dtype = DType::f32);

// Writes `shards` files that take the tensors in turn, and model.safetensors.index.json, to the folder `path`.
void write_shards(const WeightTensors &tensors, const std::string &path, int shards);

std::string read_text_file(const std::string &path);
void write_text_file(const std::string &path, const std::string &text);

// The path of an empty folder.
std::string empty_folder(const std::string &name);

} // namespace intvit::test
