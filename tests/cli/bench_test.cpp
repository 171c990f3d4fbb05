// intvit bench: what it prints and what it refuses. Nothing here depends on how fast anything is.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "kernels/dispatch.hpp"
#include "models/architectures/registry.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/data.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using nlohmann::json;

namespace {

// The results of two runs each.
json results(const std::vector<std::string> &options) {
  const Outcome outcome =
      run_program(words({"bench", "--runs", "2", "--warmup", "0", "-t", "1", "--format", "json"}, options));
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  CHECK(without_disturbance(outcome.err).empty());
  const json object = json::parse(outcome.out);
  CHECK(object.size() == 6); // date, command, environment, warmup, runs, results
  CHECK(object["warmup"] == 0);
  CHECK(object["runs"] >= 1);
  CHECK_THAT(object["date"].get<std::string>(), Contains(" UTC"));
  CHECK_THAT(object["command"].get<std::string>(), Contains("intvit bench --runs 2 --warmup 0 -t 1 --format json"));
  CHECK(object["environment"]["intvit"] == INTVIT_VERSION);
  CHECK(object["environment"]["processor"].is_string());
  CHECK(object["environment"]["threads_available"] >= 1);
  CHECK(object["environment"]["instruction_sets"].size() == intvit::kernels::available_kernels().size());
  CHECK(object["environment"]["compiler"].is_string());
  CHECK_FALSE(object["environment"]["flags"].get<std::string>().empty());
  CHECK(object["environment"].contains("commit"));
  return object["results"];
}

std::string list_file(const std::string &text) {
  const std::string path = temporary_file("shapes.txt");
  write_text(path, text);
  return path;
}

} // namespace

TEST_CASE("bench tells every combination's times as JSON") {
  const json object = results({"-b", "1,3", "-t", "1,2", "--isa", "all"});
  const auto isas = intvit::kernels::available_kernels();
  REQUIRE(object.size() == 4 * isas.size());
  std::size_t i = 0;
  for (const intvit::kernels::KernelTable &kernels : isas)
    for (const int threads : {1, 2})
      for (const int batch : {1, 3}) {
        const json &result = object[i++];
        CAPTURE(result.dump());
        CHECK(result["isa"] == kernels.name);
        CHECK(result["threads"] == threads);
        CHECK(result["batch"] == batch);
        CHECK_THAT(result["model"].get<std::string>(), Contains("default.safetensors"));
        CHECK_FALSE(result.contains("arch"));
        REQUIRE(result["samples_ms"].size() == 2);
        const double low = std::min(result["samples_ms"][0], result["samples_ms"][1]);
        const double high = std::max(result["samples_ms"][0], result["samples_ms"][1]);
        CHECK(low > 0);
        CHECK(result["min_ms"] == low);
        CHECK(result["p90_ms"] == high);
        CHECK(result["p99_ms"] == high);
        const double median = result["median_ms"];
        CHECK(median == Approx((low + high) / 2));
        CHECK(result["mean_ms"] == Approx((low + high) / 2));
        CHECK(result["deviation_ms"] == Approx((high - low) / std::sqrt(2)).margin(1e-9));
        CHECK(result["processor_samples_ms"].size() == 2);
        CHECK(result["disturbed"].is_boolean());
        CHECK(result["machine"]["seconds"] >= low * 2e-3);
        CHECK(result["load_ms"] > 0);
        CHECK(result["session_ms"] > 0);
        CHECK(result["first_run_ms"] > 0);
        CHECK(result["bytes"]["file"] == std::filesystem::file_size(result["model"].get<std::string>()));
        CHECK(result["bytes"]["packed"] > 1'000'000);
        CHECK(result["bytes"]["arena"] > 1000);
        if (!result["bytes"]["peak"].is_null())
          CHECK(result["bytes"]["peak"] > result["bytes"]["packed"]);
        CHECK(result["gmac_per_s"] == Approx(result["gmac"].get<double>() / median * 1e3));
        CHECK(result["gmac"] == Approx(batch * object[0]["gmac"].get<double>()));
        CHECK(result["images_per_s"] == Approx(batch * 1e3 / median));
        for (const char *key : {"peak_gmac_per_s", "share_of_peak", "peak_samples_gmac_per_s", "profile"})
          CHECK_FALSE(result.contains(key));
      }
}

