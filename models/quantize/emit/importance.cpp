#include "models/quantize/emit/importance.hpp"

#include "models/overloaded.hpp"
#include "models/quantize/codes/channel_codes.hpp"

namespace intvit {

using Eigen::ArrayXd;

ArrayXd stream_importance(const LayerNormWeights &norm, const LinearWeights &next) {
  ArrayXd gain = to_array(norm.weight).square();
  if (next.weight.size() == 0)
    return gain;
  const ArrayXd cost = next.weight.colwise().squaredNorm().transpose().array().cast<double>();
  ArrayXd importance = ArrayXd::Zero(gain.size());
  for (Eigen::Index first = 0; first < cost.size(); first += gain.size())
    importance += gain * cost.segment(first, gain.size());
  return importance;
}

ArrayXd stream_importance(const LinearWeights &next) {
  return stream_importance({RowVector::Ones(next.weight.cols()), {}}, next);
}

ArrayXd middle_importance(const BlockPart &part) {
  const LinearWeights next = read_by_mlp(*part.weights);
  return part.config.post_norms ? stream_importance(next) : stream_importance(part.weights->norm2, next);
}

namespace {

ArrayXd end_importance(const EndPart &end) {
  LayerNormWeights norm{RowVector::Ones(end.channels), {}};
  if (end.norm != nullptr)
    norm = *end.norm;
  const LinearWeights *next = end.pool == Pool::attention ? &end.attention->key_value
                              : end.head_weighs_errors    ? end.reader()
                                                          : nullptr;
  return stream_importance(norm, next == nullptr ? LinearWeights() : *next);
}

} // namespace

ArrayXd importance_before(const Network &network, std::size_t index) {
  if (index == network.body.size())
    return end_importance(network.end);
  return std::visit(Overloaded{[](const BlockPart &part) {
                                 return part.config.post_norms
                                            ? stream_importance(part.weights->qkv)
                                            : stream_importance(part.weights->norm1, part.weights->qkv);
                               },
                               // Four neighbours side by side: every channel of the stream is read in four places.
                               [](const MergingPart &part) -> ArrayXd {
                                 const ArrayXd places = part.normed_after
                                                            ? stream_importance(*part.reduction)
                                                            : stream_importance(*part.norm, *part.reduction);
                                 return places.reshaped(places.size() / 4, 4).rowwise().sum();
                               }},
                    network.body[index]);
}

} // namespace intvit
