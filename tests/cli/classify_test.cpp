#include <algorithm>
#include <cmath>
#include <filesystem>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "kernels/dispatch.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/data.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

// A folder of its own with two good pictures and one that is a text file.
std::string mixed_folder() {
  const std::string folder = temporary_file("mixed");
  std::filesystem::create_directories(folder);
  const std::string picture = read_text(sample_photograph());
  write_text(folder + "/a.png", picture);
  write_text(folder + "/b.jpg", "this is not a picture\n");
  write_text(folder + "/c.png", picture);
  write_text(folder + "/notes.txt", "not a picture by its name\n");
  return folder;
}

} // namespace

TEST_CASE("the sample photograph is a cat") {
  const Outcome outcome = run_program({"classify", sample_photograph()});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  const std::vector<std::string> printed = lines(outcome.out);
  REQUIRE(printed.size() > 1);
  CHECK(printed[0] == sample_photograph());
  CHECK_THAT(printed[1], Catch::Matchers::EndsWith("%  cat"));
}

TEST_CASE("README shows what the program prints") {
  const std::string command = "```console\n$ scripts/demo.sh\n";
  const std::string readme = read_text(source_file("../README.md"));
  const std::size_t begin = readme.find(command);
  REQUIRE(begin != std::string::npos);
  const std::size_t first = begin + command.size();
  const std::string shown = readme.substr(first, readme.find("```", first) - first);

  // scripts/demo.sh ends with this command, from the repository's folder.
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(source_file(".."));
  const Outcome outcome = run_program({"classify", "docs/sample/chelsea.png"});
  std::filesystem::current_path(before);
  REQUIRE(outcome.exit_code == 0);
  INFO("where the program is right, replace these lines of README.md, below \"$ scripts/demo.sh\":\n"
       << shown << "by these:\n"
       << outcome.out);
  CHECK(shown == outcome.out);
}

TEST_CASE("a folder gives one result an image, and a file that is no image is reported") {
  const std::string folder = mixed_folder();
  const Outcome outcome = run_program({"classify", "--format", "json", "-k", "2", folder});
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, Contains("intvit: " + folder + "/b.jpg: "));
  const std::vector<json> lines = json_lines(outcome.out);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["image"] == folder + "/a.png");
  CHECK(lines[1]["image"] == folder + "/c.png");
  for (const json &line : lines) {
    REQUIRE(line["top"].size() == 2);
    CHECK(line["top"][0]["label"] == "cat");
    CHECK(line["top"][0]["logit"].get<int>() >= line["top"][1]["logit"].get<int>());
    CHECK_FALSE(line.contains("logits"));
  }
}

TEST_CASE("raw logits are integers, the same for every instruction set, number of threads and batch") {
  const std::string picture = sample_photograph();
  std::vector<json> all;
  for (const intvit::kernels::KernelTable &kernels : intvit::kernels::available_kernels())
    for (const char *threads : {"1", "2", "3"})
      for (const char *batch : {"1", "2", "5"}) {
        const Outcome outcome = run_program({"classify", "--format", "json", "--raw-logits", "--timing", "--isa",
                                             kernels.name, "-t", threads, "-b", batch, picture, picture, picture});
        REQUIRE(outcome.exit_code == 0);
        const std::vector<json> lines = json_lines(outcome.out);
        REQUIRE(lines.size() == 3);
        all.insert(all.end(), lines.begin(), lines.end());
      }
  for (const json &line : all) {
    REQUIRE(line["logits"].size() == 10);
    CHECK(line["logits"] == all.front()["logits"]);
    CHECK(line["logits"][0].is_number_integer());
    CHECK(line["logits"][line["top"][0]["index"].get<std::size_t>()] == line["top"][0]["logit"]);
    for (const char *step : {"decode", "preprocess", "inference"})
      CHECK(line["timing_ms"][step].is_number());
  }
}

TEST_CASE("many files and few give the same lines, whatever the threads and the batch") {
  const std::string folder = temporary_file("in_order");
  std::filesystem::create_directories(folder);
  const std::string picture = read_text(sample_photograph());
  const std::string noise = "P6\n9 7\n255\n" + std::string(3UL * 9 * 7, 'x') + "\n";
  for (int i = 10; i < 70; ++i)
    write_text(folder + "/" + std::to_string(i) + ".png", i % 9 == 0 ? "no picture" : i % 2 == 0 ? picture : noise);
  const auto classify = [&](const std::string &threads, const std::string &batch, const std::string &which) {
    return run_shell("\"$INTVIT\" classify --raw-logits --format csv -k 1 -t " + threads + " -b " + batch + " " +
                     quoted(folder) + which);
  };
  for (const std::string which : {"", "/1*.png"}) {
    const Outcome expected = classify("1", "1", which);
    CHECK(expected.exit_code == 1);
    const std::size_t files = which.empty() ? 60 : 10;
    const std::size_t bad = which.empty() ? 6 : 1;
    CHECK(lines(expected.out).size() == files - bad + 1);
    CHECK(lines(expected.err).size() == bad);
    for (const char *threads : {"1", "2", "3"})
      for (const char *batch : {"1", "4", "100"}) {
        CAPTURE(threads, batch, which);
        const Outcome outcome = classify(threads, batch, which);
        CHECK(outcome.exit_code == 1);
        CHECK(outcome.out == expected.out);
        CHECK(outcome.err == expected.err);
      }
  }
}