TEST_CASE("bench counts the full model's multiply-accumulates") {
  // tokens * C * (3C + C + 2 * 4C) and two products of tokens * tokens * C a block, patch embedding, head.
  const auto gmac = [](std::int64_t c, std::int64_t patches, std::int64_t patch_inputs) {
    const std::int64_t tokens = patches + 1;
    return static_cast<double>(12 * (tokens * c * 12 * c + 2 * tokens * tokens * c) + patches * patch_inputs * c +
                               1000 * c) *
           1e-9;
  };
  const json object = results({"--arch", "deit_tiny_patch16_224,vit_small_patch32_224", "--runs", "1"});
  REQUIRE(object.size() == 2);
  CHECK(object[0]["arch"] == "deit_tiny_patch16_224");
  CHECK_FALSE(object[0].contains("model"));
  CHECK(object[0]["gmac"] == Approx(gmac(192, 196, 768)).epsilon(1e-12));
  CHECK(object[1]["gmac"] == Approx(gmac(384, 49, 3072)).epsilon(1e-12));
}

TEST_CASE("bench --roofline measures the peak around every round") {
  const json object = results({"--roofline", "--isa", "all"});
  for (const json &result : object) {
    CAPTURE(result.dump());
    CHECK(result["peak_samples_gmac_per_s"].size() >= 2);
    CHECK(result["peak_gmac_per_s"] > 0);
    const auto *found = intvit::kernels::find_kernels(result["isa"].get<std::string>());
    REQUIRE(found != nullptr);
    CHECK(result["peak_product"] == found->peak_product);
    CHECK_FALSE(result["peak_product"].get<std::string>().empty());
    CHECK(result["share_of_peak"] ==
          Approx(result["gmac_per_s"].get<double>() / result["peak_gmac_per_s"].get<double>()));
    CHECK(result["bandwidth_samples_gb_per_s"].size() == 2);
    CHECK(result["bandwidth_gb_per_s"] > 0);
  }
}

TEST_CASE("bench --profile adds up") {
  const json result = results({"--arch", "deit_tiny_patch16_224", "--profile"})[0];
  double share = 0;
  double gmac = 0;
  std::map<std::string, int> calls;
  std::map<std::string, double> mac_per_byte;
  for (const json &operation : result["profile"]) {
    mac_per_byte[operation["operation"]] = operation["mac_per_byte"];
    share += operation["share"].get<double>();
    gmac += operation["gmac"].get<double>();
    calls[operation["operation"]] = operation["calls"];
  }
  CHECK(share == Approx(1));
  CHECK(calls == std::map<std::string, int>{{"patches", 1},
                                            {"patch_embed", 1},
                                            {"layer_norm", 25},
                                            {"qkv", 12},
                                            {"attention", 12},
                                            {"proj", 12},
                                            {"fc1", 12},
                                            {"fc2", 12},
                                            {"take_rows", 1},
                                            {"head", 1}});
  // The full model's less what the last block's 196 other tokens would have taken after its keys and values.
  const double spared = 196.0 * (192 * 9 * 192 + 2 * 197 * 192) * 1e-9;
  CHECK(gmac == Approx(result["gmac"].get<double>() - spared).epsilon(1e-12));
  // Kernels pack weights with constants and padding, some in 16 bits, so they read more than the weights alone.
  const auto between = [&](const std::string &operation, double macs, double weights, double values) {
    CAPTURE(operation, mac_per_byte[operation]);
    CHECK(mac_per_byte[operation] < macs / (weights + values));
    CHECK(mac_per_byte[operation] > macs / (2.5 * weights + values));
  };
  between("head", 192e3, 192e3, 192 + 4 * 1000);
  between("qkv", 197 * 3 * 192 * 192, 3 * 192 * 192, 197 * 4 * 192);
  // Scores and values of 197 tokens, of which the last block's first alone attends; queries, keys, values and output.
  CHECK(mac_per_byte["attention"] == Approx(2.0 * 197 * (11 * 197 + 1) / (11 * 197 * 4 + 197 * 3 + 1)).epsilon(1e-12));
  CHECK(mac_per_byte["layer_norm"] == 0);
}

TEST_CASE("bench takes every form of random model") {
  for (const char *residual : {"int16", "ptf8", "ptf8-paper"})
    for (const char *softmax : {"int16", "int8", "lis8", "lis4"}) {
      CAPTURE(residual, softmax);
      const json object = results({"--arch", "vit_tiny_patch16_224", "--runs", "1", "--residual", residual, "--softmax",
                                   softmax, "--no-renormalize"});
      CHECK(object.size() == 1);
    }
}

