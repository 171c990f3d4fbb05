#include "cli/options/weights.hpp"

#include <algorithm>
#include <array>

#include "models/program/percent.hpp"

namespace intvit::cli {

namespace {

struct Format {
  const char *name;
  WeightLevels levels;
};

constexpr std::array formats{Format{"int8", WeightLevels::int8}, Format{"int7", WeightLevels::int7},
                             Format{"stlq", WeightLevels::stlq}, Format{"int4", WeightLevels::int4}};

WeightLevels levels_named(const std::string &name) {
  std::string known;
  for (const Format &format : formats) {
    if (name == format.name)
      return format.levels;
    known += (known.empty() ? "" : ", ") + std::string(format.name);
  }
  throw UsageError("--weight-format is \"" + name + "\", expected one of: " + known);
}

void require_words(const Parser &parser, bool words) {
  if (parser.has("two-word-ratio") && !words)
    throw UsageError("--two-word-ratio goes with --weight-format stlq or int4");
}

} // namespace

const char *name_of(WeightLevels levels) {
  return std::find_if(formats.begin(), formats.end(), [&](const Format &known) { return known.levels == levels; })
      ->name;
}

std::string WeightChoice::text() const {
  const std::string name = name_of(levels);
  return has_words(levels) ? name + " " + percent_text(two_word_ratio) : name;
}

void add_weight_options(Parser &parser) {
  parser.option<std::string>("weight-format", "NAME",
                             "weights of the blocks' linear maps: int8; int7, integers up to 63, which processors "
                             "with AVX2 but without VNNI multiply faster; int4, words of 4 bits, of which some get 2 "
                             "more; or stlq, the same on a log scale (default: int8)");
  parser.option<std::string>("two-word-ratio", "R",
                             "stlq, int4: percent of the weights that get a second word (default: 50)");
}

WeightChoice weight_choice(const Parser &parser) {
  WeightChoice choice;
  if (parser.has("weight-format"))
    choice.levels = levels_named(parser.get<std::string>("weight-format"));
  require_words(parser, has_words(choice.levels));
  if (parser.has("two-word-ratio"))
    choice.two_word_ratio = parse_percent("--two-word-ratio", parser.get<std::string>("two-word-ratio"));
  return choice;
}

void add_weight_lists(Parser &parser) {
  parser.option<std::string>("weight-format", "NAME,...",
                             "weights of the blocks' linear maps: int8, int7, stlq, int4 (default: int8)");
  parser.option<std::string>("two-word-ratio", "R,...",
                             "stlq, int4: percent of the weights that have a second word (default: 50)");
}

std::vector<WeightChoice> weight_choices(const Parser &parser) {
  std::vector<WeightChoice> choices;
  std::vector<double> ratios;
  if (parser.has("two-word-ratio"))
    for (const std::string &ratio : parser.list("two-word-ratio"))
      ratios.push_back(parse_percent("--two-word-ratio", ratio));
  else
    ratios.push_back(WeightChoice{}.two_word_ratio);
  bool words = false;
  for (const std::string &name :
       parser.has("weight-format") ? parser.list("weight-format") : std::vector<std::string>{"int8"}) {
    const WeightLevels levels = levels_named(name);
    words |= has_words(levels);
    for (const double ratio : ratios) {
      choices.push_back({levels, ratio});
      if (!has_words(levels)) // once
        break;
    }
  }
  require_words(parser, words);
  return choices;
}

} // namespace intvit::cli
