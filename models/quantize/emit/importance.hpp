// What an error of a channel of the residual stream costs, by which the stream's codes are chosen.
#pragma once

#include <cstddef>

#include <Eigen/Core>

#include "models/architectures/network.hpp"

namespace intvit {

// Of a stream that is read through this LayerNorm, whose gain multiplies the error, by this linear map, if there is
// one. It may read several rows side by side; then a channel's errors in all of them count.
Eigen::ArrayXd stream_importance(const LayerNormWeights &norm, const LinearWeights &next);

// Of a stream that the linear map reads as it is.
Eigen::ArrayXd stream_importance(const LinearWeights &next);

// Of the stream between a block's branches.
Eigen::ArrayXd middle_importance(const BlockPart &part);

// Of the stream that enters part `index` of the network's body, or its end.
Eigen::ArrayXd importance_before(const Network &network, std::size_t index);

} // namespace intvit