TEST_CASE("bench prints Markdown tables by default, and CSV") {
  const std::vector<std::string> base{"bench", "--runs", "1", "--warmup", "0", "-t", "1"};
  const Outcome markdown = run_program(words(base, {"--profile", "--roofline"}));
  CHECK(markdown.exit_code == 0);
  CHECK_THAT(markdown.out, StartsWith("intvit " INTVIT_VERSION " (") && Contains("| model | isa | threads | batch |") &&
                               Contains("peak GMAC/s | of peak |") && Contains("| attention | 6 |"));

  const Outcome plain = run_program(words(base, {"--format", "csv", "--isa", "reference"}));
  CHECK(plain.exit_code == 0);
  REQUIRE(lines(plain.out).size() == 2);
  CHECK(lines(plain.out)[0] == "model,isa,threads,batch,runs,median_ms,mean_ms,deviation_ms,p90_ms,p99_ms,min_ms,"
                               "images_per_s,gmac_per_s,peak_gmac_per_s,share_of_peak,load_ms,first_run_ms,file_bytes,"
                               "packed_bytes,arena_bytes,peak_bytes,disturbed,lost_share");
  CHECK_THAT(lines(plain.out)[1], Contains(".safetensors,reference,1,1,1,"));

  const Outcome profile = run_program(words(base, {"--format", "csv", "--profile", "--roofline"}));
  CHECK(profile.exit_code == 0);
  REQUIRE(lines(profile.out).size() == 12); // ten operations, and all of them
  CHECK(lines(profile.out)[0] ==
        "model,isa,threads,batch,operation,calls,median_ms,share,gmac_per_s,peak_gmac_per_s,share_of_peak");
  for (const std::string &line : lines(profile.out))
    CHECK(std::count(line.begin(), line.end(), ',') == 10);
}

TEST_CASE("bench takes its instruction set from INTVIT_ISA, and --isa goes before it") {
  ::setenv("INTVIT_ISA", "reference", 1);
  const json from_environment = results({});
  const Outcome wrong = run_program({"bench", "--isa", "reference,abacus"});
  ::unsetenv("INTVIT_ISA");
  CHECK(from_environment[0]["isa"] == "reference");
  CHECK(wrong.exit_code == 2);
  CHECK_THAT(wrong.err, Contains("--isa: \"abacus\" is not available here"));
  const std::string fastest = intvit::kernels::available_kernels().back().name;
  CHECK(results({})[0]["isa"] == fastest);
  const json both = results({"--isa", "reference," + fastest});
  REQUIRE(both.size() == 2);
  CHECK(both[0]["isa"] == "reference");
  CHECK(both[1]["isa"] == fastest);
}

