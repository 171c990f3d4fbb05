#include "cli/benchmark/chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "cli/benchmark/tables.hpp"
#include "cli/picture/svg.hpp"

namespace intvit::cli {

namespace {

constexpr int width = 960;
constexpr std::size_t colours = 10;
constexpr std::size_t longest_name = 64; // of a bar

std::string axis_label(double value) {
  return significant(value) + " ms";
}

// How a bar is named: what tells it from the others, and above a group of bars what they have in common.
struct BarName {
  std::string heading; // of the first of a model's bars, where there are several models; else empty
  std::string name;
};

// In words: of the model, the instruction set, threads and batch those that differ, or all where nothing does. Long
// names lose their begin, where paths are alike.
std::vector<BarName> distinct_names(const std::vector<Combination> &results) {
  constexpr std::size_t parts = 4;
  std::vector<std::vector<std::string>> cells;
  cells.reserve(results.size());
  for (const Combination &result : results)
    cells.push_back({identity_cells(result)[0], result.isa,
                     std::to_string(result.threads) + (result.threads == 1 ? " thread" : " threads"),
                     "batch " + std::to_string(result.batch)});
  std::array<bool, parts> differs = {};
  for (std::size_t part = 0; part < parts; ++part)
    differs[part] =
        std::any_of(cells.begin(), cells.end(), [&](const auto &other) { return other[part] != cells[0][part]; });
  const bool grouped = differs[0] && (differs[1] || differs[2] || differs[3]);
  std::vector<BarName> names(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    std::string &name = names[i].name;
    if (grouped && (i == 0 || cells[i][0] != cells[i - 1][0]))
      names[i].heading = cells[i][0];
    for (std::size_t part = grouped ? 1 : 0; part < parts; ++part)
      if (differs[part])
        name += (name.empty() ? "" : ", ") + cells[i][part];
    if (name.empty())
      name = title(results[i]);
    if (name.size() > longest_name)
      name = "…" + name.substr(name.size() - longest_name);
  }
  return names;
}

// Horizontal bars of one thing, one below the other, with a line to a longer time, and a text behind them.
struct BarRow {
  struct Bar {
    double value;
    double tail; // the same where there is none
    const char *css;
  };
  BarName name;
  std::vector<Bar> bars;
  std::string text;
};

// About as wide as text of this many characters is, in the page's font.
double label_width(const std::string &text) {
  return 7.2 * static_cast<double>(text.size());
}

std::string bars(const std::vector<BarRow> &rows, const std::string &what) {
  constexpr double thickness = 16;
  constexpr double heading = 20;
  constexpr double widest_names = width / 2.0;
  double names = 0; // room for the names
  double texts = 0; // and for the text behind the longest bar
  double most = 0;
  double height = 0;
  for (const BarRow &row : rows) {
    names = std::max(names, label_width(row.name.name) + 16);
    texts = std::max(texts, label_width(row.text) + 16);
    height += thickness * static_cast<double>(row.bars.size()) + 8 + (row.name.heading.empty() ? 0 : heading);
    for (const BarRow::Bar &bar : row.bars)
      most = std::max(most, bar.tail);
  }
  names = std::min(names, widest_names);
  const Axis x{0, most > 0 ? most : 1, names, width - texts};
  Svg svg(width, static_cast<int>(height) + 24, what);
  for (const double tick : x.ticks(5)) {
    svg.line(x.at(tick), 0, x.at(tick), height, "grid");
    svg.text(x.at(tick), height + 16, tick_text(tick), "middle");
  }
  svg.text(width, height + 16, "ms an image", "end");
  double y = 4;
  for (const BarRow &row : rows) {
    if (!row.name.heading.empty()) {
      svg.text(0, y + heading - 6, row.name.heading, "start", "strong");
      y += heading;
    }
    const double middle = y + thickness * static_cast<double>(row.bars.size()) / 2;
    double end = names;
    svg.text(names - 8, middle + 4, row.name.name, "end");
    for (const BarRow::Bar &bar : row.bars) {
      const double tail = x.at(bar.tail);
      svg.rectangle(names, y, x.at(bar.value) - names, thickness - 1, bar.css,
                    row.name.name + ": " + axis_label(bar.value));
      if (bar.tail > bar.value) {
        svg.line(x.at(bar.value), y + thickness / 2, tail, y + thickness / 2, "mark");
        svg.line(tail, y + 3, tail, y + thickness - 4, "mark");
      }
      end = std::max(end, tail);
      y += thickness;
    }
    svg.text(end + 6, middle + 4, row.text, "start", "strong");
    y += 8;
  }
  return svg.finish();
}

// Where a label of the right margin stands, and what it names.
struct Label {
  double x; // of the point
  double y;
  std::string text;
  std::string css;
  double place = 0;
};

// Moves labels apart that would cover one another, from `top` to `bottom` at most.
void spread_out(std::vector<Label> &labels, double distance, double top, double bottom) {
  std::sort(labels.begin(), labels.end(), [](const Label &a, const Label &b) { return a.y < b.y; });
  double next = top;
  for (Label &label : labels) {
    label.place = std::max(label.y, next);
    next = label.place + distance;
  }
  double last = bottom;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    label->place = std::min(label->place, last);
    last = label->place - distance;
  }
}

} // namespace

