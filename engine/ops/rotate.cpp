#include "engine/ops/rotate.hpp"

#include <algorithm>

#include "kernels/attention.hpp"

namespace intvit {

void Rotate::describe(Fields &fields) {
  fields.integer("heads", heads, 1, 1024);
  fields.integer("first", first, 0, kernels::max_tokens);
}

Binding Rotate::bind(NodeBinder &binder, std::span<const ValueInfo> inputs) const {
  const ValueInfo &qkv = inputs[0];
  auto bound = std::make_unique<BoundRotate>();
  if (qkv.type != ElementType::int8 || qkv.columns % (6 * heads) != 0)
    binder.fail("its input must be int8 with 3 * heads * head_dim columns, head_dim even");
  else if (first >= qkv.rows)
    binder.fail("leaves " + std::to_string(first) + " rows of " + std::to_string(qkv.rows) + " as they are");
  bound->heads = heads;
  bound->head_dim = qkv.columns / (3 * heads);
  bound->first = first;
  bound->columns = bound->head_dim / 2;
  if (const TensorView *table = binder.constant("cosine", 2);
      table != nullptr && table->shape[1] == std::int64_t{bound->columns} * heads)
    bound->columns *= heads;
  if (!binder.ok())
    return {};
  const std::vector<std::int64_t> shape = {qkv.rows - first, bound->columns};
  bound->cosine = binder.read<std::int16_t>("cosine", DType::i16, shape);
  bound->sine = binder.read<std::int16_t>("sine", DType::i16, shape);
  constexpr int one = 1 << kernels::rotation_bits;
  for (const std::vector<std::int16_t> *table : {&bound->cosine, &bound->sine})
    if (std::any_of(table->begin(), table->end(), [](int value) { return value < -one || value > one; }))
      binder.fail("a cosine or sine is beyond " + std::to_string(one));
  return {std::move(bound), qkv};
}

void BoundRotate::run(const Step &step) const {
  const int pairs = head_dim / 2;
  kernels::RotateArgs args{.heads = heads,
                           .head_dim = head_dim,
                           .first = first,
                           .cosine = cosine.data(),
                           .sine = sine.data(),
                           .row_stride = columns,
                           .head_stride = columns > pairs ? pairs : 0};
  const int rows = step.input_info().rows;
  const kernels::Range share = step.team.share(step.batch() * rows);
  for (int image = share.begin / rows; image * rows < share.end; ++image) {
    args.input = reinterpret_cast<const std::int8_t *>(step.inputs[0].image(static_cast<std::size_t>(image)));
    args.output = reinterpret_cast<std::int8_t *>(step.output.image(static_cast<std::size_t>(image)));
    step.kernels.rotate(args, {std::max(share.begin - image * rows, 0), std::min(share.end - image * rows, rows)});
  }
}

} // namespace intvit