TEST_CASE("bench refuses what makes no sense") {
  const std::vector<Refusal> cases = {
      {{"--arch", "resnet50"},
       2,
       "--arch: unknown architecture \"resnet50\"; intvit bench --arch list names those known"},
      {{"--arch", "deit_tiny_patch16_224,"}, 2, "--arch must be a list like a,b,c, not \"deit_tiny_patch16_224,\""},
      {{"--arch", ""}, 2, "--arch must be a list"},
      {{"--arch", "deit_tiny_patch16_224", "-m", "x.safetensors"}, 2, "give models or --arch, not both"},
      {{"--arch", "deit_tiny_patch16_224", "x.safetensors"}, 2, "give models or --arch, not both"},
      {{"--residual", "ptf8"}, 2, "--residual goes with --arch"},
      {{"--weight-format", "stlq"}, 2, "--weight-format goes with --arch"},
      {{"--shapes", "x.txt", "--weight-format", "fp4"},
       2,
       "--weight-format is \"fp4\", expected one of: int8, int7, stlq, int4"},
      {{"--shapes", "x.txt", "--two-word-ratio", "5"}, 2, "--two-word-ratio goes with --weight-format stlq or int4"},
      {{"--shapes", "x.txt", "--weight-format", "stlq", "--two-word-ratio", "101"},
       2,
       "--two-word-ratio: \"101\" is not a percentage from 0 to 100"},
      {{"--arch", "deit_tiny_patch16_224", "--residual", "int32"}, 2, "--residual is \"int32\", expected one of"},
      {{"-t", "-1"}, 2, "--threads: \"-1\" is not an integer from 0 to 1024"},
      {{"-t", "1,two"}, 2, "--threads: \"two\" is not an integer"},
      {{"-t", "1,,2"}, 2, "--threads must be a list like a,b,c, not \"1,,2\""},
      {{"-b", "1x"}, 2, "--batch: \"1x\" is not an integer from 1 to 4096"},
      {{"-b", "-1"}, 2, "--batch: \"-1\" is not an integer"},
      {{"--runs", "0"}, 2, "--runs must be an integer from 1"},
      {{"--runs", "many"}, 2, "many"},
      {{"--warmup", "-1"}, 2, "--warmup must be an integer from 0"},
      {{"--seconds", "0"}, 2, "--seconds must be above 0"},
      {{"--seconds", "soon"}, 2, "soon"},
      {{"--seconds", "1e9"}, 2, "--seconds must be above 0 and at most 86400"},
      {{"--runs", "1", "--seconds", "1"}, 2, "give --runs or --seconds, not both"},
      {{"--format", "xml"}, 2, "--format is \"xml\", expected one of: text, md, json, csv"},
      {{"-o", "json"}, 2, "-o is no option of bench: results go to standard output, --format text, md, json or csv"},
      {{"--shapes", "x.txt", "--weight-format", "stlq", "--two-word-ratio", "15,0.15"},
       2,
       "--two-word-ratio: \"0.15\" could be 0.15 % or a share of 1; write 0.15% or 15%"},
      {{"--report", "x.txt"}, 2, "--report is \"x.txt\", expected a name that ends in .html or .md"},
      {{"--report", "html"}, 2, "--report is \"html\", expected a name that ends in .html or .md"},
      {{"--report", ""}, 2, "--report is \"\", expected a name"},
      {{"--shapes", "x.txt", "--report", "x.md"}, 2, "--report does not go with --shapes"},
      {{"--shapes", "x.txt", "--profile"}, 2, "--profile does not go with --shapes"},
      {{"--shapes", "x.txt", "--arch", "deit_tiny_patch16_224"}, 2, "--arch does not go with --shapes"},
      {{"--shapes", "x.txt", "-t", "2"}, 2, "--threads does not go with --shapes"},
      {{"--shapes", "x.txt", "--files", "x"}, 2, "--files does not go with --shapes"},
      {{"--files", "x", "--profile"}, 2, "--profile goes with random images, not with --files"},
      {{"--files", "x", "--report", "x.md"}, 2, "--report goes with random images, not with --files"},
      {{"--files", "/nonexistent"}, 1, "/nonexistent: cannot read the folder"},
      {{"--percentiles", "50,101"}, 2, "--percentiles: \"101\" is not a number above 0 and at most 100"},
      {{"--percentiles", "0"}, 2, "--percentiles: \"0\" is not a number above 0"},
      {{"--percentiles", "p50"}, 2, "--percentiles: \"p50\" is not a number"},
      {{"--samples"}, 2, "--samples goes with --format csv"},
      {{"--shapes", "x.txt", "x.safetensors"}, 2, "a model does not go with --shapes"},
      {{"--preprocess", "crop=32"}, 2, "--preprocess goes with --files"},
  };
  check_refused({"bench"}, cases);
}

TEST_CASE("bench fails on a model that cannot be read") {
  const Outcome outcome = run_program({"bench", "-m", "/nonexistent.safetensors"});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, StartsWith("intvit: /nonexistent.safetensors: "));
}

TEST_CASE("bench --shapes times the products of a list") {
  const std::string path = list_file("# a comment\n\n7 33 19 2 # odd\r\n  12\t64 128 1\n");
  const Outcome outcome = run_program(
      {"bench", "--shapes", path, "--runs", "2", "--warmup", "1", "--isa", "all", "--roofline", "--format", "json"});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const json object = json::parse(outcome.out)["results"];
  REQUIRE(object.size() == intvit::kernels::available_kernels().size());
  for (std::size_t i = 0; i < object.size(); ++i) {
    const json &list = object[i];
    CAPTURE(list.dump());
    CHECK(list["isa"] == intvit::kernels::available_kernels()[i].name);
    CHECK(list["shapes"] == path);
    REQUIRE(list["products"].size() == 2);
    CHECK(list["products"][0]["rows"] == 7);
    CHECK(list["products"][0]["out"] == 33);
    CHECK(list["products"][0]["in"] == 19);
    CHECK(list["products"][0]["count"] == 2);
    CHECK(list["products"][0]["samples_ms"].size() == 2);
    CHECK(list["products"][1]["gmac"] == Approx(12 * 64 * 128 * 1e-9));
    CHECK(list["gmac"] == Approx((2 * 7 * 33 * 19 + 12 * 64 * 128) * 1e-9));
    CHECK(list["median_ms"] ==
          Approx(2 * list["products"][0]["median_ms"].get<double>() + list["products"][1]["median_ms"].get<double>()));
    CHECK(list["share_of_peak"] > 0);
  }
  const Outcome csv = run_program({"bench", "--shapes", path, "--runs", "1", "--format", "csv"});
  REQUIRE(lines(csv.out).size() == 3);
  CHECK(lines(csv.out)[0] ==
        "shapes,isa,weights,rows,out,in,count,median_ms,gmac_per_s,peak_gmac_per_s,share_of_peak,disturbed,"
        "lost_share");
  CHECK_THAT(run_program({"bench", "--shapes", path, "--runs", "1"}).out,
             Contains("| rows | out | in | count |") && Contains("| all |"));
}

