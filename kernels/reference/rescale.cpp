// kernels/rescale.hpp, element by element.
#include "kernels/reference/reference.hpp"

namespace intvit::kernels::reference {

namespace {

std::int32_t code_of(const StreamCodes &codes, int row, int c) {
  const std::ptrdiff_t index = row * codes.stride + c;
  if (codes.type == ElementType::int16)
    return static_cast<const std::int16_t *>(codes.data)[index];
  return static_cast<const std::int8_t *>(codes.data)[index];
}

} // namespace

void rescale(const RescaleArgs &args, Range rows) {
  const Requantization &r = args.requantization;
  const ResidualParameters &residual = args.residual;
  for (int row = rows.begin; row < rows.end; ++row)
    for (int c = 0; c < args.channels; ++c) {
      const std::int32_t code = code_of(args.input, row, c);
      const std::int32_t result = residual.stream.data == nullptr
                                      ? requantize(code, r.multiplier[c], r.offset[c], r.shift)
                                      : add_requantize(code, r.multiplier[c], code_of(residual.stream, row, c),
                                                       residual.shift, residual.multiplier[c], r.offset[c], r.shift);
      store_output(args.output, args.output_type, row * args.output_stride + c, result);
    }
}

} // namespace intvit::kernels::reference
