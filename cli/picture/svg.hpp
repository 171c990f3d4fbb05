// SVG drawings, inside HTML pages or as files. Colours come from CSS by class, so that drawings follow light and dark.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace intvit::cli {

// Text with what means something in HTML and XML replaced; what XML does not allow (control characters, bytes that
// are not UTF-8, U+FFFE, U+FFFF) becomes U+FFFD.
std::string escape_html(const std::string &text);

// An axis: values from `low` to `high` onto pixels from `first` to `last`, in proportion or by the logarithm.
struct Axis {
  double low = 0;
  double high = 1;
  double first = 0;
  double last = 1;
  bool logarithmic = false;

  double at(double value) const; // clipped to the axis
  // Round numbers along it, about `count` of them; of a logarithmic axis powers of ten with 2 and 5 between. None where
  // the ends are not in order, not finite or, of a logarithmic axis, not above 0.
  std::vector<double> ticks(int count) const;
};

// A number for a tick, as short as it can be told: "0.5", "20".
std::string tick_text(double value);

class Svg {
public:
  // `label` tells those who do not see it what is drawn.
  Svg(int width, int height, const std::string &label);

  // `css` is a class; `tip`, where given, is shown under the pointer.
  void line(double x1, double y1, double x2, double y2, const std::string &css);
  void rectangle(double x, double y, double width, double height, const std::string &css, const std::string &tip = "");
  void circle(double x, double y, double radius, const std::string &css, const std::string &tip = "");
  void polyline(const std::vector<std::pair<double, double>> &points, const std::string &css);
  // `anchor`: start, middle or end.
  void text(double x, double y, const std::string &content, const std::string &anchor = "start",
            const std::string &css = "");

  // As a part of a page.
  std::string finish() const { return body_ + "</svg>\n"; }
  // As a file that needs nothing else.
  std::string finish_file(const std::string &style) const;

private:
  void shape(const std::string &element, const std::string &css, const std::string &tip);

  std::string body_;
};

} // namespace intvit::cli
