#include <filesystem>
#include <numeric>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/program.hpp"
#include "tests/cli/small_models.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

std::size_t occurrences(const std::string &text, const std::string &word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
    ++count;
  return count;
}

// Every element closed, nothing from elsewhere.
void check_svg(const std::string &svg) {
  CHECK_THAT(svg, Catch::Matchers::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\"") &&
                      Catch::Matchers::EndsWith("</svg>\n"));
  CHECK(occurrences(svg, "<text") == occurrences(svg, "</text>"));
  CHECK(occurrences(svg, "http") == 1);
  CHECK(occurrences(svg, "nan") == 0);
  CHECK(occurrences(svg, "inf") == 0);
}

} // namespace

TEST_CASE("inspect tells ranges, factors and attention weights, in text and JSON") {
  const std::string folder = picture_folder(false);
  const Outcome outcome = run_program({"inspect", "--data", folder, "--format", "json"});
  REQUIRE(outcome.exit_code == 0);
  const json result = json::parse(outcome.out);
  CHECK(result["images"] == 3);
  REQUIRE(result["streams"].size() == 13);
  CHECK(result["streams"][0]["name"] == "patch_embed");
  for (const json &stream : result["streams"]) {
    REQUIRE(stream["low"].size() == 192);
    REQUIRE(stream["alpha"].size() == 192); // it ships with ptf8
    for (std::size_t c = 0; c < 192; ++c) {
      CHECK(stream["low"][c] <= stream["high"][c]);
      CHECK(stream["alpha"][c] <= 7);
      // Codes have 8 bits.
      CHECK(stream["high"][c].get<double>() - stream["low"][c].get<double>() <=
            255 * (1 << stream["alpha"][c].get<int>()));
    }
    CHECK(stream["spread"] >= 1);
  }
  REQUIRE(result["attention"].size() == 6);
  for (const json &block : result["attention"]) {
    const auto counts = block["log2_counts"].get<std::vector<std::uint64_t>>();
    const std::uint64_t queries = block["name"] == "blocks.5.attn" ? 1 : 65;
    CHECK(std::accumulate(counts.begin(), counts.end(), block["zeros"].get<std::uint64_t>()) == 3 * 3 * queries * 65);
    const auto sums = block["log2_sums"].get<std::vector<double>>();
    CHECK(std::accumulate(sums.begin(), sums.end(), 0.0) == Approx(3.0 * 3 * static_cast<double>(queries)));
  }
  CHECK(run_program({"inspect", "--data", folder, "--format", "json", "-t", "3"}).out == outcome.out);

  const Outcome text = run_program({"inspect", "--data", folder, "--count", "1"});
  CHECK_THAT(text.out, Contains("images  1\n") && Contains("channels with factor") && Contains("blocks.5.mlp.fc2") &&
                           Contains("attention weights of") && Contains("blocks.5.attn "));
  const std::string int16 = random_vit_file("inspect_int16.safetensors");
  CHECK_THAT(run_program({"inspect", "-m", int16, "--data", folder}).out, !Contains("factor"));
  // Swin has no class token, but these it has.
  const std::string swin = random_swin_file("inspect_swin.safetensors");
  CHECK(run_program({"inspect", "-m", swin, "--data", folder}).exit_code == 0);
}

TEST_CASE("inspect draws diagrams of what it tells") {
  const std::string pictures = picture_folder(false);
  const std::string folder = temporary_file("diagrams") + "/new"; // made where it is missing
  const Outcome outcome = run_program({"inspect", "--data", pictures, "-o", folder});
  REQUIRE(outcome.exit_code == 0);
  CHECK(outcome.out == run_program({"inspect", "--data", pictures}).out);
  const std::string ranges = read_text(folder + "/channel_ranges.svg");
  const std::string layers = read_text(folder + "/layers.svg");
  const std::string attention = read_text(folder + "/attention_weights.svg");
  for (const std::string &svg : {ranges, layers, attention})
    check_svg(svg);
  CHECK(occurrences(ranges, "<rect") >= 192 + 1); // a bar a channel, and the factors that occur
  CHECK(occurrences(layers, "class=\"cold\"") == 13);
  CHECK_THAT(layers, Contains("Channels by their factor"));
  CHECK(occurrences(attention, "<rect") == 2 * 18 + 2); // two bars a bin, and what they mean
  CHECK_THAT(attention, Contains("0 in uniform 4 bits") && Contains("0 in uniform 8 bits"));

  REQUIRE(run_program({"inspect", "--data", pictures, "-o", folder, "--layer", "blocks.3.attn.proj"}).exit_code == 0);
  CHECK_THAT(read_text(folder + "/channel_ranges.svg"), Contains("after blocks.3.attn.proj"));

  const std::string int16 = random_vit_file("diagrams_int16.safetensors");
  REQUIRE(run_program({"inspect", "-m", int16, "--data", pictures, "-o", folder}).exit_code == 0);
  for (const char *name : {"/channel_ranges.svg", "/layers.svg"}) {
    check_svg(read_text(folder + name));
    CHECK_THAT(read_text(folder + name), !Contains("factor"));
  }
}

TEST_CASE("inspect's bad input") {
  const std::string folder = picture_folder(false);
  const std::string bad = temporary_file("bad_pictures");
  std::filesystem::create_directories(bad);
  write_text(bad + "/a.png", "no picture");
  const std::string file = temporary_file("a_file");
  write_text(file, "");
  const std::vector<Refusal> cases = {
      {{}, 2, "--data is missing"},
      {{"--data", folder, "--format", "csv"}, 2, "--format"},
      {{"--data", folder, "--layer", "patch_embed"}, 2, "--layer goes with --output"},
      {{"--data", folder, "-o", temporary_file("unused"), "--layer", "head"}, 2, "written by \"head\""},
      {{"--data", folder, "--preprocess", "crop=8"}, 2, "--preprocess gives images of 8 x 8"},
      {{"--data", "/nonexistent"}, 1, "/nonexistent"},
      {{"--data", bad}, 1, bad + ": no image could be read"},
      {{"-m", "/nonexistent", "--data", folder}, 1, "/nonexistent"},
      {{"--data", folder, "-o", file}, 1, file},
      {{"--data", folder, "-o", file + "/below"}, 1, file},
  };
  check_refused({"inspect"}, cases);
}
