#include "kernels/attention.hpp"

#include "engine/graph/bind/node_binder.hpp"
#include "engine/graph/bounds.hpp"

namespace intvit {

Binding bind_operation(NodeBinder &binder, const Attention &op, const ValueInfo &qkv) {
  BoundAttention bound;
  if (qkv.type != ValueType::int8 || qkv.columns % (3 * op.heads) != 0)
    binder.fail("its input must be int8 with 3 * heads * head_dim columns");
  if (op.queries > qkv.rows || qkv.rows > kernels::max_tokens)
    binder.fail("too many tokens or queries");
  const int channels = qkv.columns / 3;
  bound.heads = op.heads;
  bound.head_dim = channels / op.heads;
  if (bound.head_dim < 1 || bound.head_dim > kernels::max_head_dim)
    binder.fail("head_dim must be from 1 to " + std::to_string(kernels::max_head_dim));
  bound.queries = op.queries == 0 ? qkv.rows : op.queries;
  bound.softmax = op.softmax;
  bound.renormalize = op.renormalize;
  bound.score_shift = op.score_shift;
  bound.score_multiplier = binder.read<std::int32_t>("score_multiplier", DType::i32, {op.heads});
  for (const std::int32_t multiplier : bound.score_multiplier)
    if (!score_fits(bound.head_dim, multiplier, op.score_shift))
      binder.fail("a score_multiplier could overflow 32 bits");
  if (exp_table_is_valid(op.exp, qkv.rows)) {
    bound.exp = kernels::build_exp_table(op.exp);
    bound.exp_halves = kernels::halves_every_16(bound.exp);
    bound.int8_weights = kernels::build_int8_weights(bound.exp);
    bound.int16_weight_shift = kernels::int16_weight_shift(bound.exp, qkv.rows);
  } else {
    binder.fail("the exp polynomial rises or its sum over a row could overflow");
  }
  bound.requantization = binder.requantization(channels, op.shift);
  binder.prove(bound.requantization, std::vector<std::uint64_t>(static_cast<std::size_t>(channels), attention_bound));
  const ValueInfo output{ValueType::int8, bound.queries, channels};
  return {std::move(bound), output};
}

} // namespace intvit
