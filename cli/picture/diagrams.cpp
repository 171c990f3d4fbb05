#include "cli/picture/diagrams.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "cli/picture/svg.hpp"

namespace intvit::cli {

namespace {

constexpr int max_factors = 8; // 2^0 .. 2^7

// f0 .. f7 are the factors of channels, from dark to light. The other two fills are a cold and a warm colour.
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

// Where a diagram's axes are.
struct Frame {
  double left;
  double top;
  double width;
  double height;
  double low; // values at the bottom and at the top
  double high;

  double bottom() const { return top + height; }
  Axis values() const { return {.low = low, .high = high, .first = bottom(), .last = top}; }
  double y(double value) const { return values().at(value); }
  double x(double position, double count) const { return left + width * position / count; }
};

void value_axis(Svg &svg, const Frame &frame, const std::string &unit = "") {
  for (const double tick : frame.values().ticks(6)) {
    svg.line(frame.left, frame.y(tick), frame.left + frame.width, frame.y(tick), "grid");
    svg.text(frame.left - 6, frame.y(tick) + 4, tick_text(tick) + unit, "end");
  }
}

std::string three_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

void base_line(Svg &svg, const Frame &frame) {
  svg.line(frame.left, frame.bottom(), frame.left + frame.width, frame.bottom(), "axis");
}

std::string factor_class(int alpha) {
  return "f" + std::to_string(std::min(alpha, max_factors - 1));
}

// "factor 1 2 4 ...", one square each, the factors that occur.
void factor_legend(Svg &svg, double left, double top, const std::vector<bool> &occurs) {
  svg.text(left, top + 10, "factor");
  left += 46;
  for (int alpha = 0; alpha < max_factors; ++alpha) {
    if (!occurs[static_cast<std::size_t>(alpha)])
      continue;
    svg.rectangle(left, top, 11, 11, factor_class(alpha));
    svg.text(left + 15, top + 10, std::to_string(1 << alpha));
    left += 44;
  }
}

std::vector<bool> factors_of(const StreamRanges &stream) {
  std::vector<bool> occurs(max_factors, false);
  for (const std::uint8_t alpha : stream.alpha)
    occurs[alpha] = true;
  return occurs;
}

// "2⁻¹⁰".
std::string negative_power(std::size_t exponent) {
  constexpr std::array<const char *, 10> digits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = "2⁻";
  for (const char digit : std::to_string(exponent))
    text += digits[static_cast<std::size_t>(digit - '0')];
  return text;
}

double median_of(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

} // namespace

std::string channel_ranges_svg(const StreamRanges &stream) {
  const std::size_t channels = stream.low.size();
  std::vector<double> widths;
  for (std::size_t c = 0; c < channels; ++c)
    widths.push_back(stream.high[c] - stream.low[c]);
  const double unit = std::max(median_of(widths), 1e-300);
  const double low = std::min(0.0, *std::min_element(stream.low.begin(), stream.low.end()) / unit);
  const double high = std::max(0.0, *std::max_element(stream.high.begin(), stream.high.end()) / unit);
  const double margin = std::max(0.05 * (high - low), 1e-9);

  Svg svg(760, 330, "Ranges of the channels after " + stream.name);
  const Frame frame{50, 50, 690, 220, low - margin, high + margin};
  svg.text(frame.left, 20, "Range of every channel of the residual stream after " + stream.name, "start", "title");
  svg.text(frame.left, 38, "1 = the median channel's width; the widest channel's is " + three_digits(stream.spread()));
  value_axis(svg, frame);
  const double step = frame.width / static_cast<double>(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double top = frame.y(stream.high[c] / unit);
    const double height = std::max(1.0, frame.y(stream.low[c] / unit) - top);
    svg.rectangle(frame.x(static_cast<double>(c), static_cast<double>(channels)), top, std::max(0.8, step - 0.6),
                  height, stream.alpha.empty() ? "cold" : factor_class(stream.alpha[c]));
  }
  base_line(svg, frame);
  for (const double channel : Axis{.low = 0, .high = static_cast<double>(channels) - 1}.ticks(10))
    svg.text(frame.x(channel + 0.5, static_cast<double>(channels)), frame.bottom() + 18, tick_text(channel), "middle");
  svg.text(frame.left + frame.width / 2, frame.bottom() + 38, "channel", "middle");
  if (!stream.alpha.empty())
    factor_legend(svg, frame.left, frame.bottom() + 28, factors_of(stream));
  return svg.finish_file(style);
}

std::string layers_svg(const Distribution &distribution) {
  const std::vector<StreamRanges> &streams = distribution.streams;
  const auto count = static_cast<double>(streams.size());
  const bool factors = std::any_of(streams.begin(), streams.end(), [](const auto &s) { return !s.alpha.empty(); });
  double widest = 1;
  for (const StreamRanges &stream : streams)
    if (std::isfinite(stream.spread()))
      widest = std::max(widest, stream.spread());

  Svg svg(760, factors ? 510 : 300, "The residual stream, layer by layer");
  const Frame spread{50, 34, 690, 190, 0, widest * 1.05};
  svg.text(spread.left, 20, "Width of the widest channel, 1 = the median channel's", "start", "title");
  value_axis(svg, spread);
  const double bar = 0.8 * spread.width / count;
  const auto left = [&](std::size_t i) { return spread.x(static_cast<double>(i) + 0.1, count); };
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const double value = std::min(streams[i].spread(), widest);
    svg.rectangle(left(i), spread.y(value), bar, spread.bottom() - spread.y(value), "cold");
  }
  base_line(svg, spread);

