// What an MLP's second map reads, in random networks.
#include <cmath>

#include "models/quantize/codes/gelu_function.hpp"
#include "models/random/random_network.hpp"
#include "models/random/random_spreads.hpp"

namespace intvit {

using Eigen::ArrayXd;
using kernels::ElementType;
using kernels::Epilogue;

// fc1: its output's codes have gelu_zero_point.
void RandomNetwork::mlp_hidden(const std::string &name, const std::string &input, int hidden, Activation activation) {
  constexpr int fraction_bits = 11;
  Linear operation{.epilogue = Epilogue::gelu, .gelu_fraction_bits = fraction_bits};
  operation.gelu_function = gelu_function(activation);
  linear(name, input, operation, hidden, channels_, std::ldexp(gelu_input_spread, fraction_bits));
  // gelu() of a standard normal number has a root mean square of 0.65.
  const int multiplier =
      static_cast<int>(std::lround(std::ldexp(code_spread / (0.65 * gelu_input_spread), 15 - fraction_bits)));
  const auto count = static_cast<std::size_t>(hidden);
  graph_.constant(name, "gelu_multiplier", draw<std::int16_t>(count, multiplier * 3 / 4, multiplier * 5 / 4));
  graph_.constant(name, "gelu_zero_point", std::vector<std::int8_t>(count, gelu_zero_point));
}

// The input of a gated MLP's fc2, which has no mean: its name.
std::string RandomNetwork::gated_hidden(const BlockPart &part, const std::string &input) {
  const std::string mlp = part.name + ".mlp";
  std::string name = mlp + ".product";
  const int hidden = part.mlp_hidden;
  mlp_hidden(mlp + ".gate", input, hidden, part.config.activation);
  linear(mlp + ".fc1", input, {.epilogue = Epilogue::requantize}, hidden, channels_, code_spread);
  // The codes of a gate are as many as those of another activation.
  const double spread = code_spread * code_spread;
  const bool normed = part.config.mlp.normed;
  const double factor = normed ? largest_product_factor : code_spread / spread;
  const FixedPoint fixed = fixed_point(factors(hidden, factor), ArrayXd::Zero(hidden));
  graph_.add(name, {mlp + ".gate", mlp + ".fc1"},
             Multiply{fixed.shift, normed ? ElementType::int16 : ElementType::int8});
  requantization(name, fixed);
  const auto count = static_cast<std::size_t>(hidden);
  graph_.constant(name, "zero_point", std::vector<std::int8_t>(count, gelu_zero_point));
  graph_.constant(name, "factor_zero_point", std::vector<std::int8_t>(count));
  if (!normed)
    return name;
  const double sum_spread = hidden * factor * spread;
  const FixedPoint norm = fixed_point(factors(hidden, code_spread * quotient_unit), ArrayXd::Zero(hidden));
  graph_.add(mlp + ".norm", name,
             LayerNorm{norm.shift, std::llround(sum_spread * sum_spread * config_.layer_norm_eps), ElementType::int8,
                       config_.centred_norms});
  requantization(mlp + ".norm", norm);
  return mlp + ".norm";
}

} // namespace intvit
