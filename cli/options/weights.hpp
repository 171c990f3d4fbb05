// --weight-format and --two-word-ratio: what the weights of the blocks' linear maps are.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"
#include "models/quantize/options.hpp"

namespace intvit::cli {

// As --weight-format calls them.
const char *name_of(WeightLevels levels);

struct WeightChoice {
  WeightLevels levels = WeightLevels::int8;
  double two_word_ratio = QuantizeOptions{}.two_word_ratio; // stlq, int4: of the weights

  std::string text() const; // "int8", "stlq 15 %"
};

void add_weight_options(Parser &parser);
WeightChoice weight_choice(const Parser &parser);

// The same options, each with a list: every format, STLQ with every ratio. Only those that benchmarks know.
void add_weight_lists(Parser &parser);
std::vector<WeightChoice> weight_choices(const Parser &parser);

} // namespace intvit::cli