TEST_CASE("probabilities are the softmax of the logits") {
  const Outcome outcome = run_program({"classify", "--format", "json", "-k", "10", sample_photograph()});
  const json info = json::parse(run_program({"info", "--format", "json"}).out);
  const double unit = std::pow(2.0, -info["logit_fraction_bits"].get<int>());
  const json top = json_lines(outcome.out).at(0)["top"];
  REQUIRE(top.size() == 10);
  const auto exponential = [&](const json &entry) { return std::exp(entry["logit"].get<double>() * unit); };
  double sum = 0;
  for (const json &entry : top)
    sum += exponential(entry);
  for (const json &entry : top)
    CHECK(entry["probability"].get<double>() == Approx(exponential(entry) / sum).margin(1e-6).epsilon(0));
}

TEST_CASE("csv has a header and a line a class") {
  const Outcome outcome = run_program({"classify", "--format", "csv", "-k", "3", sample_photograph()});
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.out, Catch::Matchers::StartsWith("image,rank,index,label,logit,probability\n"));
  CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') == 4);
  CHECK_THAT(outcome.out, Contains(",1,3,cat,"));
}

TEST_CASE("an image can come from standard input") {
  const Outcome outcome = run_program({"classify", "-k", "1", "-"}, read_text(sample_photograph()));
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.out, Contains("cat"));
  const Outcome among_others = run_program(
      {"classify", "--format", "csv", "-k", "1", "-t", "2", sample_photograph(), "-", "-", sample_photograph()},
      read_text(sample_photograph()));
  CHECK(among_others.exit_code == 1);
  CHECK_THAT(among_others.err, Contains("standard input: the file is empty")); // the second time
  CHECK(lines(among_others.out).size() == 4);
  CHECK_THAT(lines(among_others.out)[2], Catch::Matchers::StartsWith("-,1,3,cat,"));
  const Outcome empty = run_program({"classify", "-"});
  CHECK(empty.exit_code == 1);
  CHECK_THAT(empty.err, Contains("standard input"));
}

TEST_CASE("another recipe can be asked for") {
  const Outcome outcome =
      run_program({"classify", "--preprocess", "resize=32x32,filter=bilinear", sample_photograph()});
  CHECK(outcome.exit_code == 0);
  const Outcome wrong = run_program({"classify", "--preprocess", "resize=potato", sample_photograph()});
  CHECK(wrong.exit_code == 2);
  CHECK_THAT(wrong.err, Contains("--preprocess"));
}

TEST_CASE("a recipe for images of another size than the model's is refused") {
  const std::string message = "--preprocess gives images of 8 x 32, the model takes 32 x 32";
  const Outcome classify = run_program({"classify", "--preprocess", "crop=8x32", sample_photograph()});
  CHECK(classify.exit_code == 2);
  CHECK(classify.out.empty());
  CHECK_THAT(classify.err, Contains(message));
  const std::string folder = temporary_file("one_class");
  std::filesystem::create_directories(folder + "/cat");
  write_text(folder + "/cat/a.png", read_text(sample_photograph()));
  const Outcome eval = run_program({"eval", "--data", folder, "--preprocess", "crop=8x32"});
  CHECK(eval.exit_code == 2);
  CHECK_THAT(eval.err, Contains(message));
}

TEST_CASE("classify's bad input") {
  const std::string empty_folder = temporary_file("empty");
  std::filesystem::create_directories(empty_folder);
  const std::string text = temporary_file("text.safetensors");
  write_text(text, "this is not a model, only some words in a file\n");
  const std::vector<Refusal> cases = {
      {{}, 2, "no image is given"},
      {{"-k", "0", sample_photograph()}, 2, "--top must be an integer from 1"},
      {{"-k", "many", sample_photograph()}, 2, "many"},
      {{"-b", "0", sample_photograph()}, 2, "--batch"},
      {{"-t", "-1", sample_photograph()}, 2, "--threads"},
      {{"--format", "xml", sample_photograph()}, 2, "text, json, csv"},
      {{"--isa", "abacus", sample_photograph()}, 2, "\"abacus\" is not available here"},
      {{"--unknown", sample_photograph()}, 2, "unknown"},
      {{"/nonexistent.png"}, 1, "/nonexistent.png: "},
      {{empty_folder}, 1, empty_folder + ": no image"},
      {{"-m", "/nonexistent.safetensors", sample_photograph()}, 1, "/nonexistent.safetensors: "},
      {{"-m", text, sample_photograph()}, 1, text + ": "},
      {{"-m", sample_photograph(), sample_photograph()}, 1, sample_photograph() + ": "},
  };
  check_refused({"classify"}, cases);
}
