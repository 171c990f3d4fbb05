#include "cli/picture/svg.hpp"

#include <cstdio>

namespace intvit::cli {

namespace {

// f0 .. f7: factors of channels, dark to light. Of the other fills one is cold, one warm.
constexpr const char *style = R"(
  text { font: 12px sans-serif; fill: #333 }
  .title { font-weight: bold }
  .grid { stroke: #ddd }
  .axis { stroke: #888 }
  .mark { stroke: #c0392b; stroke-dasharray: 4 3 } text.marked { fill: #c0392b }
  .cold { fill: #2f7fd6 } .warm { fill: #e58a2b }
  .f0 { fill: #440154 } .f1 { fill: #46327e } .f2 { fill: #365c8d } .f3 { fill: #277f8e }
  .f4 { fill: #1fa187 } .f5 { fill: #4ac16d } .f6 { fill: #a0da39 } .f7 { fill: #f0d21e }
  @media (prefers-color-scheme: dark) {
    text { fill: #ccc }
    .grid { stroke: #3a3a3a }
    .mark { stroke: #ff7b6b } text.marked { fill: #ff7b6b }
    .f0 { fill: #7d3c98 } .f1 { fill: #6f5bb5 }
  }
)";

std::string escaped(const std::string &text) {
  std::string result;
  for (const char c : text)
    result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string(1, c);
  return result;
}

// Tenths of a pixel are enough and keep files small.
std::string pixels(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

} // namespace

Svg::Svg(int width, int height, const std::string &title) {
  out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << " " << height << "\" width=\"" << width
       << "\" height=\"" << height << "\" role=\"img\">\n<title>" << escaped(title) << "</title>\n<style>" << style
       << "</style>\n";
}

void Svg::rectangle(double left, double top, double width, double height, const std::string &classes) {
  out_ << "<rect class=\"" << classes << "\" x=\"" << pixels(left) << "\" y=\"" << pixels(top) << "\" width=\""
       << pixels(width) << "\" height=\"" << pixels(height) << "\"/>\n";
}

void Svg::line(double x1, double y1, double x2, double y2, const std::string &classes) {
  out_ << "<line class=\"" << classes << "\" x1=\"" << pixels(x1) << "\" y1=\"" << pixels(y1) << "\" x2=\""
       << pixels(x2) << "\" y2=\"" << pixels(y2) << "\"/>\n";
}

void Svg::text(double x, double y, const std::string &text, Anchor anchor, const std::string &classes) {
  out_ << "<text x=\"" << pixels(x) << "\" y=\"" << pixels(y) << "\"";
  if (anchor != Anchor::start)
    out_ << " text-anchor=\"" << (anchor == Anchor::middle ? "middle" : "end") << "\"";
  if (!classes.empty())
    out_ << " class=\"" << classes << "\"";
  out_ << ">" << escaped(text) << "</text>\n";
}

std::string Svg::finish() {
  out_ << "</svg>\n";
  return out_.str();
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

} // namespace intvit::cli
