// Letters made of strokes, for pictures.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace intvit::cli {

// A line through points, in units of a twelfth of a capital letter's height: x to the right, y down from the top of
// capital letters; the base line is at 12, the lowest point at 16.
using Stroke = std::vector<std::pair<double, double>>;

struct Letter {
  double width = 0; // without the space to the next
  std::vector<Stroke> strokes;
};

inline constexpr double letter_height = 12;  // of capital letters
inline constexpr double letter_space = 3.6;  // between two
inline constexpr double letter_stroke = 1.5; // how thick

// Of an ASCII character; the question mark's for those without one. A space has no strokes.
Letter letter(char character);

} // namespace intvit::cli
