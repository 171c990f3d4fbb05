// The ends of random networks: from the residual stream to logits or features.
#include <algorithm>
#include <cmath>

#include "models/random/random_network.hpp"
#include "models/random/random_spreads.hpp"

namespace intvit {

using Eigen::ArrayXd;
using kernels::ElementType;
using kernels::Epilogue;

// `factor`: from a token's codes to those of the mean.
void RandomNetwork::mean_rows(const std::string &name, const std::string &input, int first, int rows, double factor,
                              const ArrayXd &zero, ElementType type) {
  const bool merged = merged_from_ > 0;
  const int tokens = merged ? merged_from_ : rows;
  const ArrayXd of_sum = factors(channels_, factor / tokens);
  const FixedPoint fixed = fixed_point(of_sum, -of_sum * tokens * zero);
  graph_.add(name, merged ? with_sizes(input) : std::vector{input}, MeanRows{first, rows, fixed.shift, type, merged});
  requantization(name, fixed);
}

void RandomNetwork::head(const std::string &input, int in_features, int classes) {
  linear("head", input, {.epilogue = Epilogue::logits}, classes, in_features,
         std::ldexp(logit_spread, logit_fraction_bits));
}

void RandomNetwork::end(const EndPart &part) {
  merged_from_ = part.merged_from;
  if (part.patch_tokens) {
    layer_norm("patch_tokens", ElementType::int32, std::ldexp(logit_spread, logit_fraction_bits),
               ArrayXd::Zero(channels_));
    graph_.graph().tokens = "patch_tokens";
    graph_.graph().token_fraction_bits = logit_fraction_bits;
    if (const int read = part.first + part.rows; read <= first_tokens_ - config_.patches()) {
      graph_.add("head_tokens", stream_node_, TakeRows{read});
      stream_node_ = "head_tokens";
    }
  }
  switch (part.pool) {
  case Pool::token:
  case Pool::token_pair:
    return rows_head(part.rows, part.projection, part.classes);
  case Pool::token_mean:
    return token_mean_head(part);
  case Pool::mean:
    return mean_head(part);
  case Pool::normed_mean:
    return normed_mean_head(part.first, part.rows, part.classes);
  case Pool::raw_mean:
  case Pool::raw_token:
    return raw_mean_head(part.first, part.rows, part.projection, part.classes);
  case Pool::attention:
    return attention_head(part);
  }
}

void RandomNetwork::projection_head(int projection) {
  head("norm", channels_, projection);
  graph_.graph().result = ResultKind::embedding;
}

void RandomNetwork::rows_head(int rows, int projection, int classes) {
  if (classes > 0 || projection > 0)
    layer_norm("norm");
  else
    layer_norm("norm", ElementType::int32, std::ldexp(logit_spread, logit_fraction_bits), ArrayXd::Zero(channels_));
  if (rows > 1)
    graph_.add("features", "norm", Flatten{});
  if (classes > 0)
    head(rows > 1 ? "features" : "norm", rows * channels_, classes);
  else if (projection > 0)
    projection_head(projection);
}

void RandomNetwork::mean_head(const EndPart &part) {
  const int rows = part.rows;
  // As wide as a requantization can make it.
  const double factor = std::min(wide_stream_spread / stream_spread() / mean_spread(1.0 / rows), 0.39 * rows);
  mean_rows("mean", stream_node_, part.first, rows, factor, stream_zero_, ElementType::int16);
  use_wide_stream("mean");
  rows_head(1, part.projection, part.classes);
}

void RandomNetwork::raw_mean_head(int first, int rows, int projection, int classes) {
  const double factor = std::min(1 / (stream_spread() * mean_spread(1.0 / rows)), 0.39 * rows / code_spread);
  if (classes == 0 && projection == 0) {
    mean_rows("features", stream_node_, first, rows,
              std::min(std::ldexp(factor * logit_spread, logit_fraction_bits), 0.39 * rows), stream_zero_,
              ElementType::int32);
    return;
  }
  mean_rows("norm", stream_node_, first, rows, factor * code_spread, stream_zero_, ElementType::int8);
  if (classes > 0)
    head("norm", channels_, classes);
  else
    projection_head(projection);
}

void RandomNetwork::token_mean_head(const EndPart &part) {
  const ArrayXd zero = ArrayXd::Zero(channels_);
  layer_norm("norm", ElementType::int16, wide_stream_spread, zero);
  const bool has_head = part.classes > 0;
  const std::string name = has_head ? "pooled" : "features";
  const double spread = (has_head ? code_spread : std::ldexp(logit_spread, logit_fraction_bits)) / wide_stream_spread;
  const ElementType type = has_head ? ElementType::int8 : ElementType::int32;
  const int rows = part.rows - part.patches;
  merged_from_ = 0;
  mean_rows(name + ".token", "norm", part.first, 1, spread, zero, type);
  merged_from_ = part.merged_from > 0 ? part.merged_from - part.patches : 0;
  mean_rows(name + ".mean", "norm", part.first + part.patches, rows, spread / mean_spread(1.0 / rows), zero, type);
  graph_.add(name, {name + ".token", name + ".mean"}, Join{});
  if (has_head)
    head(name, 2 * channels_, part.classes);
}

void RandomNetwork::attention_head(const EndPart &part) {
  layer_norm("attn_pool.norm");
  linear("attn_pool.qkv", "attn_pool.norm", {.epilogue = Epilogue::requantize}, 3 * channels_, channels_, code_spread);
  attention("attn_pool", "attn_pool.qkv", part.pool_block, 1);
  linear("attn_pool.proj", "attn_pool", {.epilogue = Epilogue::requantize16}, channels_, channels_, wide_stream_spread);
  use_wide_stream("attn_pool.proj");
  layer_norm("attn_pool.norm2");
  mlp_hidden("attn_pool.mlp.fc1", "attn_pool.norm2", part.pool_hidden, part.pool_block.activation);
  add_to_stream("attn_pool.mlp.fc2", "attn_pool.mlp.fc1", part.pool_hidden, gelu_mean_code);
  merged_from_ = 0;
  raw_mean_head(0, 1, part.projection, part.classes);
}

void RandomNetwork::normed_mean_head(int first, int rows, int classes) {
  const ArrayXd zero = ArrayXd::Zero(channels_);
  layer_norm("norm", ElementType::int16, wide_stream_spread, zero);
  const double factor = 1 / (wide_stream_spread * mean_spread(1.0 / rows));
  if (classes == 0) {
    mean_rows("features", "norm", first, rows, std::ldexp(factor * logit_spread, logit_fraction_bits), zero,
              ElementType::int32);
    return;
  }
  mean_rows("mean", "norm", first, rows, factor * code_spread, zero, ElementType::int8);
  head("mean", channels_, classes);
}

} // namespace intvit
