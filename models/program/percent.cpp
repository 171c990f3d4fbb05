#include "models/program/percent.hpp"

#include <charconv>
#include <sstream>

#include "models/program/usage_error.hpp"

namespace intvit {

double parse_percent(const std::string &option, const std::string &text) {
  const bool has_sign = text.ends_with("%");
  const char *end = text.data() + text.size() - (has_sign ? 1 : 0);
  double percent = 0;
  const auto [stopped, error] = std::from_chars(text.data(), end, percent);
  if (error != std::errc() || stopped != end || !(percent >= 0 && percent <= 100))
    throw UsageError(option + ": \"" + text + "\" is not a percentage from 0 to 100");
  if (!has_sign && percent > 0 && percent < 1)
    throw UsageError(option + ": \"" + text + "\" could be " + text + " % or a share of 1; write " + text + "% or " +
                     percent_text(percent).substr(0, percent_text(percent).find(' ')) + "%");
  return percent / 100;
}

std::string percent_text(double share) {
  std::ostringstream text;
  text << 100 * share << " %";
  return text.str();
}

} // namespace intvit
