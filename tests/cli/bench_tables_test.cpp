// What intvit bench shows of its measurements: tables for terminals, lists, percentiles, samples.
#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/benchmark/terminal.hpp"
#include "models/program/text.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using nlohmann::json;

namespace {

const std::vector<std::string> one_run{"bench", "--runs", "1", "--warmup", "0", "-t", "1"};

cli::Table three_rows() {
  return {{"model", "isa", "threads", "median ms", "images/s"},
          {{"a.safetensors", "avx2", "1", "20.57", "48.6"},
           {"another.safetensors", "avx2", "1", "4.1", "243.9"},
           {"b.safetensors", "avx2", "2", "1234", "0.8"}},
          3};
}

} // namespace

TEST_CASE("numbers have four significant digits, and bytes a unit") {
  const std::vector<std::pair<double, std::string>> numbers{
      {0, "0.000"},         {1.23456, "1.235"},       {12.3456, "12.35"},    {123.456, "123.5"},
      {1234.56, "1235"},    {123456, "123456"},       {9.99996, "10.00"},    {99.9949, "99.99"},
      {0.123456, "0.1235"}, {0.00123456, "0.001235"}, {1e-12, "0.00000000"}, {-12.3456, "-12.35"}};
  for (const auto &[value, text] : numbers)
    CHECK(significant(value) == text);
  const std::vector<std::pair<std::size_t, std::string>> sizes{
      {0, "0 bytes"},      {999, "999 bytes"},      {1000, "1.0 kB"},         {999'949, "999.9 kB"},
      {999'950, "1.0 MB"}, {21'940'000, "21.9 MB"}, {999'960'000, "1.00 GB"}, {1'504'000'000, "1.50 GB"}};
  for (const auto &[bytes, text] : sizes)
    CHECK(megabytes(bytes) == text);
}

TEST_CASE("tables for a terminal are aligned, without what is the same in all rows") {
  CHECK(cli::common_keys(three_rows()) == "isa avx2");
  CHECK(cli::terminal_text(three_rows()) == "model                threads  median  images/s\n"
                                            "a.safetensors              1   20.57      48.6\n"
                                            "another.safetensors        1     4.1     243.9\n"
                                            "b.safetensors              2    1234       0.8\n");
  cli::Table one = three_rows();
  one.rows.resize(1);
  CHECK(cli::common_keys(one) == "a.safetensors, isa avx2, threads 1");
  CHECK(cli::terminal_text(one) == "median  images/s\n 20.57      48.6\n");
}

TEST_CASE("tables that are too wide for a terminal go on below, with their keys") {
  CHECK(cli::terminal_text(three_rows(), 40) == "model                threads  median\n"
                                                "a.safetensors              1   20.57\n"
                                                "another.safetensors        1     4.1\n"
                                                "b.safetensors              2    1234\n"
                                                "\n"
                                                "model                threads  images/s\n"
                                                "a.safetensors              1      48.6\n"
                                                "another.safetensors        1     243.9\n"
                                                "b.safetensors              2       0.8\n");
}

TEST_CASE("long names in a terminal lose their middle, unless they would become the same") {
  const std::string first = "/a/long/way/to/the/folder/of/models/of/the/first.safetensors";
  const std::string second = "/a/long/way/to/the/folder/of/models/of/the/other.safetensors";
  cli::Table table{{"model", "ms"}, {{first, "1"}, {second, "2"}}, 1};
  CHECK(cli::terminal_text(table) == "model                               ms\n"
                                     "/a/long/way/to/t...rst.safetensors   1\n"
                                     "/a/long/way/to/t...her.safetensors   2\n");
  table.rows[1][0] = "/a/long/way/to/the/folder/of/other/models/first.safetensors";
  CHECK_THAT(cli::terminal_text(table), Contains(first + "   1\n"));
  // Characters of several bytes count as one, and are never cut.
  table.rows = {{"\u00e9\u00e9\u00e9\u00e9", "1"}, {"ab", "12"}};
  CHECK(cli::terminal_text(table) == "model  ms\n\u00e9\u00e9\u00e9\u00e9    1\nab     12\n");
}

TEST_CASE("bench --format text fits a terminal of 80 columns") {
  for (const std::vector<std::string> &more :
       {std::vector<std::string>{"-b", "1,2", "-t", "1,2", "--profile", "--roofline", "--percentiles", "50,90,99,99.9"},
        {"--arch", "vit_base_patch32_clip_quickgelu_224,deit_tiny_patch16_224"},
        {"--files", std::filesystem::path(sample_photograph()).parent_path().string()}}) {
    const Outcome outcome = run_program(words(words(one_run, more), {"--format", "text"}));
    INFO(outcome.out << outcome.err);
    CHECK(outcome.exit_code == 0);
    CHECK_THAT(outcome.out, Contains("times in ms") && !Contains("|"));
    for (const std::string &line : lines(outcome.out))
      if (line.find("safetensors") == std::string::npos) // a path is not cut where all rows have it
        CHECK(line.size() <= 80);
  }
}

TEST_CASE("bench measures every model that is named, with and without -m") {
  const std::string folder = temporary_file("models");
  std::filesystem::create_directories(folder);
  const auto shipped = std::filesystem::path(INTVIT_PROGRAM).parent_path() / "../share/intvit/default.safetensors";
  std::vector<std::string> paths;
  for (const char *name : {"a", "b,c", "d"}) {
    paths.push_back(folder + "/" + name);
    std::filesystem::copy_file(shipped, paths.back());
  }
  const Outcome outcome =
      run_program(words(one_run, {"-m", paths[0], paths[2], "--format", "json", "--model", paths[1]}));
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const json results = json::parse(outcome.out)["results"];
  REQUIRE(results.size() == 3);
  CHECK(results[0]["model"] == paths[0]);
  CHECK(results[1]["model"] == paths[1]);
  CHECK(results[2]["model"] == paths[2]);
  const Outcome missing = run_program(words(one_run, {paths[0], "/nonexistent"}));
  CHECK(missing.exit_code == 1);
  CHECK_THAT(missing.err, StartsWith("intvit: /nonexistent: "));
}

TEST_CASE("bench --arch list names the architectures by family, within 80 columns") {
  const Outcome outcome = run_program({"bench", "--arch", "list"});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  std::map<std::string, std::string> family; // of a name
  std::string last;
  for (const std::string &line : lines(outcome.out)) {
    CHECK(line.size() <= 80);
    if (!line.starts_with(" "))
      last = line;
    for (std::size_t begin = line.find_first_not_of(' '); line.starts_with("  ") && begin != std::string::npos;) {
      const std::size_t end = std::min(line.find(' ', begin), line.size());
      family[line.substr(begin, end - begin)] = last;
      begin = line.find_first_not_of(' ', end);
    }
  }
  CHECK(family.size() > 80);
  CHECK(family["vit_tiny_patch16_224"] == "ViT");
  CHECK(family["deit_tiny_distilled_patch16_224"] == "DeiT");
  CHECK(family["deit3_base_patch16_224"] == "DeiT III");
  CHECK(family["vit_base_patch14_dinov2"] == "DINOv2");
  CHECK(family["vit_base_patch32_clip_224"] == "CLIP");
  CHECK(family["vit_base_patch16_siglip_224"] == "SigLIP");
  CHECK(family["swin_tiny_patch4_window7_224"] == "Swin");
}

TEST_CASE("bench takes -t 0 for what the process may use") {
  const json given = json::parse(run_program(words(one_run, {"-t", "0,1", "--format", "json"})).out);
  const json &results = given["results"];
  REQUIRE(results.size() == 2);
  CHECK(results[0]["threads"] == given["environment"]["threads_available"]);
}

TEST_CASE("bench --percentiles") {
  const std::vector<std::string> base{"bench", "--runs", "20", "--warmup", "0", "-t", "1"};
  const Outcome outcome = run_program(words(base, {"--percentiles", "5,50,99.9", "--format", "json"}));
  REQUIRE(outcome.exit_code == 0);
  const json result = json::parse(outcome.out)["results"][0];
  std::vector<double> samples = result["samples_ms"];
  REQUIRE(samples.size() == 20);
  std::sort(samples.begin(), samples.end());
  CHECK(result["p5_ms"] == samples[0]);
  CHECK(result["p50_ms"] == samples[9]);
  CHECK(result["p99.9_ms"] == samples[19]);
  CHECK_FALSE(result.contains("p90_ms"));
  CHECK_THAT(run_program(words(base, {"--percentiles", "5,99.9"})).out, Contains("| p5 ms | p99.9 ms | images/s |"));
}

TEST_CASE("bench --samples: a line a run") {
  const Outcome outcome =
      run_program({"bench", "--runs", "3", "--warmup", "0", "-t", "1", "-b", "1,2", "--format", "csv", "--samples"});
  REQUIRE(outcome.exit_code == 0);
  REQUIRE(lines(outcome.out).size() == 1 + 2 * 3);
  CHECK(lines(outcome.out)[0] == "model,isa,threads,batch,sample,ms,processor_ms,disturbed,counted");
  CHECK_THAT(lines(outcome.out)[3], Contains(",1,1,3,"));
  CHECK_THAT(lines(outcome.out)[6], Contains(",1,2,3,"));
}

TEST_CASE("bench -h explains columns, and its groups of options have headings") {
  const Outcome help = run_program({"bench", "-h"});
  REQUIRE(help.exit_code == 0);
  CHECK_THAT(help.out, Contains("\nComparing:\n") && Contains("GMAC/s, ") && Contains("mJ/image, "));
}
