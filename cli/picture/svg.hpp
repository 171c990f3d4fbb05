// Diagrams as SVG files that need nothing else.
#pragma once

#include <sstream>
#include <string>

namespace intvit::cli {

// Coordinates are pixels from the upper left corner. Classes are those of the style in svg.cpp.
class Svg {
public:
  Svg(int width, int height, const std::string &title);

  void rectangle(double left, double top, double width, double height, const std::string &classes);
  void line(double x1, double y1, double x2, double y2, const std::string &classes);
  enum class Anchor { start, middle, end };
  void text(double x, double y, const std::string &text, Anchor anchor = Anchor::start,
            const std::string &classes = "");

  // The whole file. To be called once, at the end.
  std::string finish();

private:
  std::ostringstream out_;
};

// A number for people, without zeros at its end.
std::string short_number(double value);

} // namespace intvit::cli