  double bottom = spread.bottom();
  if (factors) {
    const Frame shares{50, spread.bottom() + 54, 690, 150, 0, 100};
    svg.text(shares.left, shares.top - 12, "Channels by their factor", "start", "title");
    value_axis(svg, shares, " %");
    std::vector<bool> occurs(max_factors, false);
    for (std::size_t i = 0; i < streams.size(); ++i) {
      double below = 0;
      for (int alpha = 0; alpha < max_factors && !streams[i].alpha.empty(); ++alpha) {
        const auto matching = std::count(streams[i].alpha.begin(), streams[i].alpha.end(), alpha);
        const double share = 100 * static_cast<double>(matching) / static_cast<double>(streams[i].alpha.size());
        if (matching == 0)
          continue;
        occurs[static_cast<std::size_t>(alpha)] = true;
        svg.rectangle(left(i), shares.y(below + share), bar, shares.y(below) - shares.y(below + share),
                      factor_class(alpha));
        below += share;
      }
    }
    base_line(svg, shares);
    factor_legend(svg, shares.left + 250, shares.top - 22, occurs);
    bottom = shares.bottom();
  }
  // The places are numbered; their names are too long.
  const int step = std::max(1, static_cast<int>(std::ceil(count / 30)));
  for (int i = 0; i < static_cast<int>(streams.size()); i += step)
    svg.text(spread.x(i + 0.5, count), bottom + 18, std::to_string(i), "middle");
  svg.text(spread.left + spread.width / 2, bottom + 38,
           "input of a LayerNorm: from 0, after " + streams.front().name + ", to " +
               std::to_string(streams.size() - 1) + ", after " + streams.back().name,
           "middle");
  return svg.finish_file(style);
}

std::string attention_weights_svg(const Distribution &distribution) {
  WeightHistogram all;
  for (const WeightHistogram &block : distribution.blocks)
    all.add(block);
  // 16 bins, what is smaller, and zeros.
  constexpr std::size_t shown = 16;
  constexpr double bins = shown + 2;
  std::array<double, shown + 2> counts{};
  std::array<double, shown + 2> sums{};
  double sum = 0;
  for (std::size_t bin = 0; bin < WeightHistogram::log2_bins; ++bin) {
    counts[std::min(bin, shown)] += static_cast<double>(all.count[bin]);
    sums[std::min(bin, shown)] += static_cast<double>(all.sum[bin]);
    sum += static_cast<double>(all.sum[bin]);
  }
  counts[shown + 1] = static_cast<double>(all.zeros);
  double largest = 0;
  for (std::size_t bin = 0; bin < counts.size(); ++bin) {
    counts[bin] *= 100 / static_cast<double>(std::max<std::uint64_t>(all.total(), 1));
    sums[bin] *= 100 / std::max(sum, 1.0);
    largest = std::max({largest, counts[bin], sums[bin]});
  }

  Svg svg(760, 340, "Attention weights by their power of two");
  const Frame frame{50, 66, 690, 206, 0, largest * 1.05};
  svg.text(frame.left, 20, "Attention weights by their power of two, all blocks and heads", "start", "title");
  svg.rectangle(frame.left, 30, 11, 11, "cold");
  svg.text(frame.left + 16, 40, "of the weights");
  svg.rectangle(frame.left + 120, 30, 11, 11, "warm");
  svg.text(frame.left + 136, 40, "of their sum");
  value_axis(svg, frame, " %");
  const double bar = 0.38 * frame.width / bins;
  for (std::size_t bin = 0; bin < counts.size(); ++bin) {
    const double left = frame.x(static_cast<double>(bin) + 0.1, bins);
    svg.rectangle(left, frame.y(counts[bin]), bar, frame.bottom() - frame.y(counts[bin]), "cold");
    svg.rectangle(left + bar + 1, frame.y(sums[bin]), bar, frame.bottom() - frame.y(sums[bin]), "warm");
    const std::string label = bin == 0 ? "1" : bin < shown ? negative_power(bin) : bin == shown ? "less" : "0";
    svg.text(frame.x(static_cast<double>(bin) + 0.5, bins), frame.bottom() + 18, label, "middle");
  }
  base_line(svg, frame);
  // Half a step of uniform codes from 0 to 1.
  for (const auto &[bits, bin] : {std::pair{4, 5}, std::pair{8, 9}}) {
    const double x = frame.x(bin, bins);
    svg.line(x, frame.top - 12, x, frame.bottom(), "mark");
    const bool left = bits == 4; // of the two labels one stands left of its line and one right, so that both have room
    svg.text(left ? x - 4 : x + 4, frame.top - 4,
             "0 in uniform " + std::to_string(bits) +
                 " bits: " + three_digits(100 * all.share_below(static_cast<std::size_t>(bin))) + " %",
             left ? "end" : "start", "marked");
  }
  svg.text(frame.left + frame.width / 2, frame.bottom() + 40,
           "attention weight: at most this, and more than half of it", "middle");
  return svg.finish_file(style);
}

} // namespace intvit::cli
