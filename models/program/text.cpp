#include "models/program/text.hpp"

#include <cstdio>

namespace intvit {

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string percent(double share, int digits) {
  return fixed(100 * share, digits) + " %";
}

} // namespace intvit
