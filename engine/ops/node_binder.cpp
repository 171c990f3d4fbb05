#include "engine/ops/node_binder.hpp"

#include "engine/ops/bounds.hpp"

namespace intvit {

namespace {

std::string dimensions(const std::vector<std::int64_t> &shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

} // namespace

void NodeBinder::fail(std::string reason) {
  if (status_.ok())
    status_ = Status(StatusCode::bad_format, "graph node " + node_ + ": " + std::move(reason));
}

const TensorView *NodeBinder::constant(const char *suffix, std::size_t rank) {
  const std::string name = node_ + "." + suffix;
  const TensorView *view = file_.find(name);
  if (view == nullptr)
    fail("tensor " + name + " is missing");
  else if (view->shape.size() != rank)
    fail("tensor " + name + " has shape " + dimensions(view->shape) + ", expected rank " + std::to_string(rank));
  if (!ok())
    return nullptr;
  used_.push_back(name);
  return view;
}

const TensorView *NodeBinder::constant(const char *suffix, DType dtype, const std::vector<std::int64_t> &shape) {
  const TensorView *view = constant(suffix, shape.size());
  if (view != nullptr && (view->dtype != dtype || view->shape != shape))
    fail("tensor " + node_ + "." + suffix + " is " + std::string(safetensors_name(view->dtype)) + " " +
         dimensions(view->shape) + ", expected " + std::string(safetensors_name(dtype)) + " " + dimensions(shape));
  return ok() ? view : nullptr;
}

Weights NodeBinder::weights(int in_features) {
  Weights weights{.in_features = in_features};
  const StoredFormat &format = stored_format_of(file_, node_);
  const TensorView *view = constant(format.constants[0], 2);
  if (view == nullptr)
    return {};
  const std::int64_t out_features = view->shape[0];
  if (out_features < 1 || out_features > max_columns) {
    fail("the weight has " + std::to_string(out_features) + " rows");
    return {};
  }
  weights.format = format.format;
  weights.out_features = static_cast<int>(out_features);
  if (format.storage != nullptr)
    read_four_bits(*format.storage, weights);
  else
    weights.values = read<std::int8_t>(format.constants[0], DType::i8, {weights.out_features, weights.in_features});
  return weights;
}

void NodeBinder::read_four_bits(const FourBitStorage &storage, Weights &weights) {
  const auto matrix = [&](const char *constant, std::int64_t rows, std::int64_t columns) {
    return read<std::uint8_t>(constant, DType::u8, {rows, columns});
  };
  const int out = weights.out_features;
  const int in = weights.in_features;
  StoredFourBits stored;
  stored.first = matrix(storage.first(), out, kernels::first_word_bytes(in));
  stored.groups =
      matrix(storage.groups(), kernels::four_bit_layout(storage.format).group_rows(out), storage.group_bit_bytes(in));
  if (ok()) // only then is it known how many groups are marked
    stored.second =
        matrix(storage.second(), count_marked_groups(storage, out, in, stored.groups), storage.group_bytes());
  if (ok())
    if (const std::string defect = restore(storage, out, in, std::move(stored), weights.four_bits); !defect.empty())
      fail("tensor " + node_ + "." + defect);
}

RequantizationConstants NodeBinder::requantization(int channels, int shift) {
  return {read<std::int32_t>("multiplier", DType::i32, {channels}),
          read<std::int64_t>("offset", DType::i64, {channels}), shift};
}

LinearMap NodeBinder::linear_map(int in_features, int shift) {
  LinearMap map;
  map.weights = weights(in_features);
  map.requantization = requantization(map.weights.out_features, shift);
  return map;
}

void NodeBinder::prove(const LinearMap &map, const std::vector<std::uint64_t> &extra) {
  if (!ok())
    return;
  std::vector<std::uint64_t> bounds;
  if (const int channel = accumulator_bounds(map.weights, bounds); channel >= 0)
    return fail("the accumulator of channel " + std::to_string(channel) + " could overflow 32 bits");
  prove(map.requantization, bounds, extra);
}

void NodeBinder::prove(const RequantizationConstants &constants, const std::vector<std::uint64_t> &bounds,
                       const std::vector<std::uint64_t> &extra) {
  if (!ok())
    return;
  if (const int channel = check_requantization(constants, bounds, extra); channel >= 0)
    fail("the requantization of channel " + std::to_string(channel) + " could overflow 64 bits");
}

void NodeBinder::prove(const RequantizationConstants &constants, std::uint64_t bound) {
  // Only now is there a constant a channel in the file: before, the graph alone could ask for any number of them.
  if (ok())
    prove(constants, std::vector<std::uint64_t>(constants.multiplier.size(), bound), {});
}

} // namespace intvit
