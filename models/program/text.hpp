// Numbers as people read them, in tables and messages.
#pragma once

#include <cstddef>
#include <string>

namespace intvit {

// With that many digits behind the point.
std::string fixed(double value, int digits);

// With four significant digits: "0.01234", "12.34", "1234".
std::string significant(double value);

// A number of bytes: "934 bytes", "12.3 kB", "21.9 MB", "1.50 GB".
std::string megabytes(std::size_t bytes);

// A share of 1 as "12.3 %".
std::string percent(double share, int digits = 1);

} // namespace intvit
