#include "cli/benchmark/chart.hpp"
#include "cli/benchmark/report_file.hpp"
#include "cli/benchmark/tables.hpp"
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
table { border-collapse: collapse; font-size: 12.5px; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: 4px 6px; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
th { color: var(--soft); font-weight: 600; } th:first-child, td:first-child { text-align: left; }
.environment td { text-align: left; white-space: normal; } .environment td:first-child { color: var(--soft); }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 7px; }
svg { display: block; max-width: 100%; height: auto; margin: 4px 0; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; } svg text.strong { fill: var(--ink); font-weight: 600; }
svg text.inside { fill: #14202c; } svg text.second { fill: var(--curve); }
.grid { stroke: var(--rule); } .axis { stroke: var(--soft); } .bar { fill: var(--bar); } .mark { stroke: var(--ink); }
.curve { fill: none; stroke: var(--curve); stroke-width: 1.6; } .roof { fill: none; stroke: var(--roof); stroke-width: 2; }
.leader { fill: none; stroke: var(--soft); stroke-width: .6; } .point { stroke: var(--page); stroke-width: 1.2; }
.model { fill: var(--ink); }
)";

std::string heading_cells(const std::vector<std::string> &cells) {
  std::string text;
  for (const std::string &cell : cells)
    text += "<th>" + escape_html(cell) + "</th>";
  return "<thead><tr>" + text + "</tr></thead>\n";
}

// The n-th of the first `coloured` rows begins with a field in the n-th operation's colour.
std::string table(const Table &content, std::size_t coloured) {
  std::string text = "<div class=\"scroll\"><table>\n" + heading_cells(content.columns) + "<tbody>\n";
  for (std::size_t i = 0; i < content.rows.size(); ++i) {
    text += "<tr>";
    for (std::size_t j = 0; j < content.rows[i].size(); ++j)
      text += "<td>" + (i < coloured && j == 0 ? "<span class=\"swatch " + colour(i) + "\"></span>" : std::string()) +
              escape_html(content.rows[i][j]) + "</td>";
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

std::string section(const ForwardResult &result) {
  return "<h2>" + escape_html(title(result)) + "</h2>\n<p>" + escape_html(samples_text(result)) +
         "</p>\n<h3>Latency</h3>\n" + latency_chart(result.samples) + "<h3>Time by operation</h3>\n" +
         profile_chart(result) + table(profile_table(result), result.profile.size()) + "<h3>Roofline</h3>\n" +
         roofline_chart(result);
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
    text += comparison_chart(report.results) +
            "<p class=\"soft\">Bars are medians in milliseconds; lines reach to the 99th percentile.</p>\n";
  text += table(summary_table(report.results, report.percentiles), 0) + table(start_table(report.results), 0);
  for (const ForwardResult &result : report.results)
    text += section(result);
  return text + "<p class=\"soft\">" + escape_html(roofline_explanation) + "</p>\n</body>\n</html>\n";
}

} // namespace intvit::cli
