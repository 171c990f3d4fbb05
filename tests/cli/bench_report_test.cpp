// intvit bench --report: that the file is a whole page which shows what was printed, and what is refused.
#include <algorithm>
#include <csignal>
#include <filesystem>

#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "kernels/dispatch.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/small_models.hpp"
#include "tests/support/data.hpp"
#include "tests/support/sanitizers.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace fs = std::filesystem;

namespace {

const std::vector<std::string> short_run{"bench", "--runs", "3", "--warmup", "0"};

// The cells of the Markdown tables in a text, a list a row.
std::vector<std::vector<std::string>> markdown_rows(const std::string &text) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (!line.starts_with("| "))
      continue;
    std::vector<std::string> cells;
    for (std::size_t i = 1; i < line.size();) {
      const std::size_t bar = line.find(" |", i);
      if (bar == std::string::npos)
        break;
      cells.push_back(bar > i + 1 ? line.substr(i + 1, bar - i - 1) : "");
      i = bar + 2;
    }
    rows.push_back(cells);
  }
  return rows;
}

// Empty where every element is closed in its order, every attribute has quotes and every "&" begins a character; else
// what is wrong. What is inside <style> has neither "<" nor "&".
std::string find_defect(const std::string &html) {
  const std::string doctype = "<!DOCTYPE html>\n";
  if (!html.starts_with(doctype))
    return "no doctype";
  std::vector<std::string> open;
  for (std::size_t i = doctype.size(); i < html.size(); ++i) {
    if (html[i] == '&') {
      const std::string character = html.substr(i, html.find(';', i) - i);
      if (character != "&amp" && character != "&lt" && character != "&gt" && character != "&quot")
        return "a bare & at " + html.substr(i, 20);
    }
    if (html[i] != '<')
      continue;
    const std::size_t end = html.find('>', i);
    if (end == std::string::npos)
      return "a tag without an end";
    const std::string tag = html.substr(i + 1, end - i - 1);
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0 || tag.find('<') != std::string::npos)
      return "quotes of " + tag;
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1))
        return "out of order: " + tag;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
    i = end;
  }
  return open.empty() ? "" : "not closed: " + open.back();
}

int count(const std::string &text, const std::string &part) {
  int found = 0;
  for (std::size_t i = text.find(part); i != std::string::npos; i = text.find(part, i + 1))
    ++found;
  return found;
}

TEST_CASE("a report of a model without matrix products has no axis that begins at 0") {
  const std::string model = file_without_products("no-products.safetensors");
  for (const char *ending : {".html", ".md"}) {
    const std::string report = temporary_file(std::string("no-products") + ending);
    const Outcome outcome = run_program({"bench", "-m", model, "--runs", "3", "--warmup", "0", "--report", report});
    CHECK(without_disturbance(outcome.err).empty());
    REQUIRE(outcome.exit_code == 0);
    const std::string text = read_text(report);
    CHECK(text.find("nan") == std::string::npos);
    CHECK(text.find("inf") == std::string::npos);
    if (report.ends_with(".html"))
      CHECK(find_defect(text).empty());
  }
  const Outcome info = run_program({"info", "-m", model});
  CHECK_THAT(info.out, Contains("weights        0 of 0.000 bits, 0 bytes"));
}

} // namespace

TEST_CASE("bench --report writes a page that shows what was printed") {
  const std::string path = temporary_file("report.html");
  const std::string isa = intvit::kernels::default_kernels().name;
  const Outcome outcome =
      run_program(words(short_run, {"-t", "1,2", "-b", "1,2", "--isa", isa, "--arch",
                                    "vit_tiny_patch16_224,vit_small_patch32_224", "--report", path}));
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(without_disturbance(outcome.err).empty());
  const std::string html = read_text(path);
  CHECK(find_defect(html) == "");
  // 8 combinations, each with three drawings, and one of all.
  CHECK(count(html, "<svg ") == 8 * 3 + 1);
  CHECK(count(html, "<h2>") == 8 + 1);
  // Every number of every table that was printed, in its order.
  const auto rows = markdown_rows(outcome.out);
  REQUIRE(rows.size() > 8 * 10);
  std::size_t at = 0;
  int compared = 0;
  std::size_t keys =
      0; // model, instruction set, threads, batch: the page leaves out those that are the same in all rows
  for (const std::vector<std::string> &cells : rows) {
    if (cells[0] == "model" || cells[0] == "operation") {
      keys = cells[0] == "model" ? 4 : 0;
      continue;
    }
    for (std::size_t i = keys; i < cells.size(); ++i) {
      const std::string &cell = cells[i];
      const std::size_t found = html.find(">" + cell + "</td>", at);
      const std::size_t swatch = html.find("</span>" + cell + "</td>", at);
      CAPTURE(cell);
      REQUIRE(std::min(found, swatch) != std::string::npos);
      at = std::min(found, swatch);
      ++compared;
    }
  }
  CHECK(compared > 500);
  // Nothing is loaded from elsewhere.
  for (const char *outside : {"http:", "https:", "<script", "<link", "<img", "@import", "url("})
    CHECK_THAT(html, !Contains(outside));
  CHECK_THAT(html, Contains("prefers-color-scheme: dark"));
  for (const char *part :
       {"<td>processor</td>", "<td>instruction sets</td>", "<td>clock governor</td>", "<td>system</td>",
        "<td>compiler</td>", "<td>flags</td>", "<td>intvit</td><td>" INTVIT_VERSION, "GB/s",
        "multiply-accumulates a byte", ">memory ", ">whole model "})
    CHECK_THAT(html, Contains(part));
  CHECK_THAT(html, Contains("<pre>intvit bench --runs 3 --warmup 0 -t 1,2 -b 1,2 --isa " + isa +
                            " --arch vit_tiny_patch16_224,vit_small_patch32_224 --report " + path + "</pre>"));
}