std::string colour(std::size_t operation) {
  return "c" + std::to_string(operation % colours);
}

Histogram histogram(const Samples &samples) {
  Histogram result;
  result.low = samples.quantile(0);
  const double p90 = samples.quantile(0.90);
  const double limit = std::min(samples.quantile(0.99), p90 + 2 * (p90 - result.low));
  for (const double time : samples.milliseconds)
    if (time <= limit)
      result.high = std::max(result.high, time);
  if (!(result.high > result.low)) // one run, or equal ones
    result.high = result.low * 1.01 + 1e-9;
  const double root = std::sqrt(static_cast<double>(samples.milliseconds.size()));
  result.counts.resize(static_cast<std::size_t>(std::clamp(std::ceil(root), 5.0, 40.0)));
  const auto parts = static_cast<double>(result.counts.size());
  for (const double time : samples.milliseconds) {
    if (time > result.high) {
      ++result.beyond;
      continue;
    }
    const double part = (time - result.low) / (result.high - result.low) * parts;
    ++result.counts[static_cast<std::size_t>(std::min(part, parts - 1))];
  }
  return result;
}

std::string latency_chart(const Samples &samples) {
  const Histogram bars = histogram(samples);
  constexpr double top = 28;
  constexpr double bottom = 190;
  Svg svg(width, 232, "distribution of latency");
  const int most = *std::max_element(bars.counts.begin(), bars.counts.end());
  const double margin = (bars.high - bars.low) / 50;
  const Axis x{bars.low - margin, bars.high + margin, 48, width - 48};
  const Axis runs{0, most * 1.08, bottom, top};
  const Axis share{0, 1, bottom, top};

  for (const double tick : runs.ticks(5)) {
    if (tick != std::floor(tick))
      continue;
    svg.line(x.first, runs.at(tick), x.last, runs.at(tick), "grid");
    svg.text(x.first - 6, runs.at(tick) + 4, tick_text(tick), "end");
  }
  for (const double tick : x.ticks(8)) {
    svg.line(x.at(tick), bottom, x.at(tick), bottom + 4, "axis");
    svg.text(x.at(tick), bottom + 17, tick_text(tick), "middle");
  }
  for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0})
    svg.text(x.last + 6, share.at(tick) + 4, fixed(100 * tick, 0) + " %", "start", "second");
  svg.text(x.first - 6, top - 14, "runs", "end");
  svg.text((x.first + x.last) / 2, bottom + 36, "ms", "middle");

  const double part = (bars.high - bars.low) / static_cast<double>(bars.counts.size());
  for (std::size_t i = 0; i < bars.counts.size(); ++i) {
    if (bars.counts[i] == 0)
      continue;
    const double begin = bars.low + static_cast<double>(i) * part;
    svg.rectangle(x.at(begin) + 0.5, runs.at(bars.counts[i]), x.at(begin + part) - x.at(begin) - 1,
                  bottom - runs.at(bars.counts[i]), "bar",
                  std::to_string(bars.counts[i]) + (bars.counts[i] == 1 ? " run" : " runs") + " of " + fixed(begin, 3) +
                      " to " + axis_label(begin + part));
  }
  svg.line(x.first, bottom, x.last, bottom, "axis");

  // Steps of the sorted times; more than two hundred could not be told apart.
  const std::size_t steps = std::min<std::size_t>(samples.milliseconds.size(), 200);
  std::vector<std::pair<double, double>> curve{{x.at(bars.low), share.at(0)}};
  for (std::size_t i = 1; i <= steps; ++i) {
    const double reached = static_cast<double>(i) / static_cast<double>(steps);
    const double time = samples.quantile(reached);
    if (time > bars.high)
      break;
    curve.emplace_back(x.at(time), curve.back().second);
    curve.emplace_back(x.at(time), share.at(reached));
  }
  svg.polyline(curve, "curve");

  struct Mark {
    const char *name;
    double time;
    double height;
  };
  for (const Mark mark : {Mark{"median", samples.median(), 10}, Mark{"p90", samples.quantile(0.90), 22}}) {
    svg.line(x.at(mark.time), mark.height + 2, x.at(mark.time), bottom, "mark");
    svg.text(x.at(mark.time) + (mark.time > (bars.low + bars.high) / 2 ? -4 : 4), mark.height + 2,
             mark.name + (" " + axis_label(mark.time)), mark.time > (bars.low + bars.high) / 2 ? "end" : "start",
             "strong");
  }
  if (bars.beyond > 0)
    svg.text(x.last, bottom + 36, std::to_string(bars.beyond) + " more, up to " + axis_label(samples.quantile(1)),
             "end");
  return svg.finish();
}

