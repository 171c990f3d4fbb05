#pragma once

#include <string>

namespace intvit {

// A share that a command line gives in percent, "15" or "12.5%", as a number from 0 to 1. `option` is what messages
// call it. A number between 0 and 1 needs the sign: 0.15 might be meant as 15 %. Throws UsageError.
double parse_percent(const std::string &option, const std::string &text);

// How a user would write it: "15 %", "12.5 %".
std::string percent_text(double share);

} // namespace intvit
