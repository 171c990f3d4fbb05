#include "cli/options/weights.hpp"

#include <algorithm>
#include <array>

#include "models/program/percent.hpp"

namespace intvit::cli {

namespace {

struct Format {
  const char *name;
  WeightLevels levels;
  bool is_stored; // under this name
};

constexpr std::array formats{Format{"int8", WeightLevels::int8, true}, Format{"stlq", WeightLevels::stlq, true},
                             Format{"int4", WeightLevels::int4, false}};

WeightLevels levels_named(const std::string &name, bool stored_only) {
  std::string known;
  for (const Format &format : formats)
    if (format.is_stored || !stored_only) {
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

std::string WeightChoice::text() const {
  const auto *format =
      std::find_if(formats.begin(), formats.end(), [&](const Format &known) { return known.levels == levels; });
  return levels == WeightLevels::stlq ? std::string(format->name) + " " + percent_text(two_word_ratio) : format->name;
}

void add_weight_options(Parser &parser) {
  parser.option<std::string>("weight-format", "NAME",
                             "weights of the blocks' linear maps: int8, or stlq, one or two words of 4 bits on a log "
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
                             "weights of the blocks' linear maps: int8, stlq (default: int8)");
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
    if (levels_named(name, true) == WeightLevels::stlq) {
      has_stlq = true;
      choices.insert(choices.end(), stlq.begin(), stlq.end());
    } else {
      choices.push_back({});
    }
  }
  require_stlq(parser, has_stlq);
  return choices;
}

} // namespace intvit::cli
