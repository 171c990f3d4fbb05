#include "models/quantize/quantize.hpp"

#include <stdexcept>

#include "models/quantize/architectures.hpp"

namespace intvit {

std::vector<std::byte> quantize(const QuantizeInput &input, const QuantizeOptions &options, const Progress &progress) {
  validate(input.model);
  if (input.calibration.empty())
    throw std::runtime_error("calibration needs at least one image");
  if (const auto *vit = std::get_if<VitModel>(&input.model))
    return quantize_vit(*vit, input, options, progress);
  return quantize_swin(std::get<SwinModel>(input.model), input, options, progress);
}

} // namespace intvit
