#include "cli/benchmark/report_file.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "cli/benchmark/chart.hpp"
#include "cli/benchmark/tables.hpp"
#include "cli/command.hpp"
#include "cli/options/output.hpp"
#include "engine/container/file_io.hpp"
#include "engine/container/utf8.hpp"

namespace intvit::cli {

namespace {

bool is_html(const std::string &path) {
  return path.ends_with(".html");
}

// `share` of 40 blocks.
std::string share_bar(double share) {
  std::string text;
  for (int i = 0; i < static_cast<int>(std::lround(40 * share)); ++i)
    text += "█";
  return text;
}

std::string padded(const std::string &text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

// Bars of text for the histogram, the least times first.
std::string histogram_text(const Samples &samples) {
  const Histogram bars = histogram(samples);
  const int most = *std::max_element(bars.counts.begin(), bars.counts.end());
  const double part = (bars.high - bars.low) / static_cast<double>(bars.counts.size());
  std::string text;
  for (std::size_t i = 0; i < bars.counts.size(); ++i)
    text += padded(fixed(bars.low + static_cast<double>(i) * part, 3), 10) + " ms " +
            padded(std::to_string(bars.counts[i]), 6) + " " + share_bar(1.0 * bars.counts[i] / most) + "\n";
  if (bars.beyond > 0)
    text += "    longer    " + padded(std::to_string(bars.beyond), 6) + "\n";
  return text;
}

std::string profile_text(const ForwardResult &result) {
  std::string text;
  for (const OperationTime &operation : result.profile)
    text += padded(printable(operation.operation), 14) + padded(percent(operation.share), 8) + " " +
            share_bar(operation.share) + "\n";
  return text;
}

// A fence for a code block that is longer than any in the text.
std::string code_block(const std::string &text, const std::string &language) {
  std::string fence = "```";
  while (text.find(fence) != std::string::npos)
    fence += "`";
  return fence + language + "\n" + text + fence + "\n";
}

} // namespace

const char *const roofline_explanation =
    "Percentages are of the peak. Roofs: the instruction set's dot product on registers alone (median of samples taken "
    "between the runs), and reading a block of memory larger than the caches (before and after the runs), both on as "
    "many threads as the model. An operation's bytes are its weights, inputs and outputs; the whole model's are its "
    "weights, images and "
    "logits, since what lies between may stay in caches. A point above the sloping roof had its data in a cache. The "
    "whole model's rate counts all its products, though the last block computes the class token alone.";

const char *const comparison_explanation = "From and to: between these the change lies with a probability of 99 %.\n"
                                           "Same: no difference that is sure and above 0.3 %.";

std::string above_peak_text(const ForwardResult &result) {
  const double peak = result.samples.peak();
  if (peak <= 0 || std::none_of(result.profile.begin(), result.profile.end(),
                                [&](const OperationTime &operation) { return gmac_per_s(operation) > peak; }))
    return "";
  return "More than 100 %: the peak is that of " + peak_product(result.isa) +
         ". A sample of it also ends between two runs, so an operation at the peak can be a little above it.";
}

std::string samples_text(const ForwardResult &result) {
  const Samples &samples = result.samples;
  return std::to_string(samples.milliseconds.size()) + (samples.milliseconds.size() == 1 ? " run: " : " runs: ") +
         "median " + fixed(samples.median(), 3) + " ms, p90 " + fixed(samples.quantile(0.90), 3) + " ms, p99 " +
         fixed(samples.quantile(0.99), 3) + " ms, from " + fixed(samples.quantile(0), 3) + " to " +
         fixed(samples.quantile(1), 3) + " ms; " + fixed(images_per_second(result), 1) + " images/s; " +
         fixed(samples.gmac_per_s(), 1) + " GMAC/s, " + percent(samples.gmac_per_s() / samples.peak()) +
         " of the peak of " + fixed(samples.peak(), 1) + " GMAC/s (" + peak_product(result.isa) + "); memory " +
         fixed(samples.bandwidth(), 1) + " GB/s.";
}

std::string markdown_report(const Report &report) {
  std::string text =
      "# intvit bench, " + report.info.date + "\n\n" + code_block(printable(report.info.command) + "\n", "sh") + "\n";
  Table machine{{"environment", ""}, {}};
  for (const auto &[name, value] : lines(report.info.environment))
    machine.rows.push_back({name, value});
  text += markdown(machine) + "\n" + markdown(summary_table(report.results, report.percentiles)) + "\n" +
          markdown(start_table(report.results));
  if (!report.comparisons.empty())
    text += "\n## Beside " + markdown_text(report.compared_with) + "\n\n" +
            markdown(comparison_table(report.comparisons)) + "\n" + comparison_explanation + "\n";
  for (const ForwardResult &result : report.results)
    text += "\n## " + markdown_text(title(result)) + "\n\n" + samples_text(result) + "\n\n" +
            code_block(histogram_text(result.samples), "text") + "\n" + markdown(profile_table(result)) + "\n" +
            (above_peak_text(result).empty() ? "" : above_peak_text(result) + "\n\n") +
            code_block(profile_text(result), "text");
  return text + "\n" + roofline_explanation + "\n";
}

void check_report_path(const std::string &path) {
  if (!is_html(path) && !path.ends_with(".md"))
    throw UsageError("--report is \"" + path + "\", expected a name that ends in .html or .md");
  check_output(path); // so that minutes of measuring are not lost
}

void write_report(const std::string &path, const Report &report) {
  const std::string text = replace_invalid_utf8(is_html(path) ? html_report(report) : markdown_report(report));
  require(write_file_atomically(path, std::as_bytes(std::span(text))));
}

} // namespace intvit::cli
