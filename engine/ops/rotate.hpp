// Turns the queries and keys in q, k, v codes [tokens, 3 C] by rotary positions: docs/numerics.md, "Rotation".
//
// Constants: cosine and sine i16 [tokens - first, P], P = C / (2 heads) for all heads alike or C / 2 for each its own.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "engine/ops/fields.hpp"
#include "engine/ops/node_binder.hpp"
#include "engine/ops/operation.hpp"

namespace intvit {

struct Rotate {
  static constexpr std::string_view name = "rotate";
  static constexpr std::array<std::string_view, 1> all_features{"rotate"};

  int heads = 0;
  int first = 0; // rows that are not turned

  std::vector<std::string_view> features() const { return {all_features[0]}; }
  std::vector<const char *> inputs() const { return {"input"}; }
  void describe(Fields &fields);
  Binding bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const;
};

class BoundRotate : public BoundOperation {
public:
  int heads = 0;
  int head_dim = 0;
  int first = 0;
  int columns = 0; // of the tables
  std::vector<std::int16_t> cosine;
  std::vector<std::int16_t> sine;

  void run(const Step &step) const override;
  std::size_t constant_bytes() const override { return (cosine.size() + sine.size()) * sizeof(std::int16_t); }
};

} // namespace intvit
