// Which of the kernels' functions an activation is computed by.
#pragma once

#include "kernels/gelu.hpp"
#include "models/architectures/block.hpp"

namespace intvit {

inline kernels::GeluFunction gelu_function(Activation activation) {
  switch (activation) {
  case Activation::quick_gelu:
    return kernels::GeluFunction::quick;
  case Activation::silu:
    return kernels::GeluFunction::silu;
  case Activation::gelu:
  case Activation::gelu_tanh:
    break;
  }
  return kernels::GeluFunction::gelu;
}

} // namespace intvit