TEST_CASE("bench --report writes Markdown that holds the tables that were printed") {
  const std::string path = temporary_file("report.md");
  const Outcome outcome = run_program(words(short_run, {"-t", "1,2", "--isa", "scalar,reference", "--report", path}));
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const std::string text = read_text(path);
  for (const std::vector<std::string> &cells : markdown_rows(outcome.out)) {
    std::string row = "|";
    for (const std::string &cell : cells)
      row += " " + cell + " |";
    CHECK_THAT(text, Contains(row + "\n"));
  }
  CHECK_THAT(text, StartsWith("# intvit bench, 2"));
  CHECK_THAT(text, Contains("```sh\nintvit bench --runs 3 --warmup 0 -t 1,2 --isa scalar,reference --report " + path +
                            "\n```\n"));
  CHECK(count(text, "\n## ") == 4);
  CHECK(count(text, "3 runs: median ") == 4);
  for (const char *part : {"| processor |", "| clock governor |", "█", " of the peak of ", "GB/s"})
    CHECK_THAT(text, Contains(part));
}

TEST_CASE("bench prints in its format beside a report, and replaces an older one") {
  const std::string path = temporary_file("report.md");
  write_text(path, "older");
  const Outcome failed = run_program({"bench", "-m", "/nonexistent.safetensors", "--report", path});
  CHECK(failed.exit_code == 1);
  CHECK(read_text(path) == "older");
  const Outcome csv = run_program({"bench", "--runs", "1", "-t", "1", "--format", "csv", "--report", path});
  CHECK(csv.exit_code == 0);
  CHECK_THAT(csv.out, StartsWith("model,isa,threads,batch,operation,"));
  CHECK_THAT(read_text(path), StartsWith("# intvit bench, ") && Contains("1 run: median"));
}

TEST_CASE("bench --report escapes what names hold") {
  const std::string model = temporary_file("a<b>&\"c' | `x`.safetensors");
  fs::copy_file(fs::path(INTVIT_PROGRAM).parent_path() / "../share/intvit/default.safetensors", model);
  const std::string html_path = temporary_file("report.html");
  const Outcome html_run = run_program(words(short_run, {"-t", "1", "-m", model, "--report", html_path}));
  INFO(html_run.err);
  REQUIRE(html_run.exit_code == 0);
  const std::string html = read_text(html_path);
  CHECK(find_defect(html) == "");
  CHECK_THAT(html, Contains("a&lt;b&gt;&amp;&quot;c' | `x`.safetensors") && !Contains("<b>"));

  const std::string markdown_path = temporary_file("report.md");
  REQUIRE(run_program(words(short_run, {"-t", "1", "-m", model, "--report", markdown_path})).exit_code == 0);
  const std::string text = read_text(markdown_path);
  CHECK_THAT(text, Contains("c' \\| `x`.safetensors |"));
  CHECK_THAT(text, Contains("c'\\'' | `x`.safetensors' --report")); // as a shell reads it
}

TEST_CASE("bench --report says why a report cannot be written, before measuring where it can be known") {
  const std::string missing = temporary_file("missing") + "/report.html";
  const Outcome outcome = run_program(words(short_run, {"--report", missing}));
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.empty());
  CHECK(outcome.err == "intvit: " + missing + ": cannot create a file in its folder: No such file or directory\n");

  const std::string file = temporary_file("file");
  write_text(file, "");
  CHECK(run_program(words(short_run, {"--report", file + "/report.md"})).err ==
        "intvit: " + file + "/report.md: cannot create a file in its folder: Not a directory\n");

  const std::string folder = temporary_file("folder.html");
  fs::create_directory(folder);
  const Outcome directory = run_program(words(short_run, {"-t", "1", "--report", folder}));
  CHECK(directory.exit_code == 1);
  CHECK(without_disturbance(directory.err) == "intvit: " + folder + ": cannot write: Is a directory\n");
}

TEST_CASE("bench --report leaves no part of a report where there is no space") {
  if (INTVIT_THREAD_SANITIZER)
    return skip("the limit is ThreadSanitizer's own files' too");
  const std::string folder = temporary_file("full");
  fs::create_directory(folder);
  // A limit on file sizes makes writing fail part of the way, as a full disk does. Program and shell inherit both.
  struct rlimit before = {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit limited = before;
  limited.rlim_cur = 8192; // more than the printed tables take, less than a page
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limited) == 0);
  const Outcome outcome = run_program(words(short_run, {"-t", "1", "--report", folder + "/report.html"}));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(outcome.exit_code == 1);
  CHECK(without_disturbance(outcome.err) == "intvit: " + folder + "/report.html: cannot write: File too large\n");
  CHECK_THAT(outcome.out, Contains("| attention |")); // what was measured is not lost
  CHECK(fs::is_empty(folder));
}
