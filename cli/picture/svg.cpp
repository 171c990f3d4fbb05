#include "cli/picture/svg.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "engine/container/utf8.hpp"

namespace intvit::cli {

namespace {

std::string svg_number(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string attribute(const char *name, double value) {
  return std::string(" ") + name + "=\"" + svg_number(value) + "\"";
}

} // namespace

std::string escape_html(const std::string &text) {
  std::string valid = replace_invalid_utf8(text);
  for (const char *excluded : {"\xEF\xBF\xBE", "\xEF\xBF\xBF"}) // U+FFFE and U+FFFF are no characters of XML
    for (std::size_t at = 0; (at = valid.find(excluded, at)) != std::string::npos;)
      valid.replace(at, 3, "\xEF\xBF\xBD");
  std::string result;
  for (const char c : valid)
    switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    default: // of the control characters XML allows none but these
      result += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? std::string("\xEF\xBF\xBD")
                                                                               : std::string(1, c);
    }
  return result;
}

double Axis::at(double value) const {
  double share = logarithmic ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
  share = std::clamp(share, 0.0, 1.0);
  return first + share * (last - first);
}

std::vector<double> Axis::ticks(int count) const {
  std::vector<double> result;
  if (!std::isfinite(low) || !std::isfinite(high) || low >= high || (logarithmic && low <= 0))
    return result; // nothing can be marked on such an axis
  if (logarithmic) {
    // 2 and 5 only where powers of ten alone would be few.
    const bool between = std::log10(high / low) < count / 2.0;
    const auto exponent = [](double value) { return static_cast<int>(std::floor(std::log10(value))); };
    for (int power = exponent(low); power <= exponent(high); ++power)
      for (const double factor : {1.0, 2.0, 5.0})
        if (const double value = std::pow(10, power) * factor;
            value >= low && value <= high && (between || factor == 1.0))
          result.push_back(value);
    return result;
  }
  double step = std::pow(10, std::floor(std::log10((high - low) / count)));
  for (const double factor : {2.0, 2.5, 2.0}) // 1, 2, 5, 10
    if ((high - low) / step > count)
      step *= factor;
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i)
    result.push_back(i * step + 0.0); // not -0
  return result;
}

std::string tick_text(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

Svg::Svg(int width, int height, const std::string &label)
    : body_("<svg viewBox=\"0 0 " + std::to_string(width) + " " + std::to_string(height) + "\" width=\"" +
            std::to_string(width) + "\" role=\"img\" aria-label=\"" + escape_html(label) + "\">\n") {}

void Svg::shape(const std::string &element, const std::string &css, const std::string &tip) {
  body_ += "<" + element + " class=\"" + css + "\"";
  if (tip.empty())
    body_ += "/>\n";
  else
    body_ += "><title>" + escape_html(tip) + "</title></" + element.substr(0, element.find(' ')) + ">\n";
}

void Svg::line(double x1, double y1, double x2, double y2, const std::string &css) {
  shape("line" + attribute("x1", x1) + attribute("y1", y1) + attribute("x2", x2) + attribute("y2", y2), css, "");
}

void Svg::rectangle(double x, double y, double width, double height, const std::string &css, const std::string &tip) {
  shape("rect" + attribute("x", x) + attribute("y", y) + attribute("width", width) + attribute("height", height), css,
        tip);
}

void Svg::circle(double x, double y, double radius, const std::string &css, const std::string &tip) {
  shape("circle" + attribute("cx", x) + attribute("cy", y) + attribute("r", radius), css, tip);
}

void Svg::polyline(const std::vector<std::pair<double, double>> &points, const std::string &css) {
  std::string list;
  for (const auto &[x, y] : points)
    list += (list.empty() ? "" : " ") + svg_number(x) + "," + svg_number(y);
  shape("polyline points=\"" + list + "\"", css, "");
}

void Svg::text(double x, double y, const std::string &content, const std::string &anchor, const std::string &css) {
  body_ += "<text" + attribute("x", x) + attribute("y", y) + " text-anchor=\"" + anchor + "\"" +
           (css.empty() ? "" : " class=\"" + css + "\"") + ">" + escape_html(content) + "</text>\n";
}

std::string Svg::finish_file(const std::string &style) const {
  const std::size_t first_line = body_.find('\n') + 1;
  return "<svg xmlns=\"http://www.w3.org/2000/svg\"" + body_.substr(4, first_line - 4) + "<style>" + style +
         "</style>\n" + body_.substr(first_line) + "</svg>\n";
}

} // namespace intvit::cli
