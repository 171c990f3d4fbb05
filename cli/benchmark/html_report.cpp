#include <algorithm>

#include "cli/benchmark/chart.hpp"
#include "cli/benchmark/report_file.hpp"
#include "cli/benchmark/tables.hpp"
#include "cli/benchmark/terminal.hpp"
#include "cli/picture/svg.hpp"

namespace intvit::cli {

namespace {

// The page loads nothing from outside. Its colours can be told apart on light and on dark background; text on bars is
// dark on both.
constexpr const char *style = R"(
:root { color-scheme: light dark; --page: #ffffff; --ink: #1c2430; --soft: #5b6675; --rule: #dde2e8; --panel: #f5f7f9;
  --bar: #4c8bd6; --curve: #c2410c; --roof: #1c2430;
  --c0: #7cc4f2; --c1: #f2b35e; --c2: #86cf8f; --c3: #e58fb4; --c4: #b7a1ec; --c5: #5fcabd; --c6: #efdc6a; --c7: #ee8f7a;
  --c8: #a9b6c4; --c9: #c8a582; }
@media (prefers-color-scheme: dark) { :root { --page: #12161c; --ink: #e4e9ef; --soft: #98a4b3; --rule: #2b333d;
  --panel: #1a2028; --bar: #4f8fdc; --curve: #fb923c; --roof: #e4e9ef; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1000px; padding: 24px 20px 60px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 44px 0 4px; overflow-wrap: anywhere; }
h3 { font-size: 13px; margin: 22px 0 6px; color: var(--soft); text-transform: uppercase; letter-spacing: .05em; }
p { margin: 4px 0 10px; } .soft { color: var(--soft); font-size: 13px; }
pre { background: var(--panel); border: 1px solid var(--rule); border-radius: 6px; padding: 10px 12px; font-size: 13px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 12px; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: 4px 5px; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
th { color: var(--soft); font-weight: 600; white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
.named td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 110px; }
.environment td { text-align: left; white-space: normal; } .environment td:first-child { color: var(--soft); }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 7px; }
svg { display: block; max-width: 100%; height: auto; margin: 4px 0; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; } svg text.strong { fill: var(--ink); font-weight: 600; }
svg text.inside { fill: #14202c; } svg text.second { fill: var(--curve); }
.grid { stroke: var(--rule); } .axis { stroke: var(--soft); } .bar { fill: var(--bar); } .mark { stroke: var(--ink); }
.curve { fill: none; stroke: var(--curve); stroke-width: 1.6; } .roof { fill: none; stroke: var(--roof); stroke-width: 2; }
.leader { fill: none; stroke: var(--soft); stroke-width: .6; } .point { stroke: var(--page); stroke-width: 1.2; }
.model { fill: var(--ink); } .bar.other { fill: var(--c8); }
@media (max-width: 640px) { body { padding: 14px 10px 40px; } table { font-size: 11px; } th, td { padding: 3px 4px; }
  .drawing { overflow-x: auto; } .drawing svg { width: 720px; max-width: none; } }
@media print { body { padding: 0; max-width: none; font-size: 12px; } .scroll, .drawing { overflow: visible; }
  table { font-size: 9px; } th, td { padding: 2px 3px; } h2, h3 { break-after: avoid; }
  h2 + p { break-after: avoid; } tr, svg, pre, p { break-inside: avoid; } }
)";

std::string heading_cells(const std::vector<std::string> &cells) {
  std::string text;
  for (const std::string &cell : cells)
    text += "<th>" + escape_html(cell) + "</th>";
  return "<thead><tr>" + text + "</tr></thead>\n";
}

// Of a name: lines break after what separates its words.
std::string breakable(const std::string &text) {
  std::string result;
  for (const char c : text)
    result += c == '_' || c == '/' ? std::string(1, c) + "<wbr/>" : std::string(1, c);
  return result;
}

// The n-th of the first `coloured` rows begins with a field in the n-th operation's colour.
std::string table(const Table &content, std::size_t coloured) {
  std::string text = std::string("<div class=\"scroll\"><table") + (content.keys > 1 ? " class=\"named\"" : "") +
                     ">\n" + heading_cells(content.columns) + "<tbody>\n";
  for (std::size_t i = 0; i < content.rows.size(); ++i) {
    text += "<tr>";
    for (std::size_t j = 0; j < content.rows[i].size(); ++j)
      text +=
          "<td>" + (i < coloured && j == 0 ? "<span class=\"swatch " + colour(i) + "\"></span>" : std::string()) +
          (content.keys > 1 && j == 0 ? breakable(escape_html(content.rows[i][j])) : escape_html(content.rows[i][j])) +
          "</td>";
    text += "</tr>\n";
  }
  return text + "</tbody>\n</table></div>\n";
}

std::string environment_table(const Environment &environment) {
  std::string text = "<table class=\"environment\">\n";
  for (const auto &[name, value] : lines(environment))
    text += "<tr><td>" + escape_html(name) + "</td><td>" + escape_html(value) + "</td></tr>\n";
  return text + "</table>\n";
}

// The classes of operations' colours, for shapes and for fields of tables.
std::string colour_rules() {
  std::string text;
  for (std::size_t i = 0; i < 10; ++i)
    text += "." + colour(i) + " { fill: var(--" + colour(i) + "); background: var(--" + colour(i) + "); }\n";
  return text;
}

// On narrow screens it is scrolled rather than made too small to read.
std::string drawing(const std::string &svg) {
  return "<div class=\"drawing\">" + svg + "</div>\n";
}

std::string soft(const std::string &text) {
  return "<p class=\"soft\">" + escape_html(text) + "</p>\n";
}

// Of results: what they have in common above it, and the columns that differ.
std::string results_table(const Table &content) {
  const std::string common = common_keys(content);
  return (common.empty() ? "" : "<p>" + escape_html(common) + "</p>\n") + table(without_common_keys(content), 0);
}

std::string section(const ForwardResult &result) {
  const std::string above = above_peak_text(result);
  return "<h2>" + escape_html(title(result)) + "</h2>\n<p>" + escape_html(samples_text(result)) +
         "</p>\n<h3>Latency</h3>\n" + drawing(latency_chart(result.samples)) + "<h3>Time by operation</h3>\n" +
         drawing(profile_chart(result)) + table(profile_table(result), result.profile.size()) +
         (above.empty() ? "" : soft(above)) + "<h3>Roofline</h3>\n" + drawing(roofline_chart(result));
}

} // namespace

std::string html_report(const Report &report) {
  std::string text = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                     "<title>intvit bench, " +
                     escape_html(report.info.date) + "</title>\n<style>" + style + colour_rules() +
                     "</style>\n</head>\n<body>\n<h1>intvit bench</h1>\n<p class=\"soft\">" +
                     escape_html(report.info.date) + "</p>\n<pre>" + escape_html(report.info.command) + "</pre>\n" +
                     environment_table(report.info.environment) + "<h2>Results</h2>\n";
  if (report.results.size() > 1)
    text += drawing(comparison_chart(report.results)) +
            soft("Bars are the time of an image: medians over the batch. Lines reach to the 99th percentile.");
  text += results_table(summary_table(report.results, report.percentiles)) + "<h3>Start and memory</h3>\n" +
          table(without_common_keys(start_table(report.results)), 0) +
          soft("First run: with the making of its session. Weights: as packed in memory. Peak: of the whole process.");
  if (!report.comparisons.empty()) {
    text += "<h2>Beside " + escape_html(report.compared_with) + "</h2>\n";
    if (std::any_of(report.comparisons.begin(), report.comparisons.end(),
                    [](const Comparison &comparison) { return comparison.other_ms > 0; }))
      text += drawing(pairs_chart(report.comparisons)) + soft("Upper bars: now. Lower bars, in grey: before.");
    text += results_table(comparison_table(report.comparisons)) + soft(comparison_explanation);
  }
  for (const ForwardResult &result : report.results)
    text += section(result);
  return text + soft(roofline_explanation) + "</body>\n</html>\n";
}

} // namespace intvit::cli