TEST_CASE("bench --shapes times the products of every format of weights") {
  const std::string path = list_file("7 65 19 1\n");
  const Outcome outcome = run_program({"bench", "--shapes", path, "--runs", "1", "--weight-format", "int8,stlq",
                                       "--two-word-ratio", "5,12.5%,100", "--format", "json"});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const json object = json::parse(outcome.out)["results"];
  REQUIRE(object.size() == 4);
  CHECK(object[0]["weights"] == "int8");
  CHECK(object[1]["weights"] == "stlq 5 %");
  CHECK(object[2]["weights"] == "stlq 12.5 %");
  CHECK(object[3]["weights"] == "stlq 100 %");
}

TEST_CASE("bench --shapes says which line it cannot read") {
  struct Case {
    std::string text;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"", "holds no shapes"},
      {"# nothing\n\n", "holds no shapes"},
      {"1 2 3 4\n\n1 2 3\n", "line 3: expected \"rows out in count\", found 3 words"},
      {"1 2 3 4 5\n", "line 1: expected \"rows out in count\", found 5 words"},
      {"# rows\n1 2 x 4\n", "line 2: \"x\" is not an integer from 1 to 65536"},
      {"0 2 3 4\n", "line 1: \"0\" is not"},
      {"1 -2 3 4\n", "line 1: \"-2\" is not"},
      {"1 2 3.5 4\n", "line 1: \"3.5\" is not"},
      {"1 2 65537 4\n", "line 1: \"65537\" is not"},
      {"1 2 99999999999999999999 4\n", "line 1: \"99999999999999999999\" is not"},
  };
  for (const Case &wrong : cases) {
    CAPTURE(wrong.text);
    const std::string path = list_file(wrong.text);
    const Outcome outcome = run_program({"bench", "--shapes", path});
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, StartsWith("intvit: " + path + ": " + wrong.message));
  }
  const Outcome missing = run_program({"bench", "--shapes", "/nonexistent.txt"});
  CHECK(missing.exit_code == 1);
  CHECK_THAT(missing.err, StartsWith("intvit: /nonexistent.txt: "));
}

TEST_CASE("the shape lists hold all linear maps of their architectures") {
  for (const char *size : {"tiny", "small", "base"}) {
    CAPTURE(size);
    const auto config = std::get<intvit::VitConfig>(intvit::architecture("vit_" + std::string(size) + "_patch16_224"));
    std::multiset<std::vector<int>> expected{
        {config.patches(), config.channels, config.patch_inputs(), 1},
        {config.tokens(), 3 * config.channels, config.channels, config.depth},
        {config.tokens(), config.channels, config.channels, config.depth},
        {config.tokens(), config.mlp_hidden, config.channels, config.depth},
        {config.tokens(), config.channels, config.mlp_hidden, config.depth},
        {1, config.classes, config.channels, 1},
    };
    const std::string path = source_file("../bench/shapes/vit_" + std::string(size) + ".txt");
    const Outcome outcome =
        run_program({"bench", "--shapes", path, "--runs", "1", "--warmup", "0", "--format", "json"});
    REQUIRE(outcome.exit_code == 0);
    std::multiset<std::vector<int>> found;
    const json object = json::parse(outcome.out);
    for (const json &product : object["results"][0]["products"])
      found.insert(std::vector<int>{product["rows"].get<int>(), product["out"].get<int>(), product["in"].get<int>(),
                                    product["count"].get<int>()});
    CHECK(found == expected);
  }
}