std::string profile_chart(const ForwardResult &result) {
  Svg svg(width, 40, "shares of the time by operation");
  double x = 0;
  for (std::size_t i = 0; i < result.profile.size(); ++i) {
    const OperationTime &operation = result.profile[i];
    const double part = operation.share * width;
    svg.rectangle(x, 4, std::max(part - 1, 0.2), 32, colour(i),
                  operation.operation + ": " + axis_label(operation.milliseconds) + ", " + percent(operation.share));
    if (part > 8.0 * static_cast<double>(operation.operation.size()))
      svg.text(x + part / 2, 24, operation.operation, "middle", "inside");
    x += part;
  }
  return svg.finish();
}

std::string roofline_chart(const ForwardResult &result) {
  const double peak = result.samples.peak();
  const double bandwidth = result.samples.bandwidth();
  constexpr int height = 380;
  constexpr double right = width - 170; // labels stand to the right of it

  struct Point {
    std::string name;
    double x;
    double y;
    std::string css;
  };
  std::vector<Point> points;
  for (std::size_t i = 0; i < result.profile.size(); ++i) {
    const OperationTime &operation = result.profile[i];
    if (operation.multiply_accumulates > 0 && operation.milliseconds > 0)
      points.push_back({operation.operation, intensity(operation.multiply_accumulates, operation.bytes),
                        gmac_per_s(operation), colour(i)});
  }
  if (result.samples.multiply_accumulates > 0)
    points.push_back({"whole model", intensity(result.samples.multiply_accumulates, result.samples.bytes),
                      result.samples.gmac_per_s(), "model"});

  const double ridge = peak / bandwidth;
  Axis x{ridge / 4, ridge * 4, 56, right, true};
  Axis y{peak / 20, peak * 1.6, height - 48, 12, true};
  for (const Point &point : points) {
    x.low = std::min(x.low, point.x / 1.5);
    x.high = std::max(x.high, point.x * 1.5);
    y.low = std::min(y.low, point.y / 1.5);
    y.high = std::max(y.high, point.y * 1.2);
  }

  Svg svg(width, height, "roofline");
  for (const double tick : x.ticks(8)) {
    svg.line(x.at(tick), y.first, x.at(tick), y.last, "grid");
    svg.text(x.at(tick), y.first + 17, tick_text(tick), "middle");
  }
  for (const double tick : y.ticks(6)) {
    svg.line(x.first, y.at(tick), x.last, y.at(tick), "grid");
    svg.text(x.first - 6, y.at(tick) + 4, tick_text(tick), "end");
  }
  svg.text((x.first + x.last) / 2, y.first + 38, "multiply-accumulates a byte", "middle");
  svg.text(x.first + 4, y.last + 4, "GMAC/s");

  // The slope begins where it enters the picture, at the left edge or at the bottom.
  const double begin = std::max(x.low, y.low / bandwidth);
  svg.polyline({{x.at(begin), y.at(begin * bandwidth)}, {x.at(ridge), y.at(peak)}, {x.at(x.high), y.at(peak)}}, "roof");
  svg.text(x.last - 4, y.at(peak) - 7, "peak " + fixed(peak, 0) + " GMAC/s", "end", "strong");
  const double middle = std::sqrt(begin * ridge);
  svg.text(x.at(middle) + 10, y.at(middle * bandwidth) + 16, "memory " + fixed(bandwidth, 1) + " GB/s", "start",
           "strong");

  std::vector<Label> labels;
  for (const Point &point : points) {
    svg.circle(x.at(point.x), y.at(point.y), point.css == "model" ? 7 : 5, point.css + " point",
               point.name + ": " + fixed(point.y, 1) + " GMAC/s at " + fixed(point.x, 1) + " MAC/byte, " +
                   percent(point.y / std::min(peak, point.x * bandwidth)) + " of the roof");
    labels.push_back({x.at(point.x), y.at(point.y), point.name + " " + percent(point.y / peak), point.css});
  }
  spread_out(labels, 15, y.last + 8, y.first);
  for (const Label &label : labels) {
    svg.polyline({{label.x, label.y}, {right + 4, label.place}, {right + 8, label.place}}, "leader");
    svg.text(right + 11, label.place + 4, label.text, "start", label.css == "model" ? "strong" : "");
  }
  return svg.finish();
}

