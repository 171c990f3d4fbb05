#include "cli/benchmark/report.hpp"

#include <algorithm>
#include <iostream>
#include <set>

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/benchmark/against.hpp"
#include "cli/benchmark/compare.hpp"
#include "cli/benchmark/report_file.hpp"
#include "cli/benchmark/tables.hpp"
#include "cli/benchmark/terminal.hpp"
#include "cli/command.hpp"
#include "engine/container/utf8.hpp"
#include "models/program/text_file.hpp"

namespace intvit::cli {

namespace {

// Of the terminal that standard output is, or that most have.
std::size_t output_width() {
  winsize size = {};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 ? size.ws_col : terminal_width;
}

void print_environment(const Environment &here) {
  std::cout << "intvit " << here.version << " (" << here.compiler << ") on " << here.processor << "\n";
}

// The tables of the same results, one below the other.
void print_tables(const std::vector<Table> &tables, ReportFormat format) {
  if (format == ReportFormat::text && tables.front().keys > 1) {
    const std::string common = common_keys(tables.front());
    std::cout << "\n" << common << (common.empty() ? "times in ms\n" : "; times in ms\n");
  }
  for (const Table &table : tables)
    std::cout << "\n" << (format == ReportFormat::text ? terminal_text(table, output_width()) : markdown(table));
}

// Above a single table.
std::string heading(const std::string &text, ReportFormat format) {
  return "\n" + (format == ReportFormat::text ? printable(text) + "; times in ms:\n" : markdown_text(text) + ":\n");
}

// A line for each instruction set whose peak was measured.
void print_peaks(const std::vector<ShapeList> &lists) {
  std::set<std::string> told;
  for (const ShapeList &list : lists)
    if (told.insert(list.isa).second)
      std::cout << "\nPeak of " << list.isa << ": " << peak_product(list.isa) << ".\n";
}

// And for each number of threads.
void print_peaks(const std::vector<ForwardResult> &results) {
  std::set<std::string> told;
  for (const ForwardResult &result : results) {
    const std::string where =
        result.isa + ", " + std::to_string(result.threads) + (result.threads == 1 ? " thread" : " threads");
    if (told.insert(where).second)
      std::cout << "\nPeak of " << where << ": " << fixed(result.samples.peak(), 1) << " GMAC/s ("
                << peak_product(result.isa) << ").\nMemory: " << fixed(result.samples.bandwidth(), 1) << " GB/s.\n";
  }
}

// Of several results.
class Disturbed {
public:
  void add(bool disturbed, double lost, const MachineUse &machine, const Samples *samples = nullptr, int threads = 0) {
    ++all_;
    if (!disturbed)
      return;
    ++count_;
    if (samples != nullptr && samples->unsteady) {
      spread_ = std::max(spread_, samples->spread());
      return;
    }
    taken_ = true;
    if (lost < worst_)
      return;
    worst_ = lost;
    others_ = machine.others.value_or(0);
    processor_ms_ = samples != nullptr && threads == 1 ? samples->processor_milliseconds() : 0;
    median_ms_ = samples != nullptr ? samples->median() : 0;
  }

  void report() const {
    if (count_ == 0)
      return;
    std::string text =
        "disturbed: " +
        (all_ == 1 ? "the result" : std::to_string(count_) + " of " + std::to_string(all_) + " results") +
        (count_ == 1 ? " is" : " are") + (taken_ ? taken_text() : unsteady_text());
    print_error(text + ". Measure again on a quiet machine, or with real-time priority (--priority realtime)");
  }

private:
  std::string unsteady_text() const {
    return " unsteady: half of the runs took at least " + percent(spread_, 0) +
           " longer than the fastest tenth, though other programs took no time from them. These use the same caches "
           "and memory, or the clock changes";
  }

  std::string taken_text() const {
    std::string text = " too slow, because other programs took " + std::string(count_ > 1 ? "up to " : "") +
                       percent(worst_, 0) + " of the processors' time";
    if (others_ >= 0.05)
      text += " (they kept " + fixed(others_, 1) + " processors busy)";
    if (processor_ms_ > 0)
      text += "; its runs had the processor for " + significant(processor_ms_) + " ms of " + significant(median_ms_) +
              " ms";
    return text;
  }

