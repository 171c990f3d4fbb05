#include "cli/quantizer_options.hpp"

#include <array>
#include <iomanip>
#include <span>
#include <sstream>

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

// Sets `value` where the option was given. Throws UsageError for a word that is no name.
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
constexpr std::array weight_levels{Named<WeightLevels>{"int8", WeightLevels::int8},
                                   Named<WeightLevels>{"stlq", WeightLevels::stlq},
                                   Named<WeightLevels>{"int4", WeightLevels::int4}};
constexpr std::array roundings{Named<Rounding>{"compensating", Rounding::compensating},
                               Named<Rounding>{"nearest", Rounding::nearest}};
constexpr std::array two_word_groups{Named<TwoWordGroups>{"tile", TwoWordGroups::tile},
                                     Named<TwoWordGroups>{"filter", TwoWordGroups::filter},
                                     Named<TwoWordGroups>{"element", TwoWordGroups::element}};

} // namespace

void add_numerics_options(Parser &parser) {
  parser.option<std::string>("softmax", "NAME", "int16, int8, lis8 or lis4 (default: int16)");
  parser.flag("no-renormalize", "lis4, lis8: take the probabilities as published, though they do not add up to one");
  parser.option<std::string>("residual", "NAME", "int16, ptf8, ptf8-paper or int8 (default: int16)");
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
  parser.flag("as-published", "FQ-ViT's choices as far as integers can follow; other options override them");
  parser.option<std::string>("observer", "NAME",
                             "how activation ranges are found: mse, minmax, ema, percentile or omse (default: mse)");
  parser.option<std::string>(
      "rounding", "NAME",
      "how weights become codes: compensating, for one another's errors, or nearest (default: compensating)");
  parser.option<double>("channel-strength", "S",
                        "strength of per-channel scales from 0 to 1 (default: searched per layer)");
  parser.flag("no-bias-correction", "leave biases as they are");
  parser.option<std::string>("weight-format", "NAME",
                             "weights of the blocks: int8; stlq, one or two words of 4 bits on a log scale; int4, to "
                             "compare with, stored as int8 (default: int8)");
  parser.option<double>("two-word-ratio", "R", "stlq: percent of the weights that get a second word (default: 15)");
  parser.option<std::string>("two-word-groups", "NAME",
                             "stlq: which weights get it together: tile, filter or element (default: tile)");
}

// What --weight-format, --two-word-ratio and --two-word-groups say.
void set_weights(const Parser &parser, QuantizeOptions &options) {
  set_named(parser, "weight-format", weight_levels, options.weight_levels);
  set_named(parser, "two-word-groups", two_word_groups, options.two_word_groups);
  if (parser.has("two-word-ratio"))
    options.two_word_ratio = parser.get<double>("two-word-ratio") / 100;
  if (!(options.two_word_ratio >= 0 && options.two_word_ratio <= 1))
    throw UsageError("--two-word-ratio must be from 0 to 100");
  for (const char *option : {"two-word-ratio", "two-word-groups"})
    if (parser.has(option) && options.weight_levels != WeightLevels::stlq)
      throw UsageError(std::string("--") + option + " goes with --weight-format stlq");
}

QuantizeOptions quantizer_options(const Parser &parser) {
  QuantizeOptions options = parser.has("as-published") ? published_options() : QuantizeOptions{};
  const Numerics chosen = numerics(parser, {options.residual, options.softmax, options.published.renormalize});
  options.residual = chosen.residual;
  options.softmax = chosen.softmax;
  options.published.renormalize = chosen.renormalize;
  set_weights(parser, options);
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
    text << " weight-format=" << name_of(weight_levels, options.weight_levels);
  if (options.weight_levels == WeightLevels::stlq && words_are_given)
    text << " words=as-trained";
  else if (options.weight_levels == WeightLevels::stlq)
    text << " two-word-ratio=" << options.two_word_ratio * 100
         << " two-word-groups=" << name_of(two_word_groups, options.two_word_groups);
  if (options.channel_strength)
    text << " channel-strength=" << *options.channel_strength;
  if (options.published.per_tensor)
    text << " per-tensor";
  if (!options.correct_bias)
    text << " no-bias-correction";
  if (options.published.clamp_largest_weight)
    text << " clamp-largest-weight";
  return text.str();
}

std::string report_text(const std::vector<LayerReport> &layers) {
  std::ostringstream text;
  text << std::left << std::setw(28) << "node" << std::right << std::setw(8) << "output" << std::setw(10) << "SQNR dB"
       << std::setw(10) << "strength" << std::setw(10) << "clipping"
       << "\n"
       << std::fixed;
  for (const LayerReport &layer : layers) {
    const bool linear = layer.kind == LayerReport::Kind::linear;
    text << std::left << std::setw(28) << layer.name << std::right << std::setw(8) << (linear ? "linear" : "stream");
    if (layer.signal_to_noise)
      text << std::setw(10) << std::setprecision(2) << *layer.signal_to_noise;
    else
      text << std::setw(10) << "-";
    if (linear && layer.signal_to_noise)
      text << std::setw(10) << std::setprecision(3) << layer.strength << std::setw(10) << std::setprecision(2)
           << layer.clipping;
    else
      text << std::setw(10) << "-" << std::setw(10) << "-";
    text << "\n";
  }
  return text.str();
}

nlohmann::json report_json(const std::vector<LayerReport> &layers) {
  nlohmann::json list = nlohmann::json::array();
  for (const LayerReport &layer : layers) {
    const bool linear = layer.kind == LayerReport::Kind::linear;
    nlohmann::json entry = {{"node", layer.name}, {"output", linear ? "linear" : "stream"}};
    entry["sqnr_db"] = layer.signal_to_noise ? nlohmann::json(*layer.signal_to_noise) : nlohmann::json();
    const bool chosen = linear && layer.signal_to_noise;
    entry["strength"] = chosen ? nlohmann::json(layer.strength) : nlohmann::json();
    entry["clipping"] = chosen ? nlohmann::json(layer.clipping) : nlohmann::json();
    list.push_back(std::move(entry));
  }
  return list;
}

} // namespace intvit::cli