std::string comparison_chart(const std::vector<ForwardResult> &results) {
  std::vector<BarRow> rows;
  const std::vector<BarName> names = distinct_names({results.begin(), results.end()});
  for (std::size_t i = 0; i < results.size(); ++i) {
    const double batch = results[i].batch;
    const Samples &samples = results[i].samples;
    rows.push_back({names[i],
                    {{samples.median() / batch, samples.quantile(0.99) / batch, "bar"}},
                    significant(samples.median() / batch) + " ms" +
                        (samples.unsteady    ? ", unsteady"
                         : samples.disturbed ? ", disturbed"
                                             : "")});
  }
  return bars(rows, "time of an image");
}

std::string pairs_chart(const std::vector<Comparison> &comparisons) {
  std::vector<BarRow> rows;
  const std::vector<BarName> names = distinct_names({comparisons.begin(), comparisons.end()});
  for (std::size_t i = 0; i < comparisons.size(); ++i) {
    const Comparison &pair = comparisons[i];
    const double batch = pair.batch;
    if (pair.other_ms > 0)
      rows.push_back({names[i],
                      {{pair.now_ms / batch, pair.now_ms / batch, "bar"},
                       {pair.other_ms / batch, pair.other_ms / batch, "bar other"}},
                      (pair.change.value < 0 ? "" : "+") + percent(pair.change.value) + ", " + pair.verdict});
  }
  return bars(rows, "time of an image, now and before");
}

} // namespace intvit::cli
