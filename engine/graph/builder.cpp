#include "engine/graph/builder.hpp"

#include "engine/ops/four_bits_storage.hpp"

namespace intvit {

void GraphBuilder::add(std::string name, std::vector<std::string> inputs, const Operation &operation) {
  graph_.nodes.push_back({std::move(name), std::move(inputs), operation});
}

void GraphBuilder::weights(const std::string &node, int out_features, const std::vector<std::int8_t> &values) {
  constant(node, "weight", values, {out_features, static_cast<std::int64_t>(values.size()) / out_features});
}

void GraphBuilder::weights(const std::string &node, const FourBitWeights &words) {
  const auto matrix = [&](const char *suffix, const std::vector<std::uint8_t> &bytes, std::int64_t columns) {
    constant(node, suffix, bytes, {static_cast<std::int64_t>(bytes.size()) / columns, columns});
  };
  const StoredWeights stored = store(words);
  if (stored.storage == nullptr) {
    if (status_.ok())
      status_ = Status(StatusCode::bad_argument, "weights of node " + node + ": no model file can hold such words");
    return;
  }
  matrix(stored.storage->first(), stored.constants.first, kernels::first_word_bytes(words.in_features));
  matrix(stored.storage->groups(), stored.constants.groups, stored.storage->group_bit_bytes(words.in_features));
  matrix(stored.storage->second(), stored.constants.second, stored.storage->group_bytes());
}

void GraphBuilder::requantization(const std::string &node, const std::vector<std::int32_t> &multiplier,
                                  const std::vector<std::int64_t> &offset) {
  constant(node, "multiplier", multiplier);
  constant(node, "offset", offset);
}

void GraphBuilder::stream_factors(const std::string &node, const std::vector<std::uint8_t> &alpha,
                                  const std::vector<std::int8_t> &zero_point) {
  constant(node, "alpha", alpha);
  constant(node, "zero_point", zero_point);
}

void GraphBuilder::tensor(const std::string &name, const TensorView &view) {
  const Status added = constants_.add_tensor(name, view.dtype, view.shape, view.bytes);
  if (status_.ok())
    status_ = added;
}

void GraphBuilder::add_constant(const std::string &node, const char *suffix, DType dtype,
                                std::vector<std::int64_t> shape, std::span<const std::byte> bytes) {
  const Status added = constants_.add_tensor(node + "." + suffix, dtype, std::move(shape), bytes);
  if (status_.ok())
    status_ = added;
}

} // namespace intvit
