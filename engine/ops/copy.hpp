// What take_rows and flatten do when they run.
#pragma once

#include "engine/ops/operation.hpp"

namespace intvit {

// Copies the beginning of every image's input, as much as the output holds.
class BoundCopy : public BoundOperation {
public:
  void run(const Step &step) const override;
  std::size_t input_bytes(std::span<const ValueInfo>, const ValueInfo &output) const override { return output.bytes(); }
};

} // namespace intvit
