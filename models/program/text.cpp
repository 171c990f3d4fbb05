#include "models/program/text.hpp"

#include <cmath>
#include <cstdio>

namespace intvit {

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string significant(double value) {
  int digits = 3;
  double size = std::abs(value);
  for (; digits > 0 && size >= 9.9995; --digits)
    size /= 10;
  for (; digits < 8 && size > 0 && size < 0.99995; ++digits)
    size *= 10;
  return fixed(value, digits);
}

std::string megabytes(std::size_t bytes) {
  constexpr double kilo = 1000;
  auto size = static_cast<double>(bytes);
  if (size < kilo)
    return std::to_string(bytes) + " bytes";
  for (const char *unit : {"kB", "MB"}) {
    size /= kilo;
    if (size < 999.95)
      return fixed(size, 1) + " " + unit;
  }
  return fixed(size / kilo, 2) + " GB";
}

std::string percent(double share, int digits) {
  return fixed(100 * share, digits) + " %";
}

} // namespace intvit
