#include "engine/ops/copy.hpp"

#include <cstring>

namespace intvit {

void BoundCopy::run(const Step &step) const {
  const kernels::Range share = step.team.share(step.batch());
  for (int image = share.begin; image < share.end; ++image) {
    const auto index = static_cast<std::size_t>(image);
    std::memcpy(step.output.image(index), step.inputs[0].image(index), step.output_info().bytes());
  }
}

} // namespace intvit
