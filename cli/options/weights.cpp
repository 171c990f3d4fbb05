#include "cli/options/weights.hpp"

#include <algorithm>
#include <array>

#include "models/program/percent.hpp"

namespace intvit::cli {

namespace {

struct Format {
  const char *name;
  WeightLevels levels;
  bool in_benchmarks;
};

constexpr std::array formats{Format{"int8", WeightLevels::int8, true}, Format{"int7", WeightLevels::int7, true},
                             Format{"stlq", WeightLevels::stlq, true}, Format{"int4", WeightLevels::int4, false}};

WeightLevels levels_named(const std::string &name, bool benchmarks) {
  std::string known;
  for (const Format &format : formats)
    if (format.in_benchmarks || !benchmarks) {
      if (name == format.name)
        return format.levels;
      known += (known.empty() ? "" : ", ") + std::string(format.name);
    }
  throw UsageError("--weight-format is \"" + name + "\", expected one of: " + known);
}

void require_stlq(const Parser &parser, bool stlq) {
  if (parser.has("two-word-ratio") && !stlq)
    throw UsageError("--two-word-ratio goes with --weight-format stlq");
}

} // namespace

const char *name_of(WeightLevels levels) {
  return std::find_if(formats.begin(), formats.end(), [&](const Format &known) { return known.levels == levels; })
      ->name;
}

std::string WeightChoice::text() const {
  const std::string name = name_of(levels);
  return levels == WeightLevels::stlq ? name + " " + percent_text(two_word_ratio) : name;
}

void add_weight_options(Parser &parser) {
  parser.option<std::string>("weight-format", "NAME",
                             "weights of the blocks' linear maps: int8; int7, integers up to 63, which processors "
                             "with AVX2 but without VNNI multiply faster; or stlq, one or two words of 4 bits on a log "
                             "scale (default: int8)");
  parser.option<std::string>("two-word-ratio", "R",
                             "stlq: percent of the weights that get a second word (default: 15)");
}

WeightChoice weight_choice(const Parser &parser) {
  WeightChoice choice;
  if (parser.has("weight-format"))
    choice.levels = levels_named(parser.get<std::string>("weight-format"), false);
  require_stlq(parser, choice.levels == WeightLevels::stlq);
  if (parser.has("two-word-ratio"))
    choice.two_word_ratio = parse_percent("--two-word-ratio", parser.get<std::string>("two-word-ratio"));
  return choice;
}

void add_weight_lists(Parser &parser) {
  parser.option<std::string>("weight-format", "NAME,...",
                             "weights of the blocks' linear maps: int8, int7, stlq (default: int8)");
  parser.option<std::string>("two-word-ratio", "R,...",
                             "stlq: percent of the weights that have a second word (default: 15)");
}

std::vector<WeightChoice> weight_choices(const Parser &parser) {
  std::vector<WeightChoice> choices;
  std::vector<WeightChoice> stlq;
  if (parser.has("two-word-ratio"))
    for (const std::string &ratio : parser.list("two-word-ratio"))
      stlq.push_back({WeightLevels::stlq, parse_percent("--two-word-ratio", ratio)});
  else
    stlq.push_back({.levels = WeightLevels::stlq});
  bool has_stlq = false;
  for (const std::string &name :
       parser.has("weight-format") ? parser.list("weight-format") : std::vector<std::string>{"int8"}) {
    const WeightLevels levels = levels_named(name, true);
    if (levels == WeightLevels::stlq) {
      has_stlq = true;
      choices.insert(choices.end(), stlq.begin(), stlq.end());
    } else {
      choices.push_back({.levels = levels});
    }
  }
  require_stlq(parser, has_stlq);
  return choices;
}

} // namespace intvit::cli