  int all_ = 0;
  int count_ = 0;
  bool taken_ = false; // by others of the processors' time
  double spread_ = 0;  // of unsteady results the greatest
  double worst_ = 0;   // the part of the time lost; what follows is of the same result
  double others_ = 0;
  double processor_ms_ = 0;
  double median_ms_ = 0;
};

template <class Result> void print_in_format(const std::vector<Result> &results, const Presentation &shown) {
  if (shown.format == ReportFormat::json)
    print_as_json(results, shown);
  else if (shown.format == ReportFormat::csv)
    print_as_csv(results, shown);
}

bool is_for_programs(ReportFormat format) {
  return format == ReportFormat::json || format == ReportFormat::csv;
}

} // namespace

void print_results(const std::vector<ForwardResult> &results, const Presentation &shown) {
  if (is_for_programs(shown.format))
    return print_in_format(results, shown);
  print_environment(shown.info.environment);
  print_tables({summary_table(results, shown.percentiles), start_table(results)}, shown.format);
  if (!shown.compare.empty()) {
    std::cout << "\nBeside "
              << (shown.format == ReportFormat::text ? printable(shown.compare) : markdown_text(shown.compare))
              << ":\n";
    print_tables({comparison_table(compare_with(shown.compare, results))}, shown.format);
    std::cout << "\n" << comparison_explanation << "\n";
  }
  if (results.front().samples.peak() > 0)
    print_peaks(results);
  for (const ForwardResult &result : results)
    if (!result.profile.empty()) {
      std::cout << heading(title(result), shown.format);
      print_tables({profile_table(result)}, shown.format);
    }
}

void print_results(const Duel &duel, const std::string &program, const Presentation &shown) {
  if (shown.format == ReportFormat::json)
    return print_as_json(duel, program, shown);
  print_environment(shown.info.environment);
  const std::string text = "now:   intvit " + duel.now + "\nother: intvit " + duel.other + ", " + program;
  for (const std::string &line : split(text, '\n'))
    std::cout << (shown.format == ReportFormat::text ? printable(line) : markdown_text(line) + "  ") << "\n";
  print_tables({comparison_table(duel.comparisons)}, shown.format);
  std::cout << "\n" << comparison_explanation << "\n";
}

void print_results(const std::vector<ThroughputResult> &results, const Presentation &shown) {
  if (is_for_programs(shown.format))
    return print_in_format(results, shown);
  print_environment(shown.info.environment);
  print_tables({throughput_table(results, shown.percentiles)}, shown.format);
  if (results.size() < 2)
    return;
  std::cout << "\n";
  for (const std::string &line : most_images(results))
    std::cout << (shown.format == ReportFormat::text ? printable(line) : markdown_text(line) + "  ") << "\n";
}

void print_results(const std::vector<FilesResult> &results, const Presentation &shown) {
  if (is_for_programs(shown.format))
    return print_in_format(results, shown);
  print_environment(shown.info.environment);
  print_tables({files_table(results)}, shown.format);
}

void print_results(const std::vector<ShapeList> &lists, const Presentation &shown) {
  if (is_for_programs(shown.format))
    return print_in_format(lists, shown);
  print_environment(shown.info.environment);
  for (const ShapeList &list : lists) {
    std::cout << heading(list.name + ", " + list.isa + ", " + list.weights + ", 1 thread", shown.format);
    print_tables({shapes_table(list)}, shown.format);
  }
  if (total(lists.front().results).peak > 0)
    print_peaks(lists);
}

void report_disturbed(const std::vector<ForwardResult> &results) {
  Disturbed disturbed;
  for (const ForwardResult &result : results)
    disturbed.add(result.samples.disturbed, result.samples.lost, result.samples.machine, &result.samples,
                  result.threads);
  disturbed.report();
}

void report_disturbed(const std::vector<ThroughputResult> &results) {
  Disturbed disturbed;
  for (const ThroughputResult &result : results)
    disturbed.add(result.samples.disturbed, result.samples.lost, result.samples.machine, &result.samples);
  disturbed.report();
}

void report_disturbed(const std::vector<FilesResult> &results) {
  Disturbed disturbed;
  for (const FilesResult &result : results)
    disturbed.add(result.disturbed, result.lost, result.machine);
  disturbed.report();
}

void report_disturbed(const std::vector<ShapeList> &lists) {
  Disturbed disturbed;
  for (const ShapeList &list : lists)
    for (const ShapeResult &result : list.results)
      disturbed.add(result.samples.disturbed, result.samples.lost, result.samples.machine, &result.samples);
  disturbed.report();
}

} // namespace intvit::cli
