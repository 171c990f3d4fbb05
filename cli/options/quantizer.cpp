#include "cli/options/quantizer.hpp"

#include <array>
#include <sstream>

#include "cli/options/weights.hpp"

namespace intvit::cli {

namespace {

template <typename Enum> struct Named {
  const char *name;
  Enum value;
};

using kernels::Softmax;
using kernels::softmax_name;

constexpr std::array softmaxes{Named<Softmax>{softmax_name(Softmax::int16), Softmax::int16},
                               Named<Softmax>{softmax_name(Softmax::int8), Softmax::int8},
                               Named<Softmax>{softmax_name(Softmax::lis8), Softmax::lis8},
                               Named<Softmax>{softmax_name(Softmax::lis4), Softmax::lis4}};
constexpr std::array residuals{Named<ResidualFormat>{"int16", ResidualFormat::int16},
                               Named<ResidualFormat>{"ptf8", ResidualFormat::ptf8},
                               Named<ResidualFormat>{"ptf8-paper", ResidualFormat::ptf8_paper},
                               Named<ResidualFormat>{"int8", ResidualFormat::int8}};
constexpr std::array observers{
    Named<RangeObserver>{"minmax", RangeObserver::minmax}, Named<RangeObserver>{"ema", RangeObserver::ema},
    Named<RangeObserver>{"percentile", RangeObserver::percentile}, Named<RangeObserver>{"omse", RangeObserver::omse},
    Named<RangeObserver>{"mse", RangeObserver::mse}};

// Sets `value` if the option was given. Throws UsageError for an unknown name.
template <typename Names, typename Enum>
void set_named(const Parser &parser, const std::string &option, const Names &names, Enum &value) {
  if (!parser.has(option))
    return;
  std::vector<std::string> words;
  words.reserve(names.size());
  for (const auto &entry : names)
    words.emplace_back(entry.name);
  const std::string word = parser.choice(option, words);
  for (const auto &entry : names)
    if (entry.name == word)
      value = entry.value;
}

template <typename Names, typename Enum> const char *name_of(const Names &names, Enum value) {
  for (const auto &entry : names)
    if (entry.value == value)
      return entry.name;
  return "";
}
constexpr std::array roundings{Named<Rounding>{"compensating", Rounding::compensating},
                               Named<Rounding>{"nearest", Rounding::nearest}};
constexpr std::array error_measures{Named<ErrorMeasure>{"layer", ErrorMeasure::layer},
                                    Named<ErrorMeasure>{"class-token", ErrorMeasure::class_token},
                                    Named<ErrorMeasure>{"model", ErrorMeasure::model}};

} // namespace

void add_numerics_options(Parser &parser) {
  parser.option<std::string>("softmax", "NAME", "int16, int8 or lis4 (default: int16)");
  parser.option<std::string>("residual", "NAME", "residual stream between blocks: int16 or ptf8 (default: int16)");
}

void add_renormalize_option(Parser &parser) {
  parser.flag("no-renormalize", "lis4, lis8: take the probabilities as published, though they do not add up to one");
}

Numerics numerics(const Parser &parser, Numerics defaults) {
  set_named(parser, "softmax", softmaxes, defaults.softmax);
  set_named(parser, "residual", residuals, defaults.residual);
  if (parser.has("no-renormalize"))
    defaults.renormalize = false;
  return defaults;
}

void add_quantizer_options(Parser &parser) {
  add_numerics_options(parser);
  add_weight_options(parser);
  parser.option<double>(
      "average-bits", "B",
      "stlq, int4: bits of a weight instead of --two-word-ratio, from 4.125, no second words, to 6.25");
  parser.group("To reproduce FQ-ViT's table, with --softmax lis8 and --residual ptf8-paper or int8 besides");
  parser.flag("as-published", "FQ-ViT's choices as far as integers can follow; other options override them");
  parser.option<std::string>("observer", "NAME",
                             "how activation ranges are found: mse, minmax, ema, percentile or omse (default: mse)");
  parser.option<std::string>("rounding", "NAME",
                             "how weights become codes: compensating, each together with the errors of those before "
                             "it, or nearest (default: compensating)");
  parser.flag("no-bias-correction", "leave biases as they are");
  add_renormalize_option(parser);
  parser.group("Studies");
  parser.option<double>("channel-strength", "S",
                        "strength of per-channel scales from 0 to 1 (default: searched per layer)");
  parser.option<int>("weight-bits", "N",
                     "int8: integers as N bits have them, 2 to 8, to see what they cost; files hold 8 (default: 8)");
  parser.option<std::string>("errors-by", "NAME",
                             "errors count by what they change in the outputs of their layer (layer), there with as "
                             "much weight for the class token as for all others (class-token), or in those of the "
                             "model, for which all layers compete for second words (model; default: model for stlq "
                             "and int4, otherwise class-token, and layer without photographs)");
}

namespace {

// A first word, a bit for each group, and a second word for some: see FourBitStorage.
void set_average_bits(const Parser &parser, QuantizeOptions &options) {
  if (!has_words(options.weight_levels))
    throw UsageError("--average-bits goes with --weight-format stlq or int4");
  if (parser.has("two-word-ratio"))
    throw UsageError("give --average-bits or --two-word-ratio, not both");
  const auto bits = parser.get<double>("average-bits");
  for (const int inputs : {4, 8}) { // those of 8 only where those of 4 would leave few
    options.group_inputs = inputs;
    options.two_word_ratio = (bits - 4 - 1.0 / inputs) / storage_of(options.weight_levels, inputs)->second_bits;
    if (options.two_word_ratio >= few_second_words)
      break;
  }
  if (!(options.two_word_ratio >= 0 && options.two_word_ratio <= 1))
    throw UsageError("--average-bits must be from 4.125 to 6.25");
}

} // namespace

QuantizeOptions quantizer_options(const Parser &parser) {
  QuantizeOptions options = parser.has("as-published") ? published_options() : QuantizeOptions{};
  const Numerics chosen = numerics(parser, {options.residual, options.softmax, options.published.renormalize});
  options.residual = chosen.residual;
  options.softmax = chosen.softmax;
  options.published.renormalize = chosen.renormalize;
  const WeightChoice weights = weight_choice(parser);
  options.weight_levels = weights.levels;
  options.two_word_ratio = weights.two_word_ratio;
  options.group_inputs = inputs_of_group(options.two_word_ratio);
  if (parser.has("errors-by"))
    set_named(parser, "errors-by", error_measures, options.error_measure.emplace());
  if (parser.has("average-bits"))
    set_average_bits(parser, options);
  if (parser.has("weight-bits")) {
    options.weight_bits = parser.get<int>("weight-bits");
    if (options.weight_levels != WeightLevels::int8)
      throw UsageError("--weight-bits goes with --weight-format int8");
    if (options.weight_bits < 2 || options.weight_bits > 8)
      throw UsageError("--weight-bits must be 2 to 8");
  }
  set_named(parser, "observer", observers, options.published.observer);
  set_named(parser, "rounding", roundings, options.rounding);
  if (parser.has("no-bias-correction"))
    options.correct_bias = false;
  if (parser.has("channel-strength")) {
    options.channel_strength = parser.get<double>("channel-strength");
    options.published.per_tensor = false;
    if (!(*options.channel_strength >= 0 && *options.channel_strength <= 1))
      throw UsageError("--channel-strength must be from 0 to 1");
  }
  return options;
}

std::string settings_text(const QuantizeOptions &options, bool words_are_given) {
  std::ostringstream text;
  text << "observer=" << name_of(observers, options.published.observer)
       << " rounding=" << name_of(roundings, options.rounding) << " softmax=" << name_of(softmaxes, options.softmax)
       << (options.published.renormalize ? "" : " no-renormalize")
       << " residual=" << name_of(residuals, options.residual);
  if (options.weight_levels != WeightLevels::int8)
    text << " weight-format=" << name_of(options.weight_levels);
  const bool makes_words = has_words(options.weight_levels) && !words_are_given;
  if (makes_words)
    text << " two-word-ratio=" << options.two_word_ratio * 100;
  else if (has_words(options.weight_levels))
    text << " words=as-trained";
  if (const ErrorMeasure measure = error_measure(options, makes_words); measure != ErrorMeasure::layer)
    text << " errors-by=" << name_of(error_measures, measure);
  if (options.weight_bits != 8)
    text << " weight-bits=" << options.weight_bits;
  if (options.channel_strength)
    text << " channel-strength=" << *options.channel_strength;
  if (options.published.per_tensor)
    text << " per-tensor";
  if (!options.correct_bias)
    text << " no-bias-correction";
  if (options.published.clamp_largest_weight)
    text << " clamp-largest-weight";
  if (options.margins.widen())
    text << " margins=" << options.margins.tokens << "," << options.margins.class_token;
  return text.str();
}

} // namespace intvit::cli
