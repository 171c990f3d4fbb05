// How an operation's bind() reads its node's constants and proves that they cannot make it overflow.
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "engine/container/safetensors.hpp"
#include "engine/ops/value.hpp"
#include "engine/ops/weights.hpp"
#include "engine/status.hpp"

namespace intvit {

// Binds one node: reads its constants and checks them. The first error is kept; after it every read returns nothing.
class NodeBinder {
public:
  // `used` receives the names of the tensors that the node took.
  NodeBinder(std::string node, const SafetensorsFile &file, std::vector<std::string> &used)
      : node_(std::move(node)), file_(file), used_(used) {}

  void fail(std::string reason);
  bool ok() const { return status_.ok(); }
  const Status &status() const { return status_; }
  const std::string &node() const { return node_; } // its name

  // The constant, or null with an error where it is missing or of another rank.
  const TensorView *constant(const char *suffix, std::size_t rank);

  template <typename T> std::vector<T> read(const char *suffix, DType dtype, const std::vector<std::int64_t> &shape) {
    const TensorView *view = constant(suffix, dtype, shape);
    if (view == nullptr)
      return {};
    std::vector<T> values(view->bytes.size() / sizeof(T));
    if (!values.empty())
      std::memcpy(values.data(), view->bytes.data(), view->bytes.size());
    return values;
  }

  // Constants `multiplier` and `offset`.
  RequantizationConstants requantization(int channels, int shift);

  // Constants of a matrix product with `in_features` inputs: weights() and requantization().
  LinearMap linear_map(int in_features, int shift);

  // Proves a linear map's accumulators and its requantization; `extra` as in check_requantization().
  void prove(const LinearMap &map, const std::vector<std::uint64_t> &extra = {});
  void prove(const RequantizationConstants &constants, const std::vector<std::uint64_t> &bounds,
             const std::vector<std::uint64_t> &extra);
  // `bound` for every channel.
  void prove(const RequantizationConstants &constants, std::uint64_t bound);

private:
  // Of whichever format the file has constants for this node. The first one's rows say how many outputs there are.
  Weights weights(int in_features);
  // Into `weights`, whose sides and format are set.
  void read_four_bits(const FourBitStorage &storage, Weights &weights);
  const TensorView *constant(const char *suffix, DType dtype, const std::vector<std::int64_t> &shape);

  const std::string node_; // its name
  const SafetensorsFile &file_;
  std::vector<std::string> &used_;
  Status status_;
};

} // namespace intvit
