// A model file in parts that need not make sense: JSON as it stands, and each tensor's bytes.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace intvit::fuzz {

struct LooseModel {
  using json = nlohmann::json;

  struct Tensor {
    json dtype;
    json shape;
    std::string bytes;
    json offsets; // null: where the bytes stand
  };

  // Nothing where the header is not JSON of that form or an offset lies outside.
  static std::optional<LooseModel> take_apart(std::span<const std::byte> file);

  // Tensors one after the other. Checksums are made to fit where `checksums`.
  std::vector<std::byte> put_together(bool checksums) const;

  std::map<std::string, Tensor> tensors;
  std::map<std::string, json> metadata; // but for the checksums: strings, unless damaged
  std::string stale_checksums[2];       // of tensors and of metadata, as they stood in the file
  json graph;                           // null where the metadata has none
};

} // namespace intvit::fuzz
