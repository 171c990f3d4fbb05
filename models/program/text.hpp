// Numbers as people read them, in tables and messages.
#pragma once

#include <string>

namespace intvit {

// With that many digits behind the point.
std::string fixed(double value, int digits);

// A share of 1 as "12.3 %".
std::string percent(double share, int digits = 1);

} // namespace intvit
