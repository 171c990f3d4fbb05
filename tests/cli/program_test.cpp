// The program itself, info and verify.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "kernels/dispatch.hpp"
#include "models/architectures/registry.hpp"
#include "models/random/random_model.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/small_models.hpp"
#include "tests/support/data.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

// As the program's help lists them: an indented line each.
std::vector<std::string> subcommands() {
  std::vector<std::string> names;
  for (const std::string &line : lines(run_program({"-h"}).out))
    if (line.starts_with("  "))
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
  return names;
}

} // namespace

TEST_CASE("help goes to standard output, mistakes to standard error") {
  for (const char *word : {"-h", "--help", "help"}) {
    const Outcome outcome = run_program({word});
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.err.empty());
    for (const char *subcommand : {"classify", "attention", "quantize", "eval", "compare", "inspect", "info", "verify"})
      CHECK_THAT(outcome.out, Contains(subcommand));
  }
  CHECK(run_program({"--version"}).out == "intvit " INTVIT_VERSION "\n");
  const Outcome nothing = run_program({});
  CHECK(nothing.exit_code == 2);
  CHECK(nothing.out.empty());
  CHECK_THAT(nothing.err, Contains("usage"));
  const Outcome unknown = run_program({"paint"});
  CHECK(unknown.exit_code == 2);
  CHECK_THAT(unknown.err, Contains("no subcommand \"paint\""));
}

TEST_CASE("every subcommand has help and rejects what it does not know") {
  const std::vector<std::string> names = subcommands();
  REQUIRE(names.size() >= 9);
  for (const std::string &subcommand : names) {
    CAPTURE(subcommand);
    const Outcome help = run_program({subcommand, "-h"});
    CHECK(help.exit_code == 0);
    CHECK_THAT(help.out, Contains("intvit " + subcommand + " "));
    CHECK_THAT(help.out, Contains("--help"));
    for (const std::string &line : lines(help.out)) {
      CAPTURE(line);
      CHECK(line.substr(0, line.find_last_not_of(' ') + 1).size() <= 80);
      CHECK_FALSE(line.ends_with("::"));
    }
    const Outcome wrong = run_program({subcommand, "--no-such-option"});
    CHECK(wrong.exit_code == 2);
    CHECK_THAT(wrong.err, Contains("no-such-option"));
  }
  for (const char *subcommand : {"quantize", "eval", "inspect", "info", "verify"}) {
    const Outcome outcome = run_program({subcommand, "stray"});
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.err, Contains("unexpected argument \"stray\""));
  }
}

TEST_CASE("info tells what a model holds") {
  const Outcome text = run_program({"info", "-m", shipped_model()});
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.out, StartsWith(shipped_model() + "\n"));
  CHECK_THAT(text.out, Contains("32 x 32 RGB"));
  const auto object = nlohmann::json::parse(run_program({"info", "-m", shipped_model(), "--format", "json"}).out);
  CHECK(object["classes"] == 10);
  CHECK(object["labels"][3] == "cat");
  CHECK(object["bytes"] == read_text(shipped_model()).size());
  CHECK(object["image"]["width"] == 32);
  CHECK(object["bits_per_weight"] == 8);
  CHECK(object["packed_bytes"] > object["weights"]);
  std::size_t weights = 0;
  for (const auto &layer : object["layers"])
    weights += layer["out"].get<std::size_t>() * layer["in"].get<std::size_t>();
  CHECK(object["weights"] == weights);
  CHECK(object["weight_bytes"] == weights);
}

TEST_CASE("info tells what the residual stream's codes are") {
  using intvit::ResidualFormat;
  for (const auto &[residual, name] :
       {std::pair{ResidualFormat::int16, "int16"}, std::pair{ResidualFormat::ptf8, "ptf8"},
        std::pair{ResidualFormat::ptf8_paper, "ptf8-paper"}, std::pair{ResidualFormat::int8, "int8"}}) {
    const std::string model = random_vit_file(std::string("info_") + name + ".safetensors", {.residual = residual});
    CHECK(nlohmann::json::parse(run_program({"info", "-m", model, "--format", "json"}).out)["residual"] == name);
  }
}

TEST_CASE("info tells how each layer's weights are stored") {
  auto config = std::get<intvit::VitConfig>(intvit::architecture("deit_tiny_patch16_224"));
  config.depth = 1;
  intvit::RandomModelOptions options;
  options.weight_levels = intvit::WeightLevels::stlq;
  options.two_word_ratio = 0.25;
  const std::vector<std::byte> bytes = intvit::random_model(config, options, 1);
  const std::string path = temporary_file("info_stlq.safetensors");
  write_text(path, std::string(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
  const auto object = nlohmann::json::parse(run_program({"info", "-m", path, "--format", "json"}).out);
  std::size_t total = 0;
  for (const auto &layer : object["layers"]) {
    const auto out = layer["out"].get<std::size_t>();
    const auto in = layer["in"].get<std::size_t>();
    const bool stlq = layer["name"].get<std::string>().starts_with("blocks.");
    const std::size_t groups = out * (in / 4); // all sides are whole groups here
    const std::size_t expected = stlq ? out * in / 2 + groups / 8 + groups / 4 : out * in;
    CAPTURE(layer);
    CHECK(layer["format"] == (stlq ? "stlq" : "int8"));
    CHECK(layer["bytes"] == expected);
    CHECK(layer["bits"] == Approx(8.0 * static_cast<double>(expected) / static_cast<double>(out * in)));
    if (stlq)
      CHECK(layer["two_word_ratio"] == 0.25);
    total += expected;
  }
  CHECK(object["layers"].size() == 6);
  CHECK(object["weight_bytes"] == total);
  CHECK_THAT(run_program({"info", "-m", path}).out,
             Contains("blocks.0.attn.qkv") && Contains("4.750") && Contains("25.0 %"));
}

TEST_CASE("verify accepts the shipped model with every instruction set and number of threads") {
  for (const char *threads : {"1", "2", "3"}) {
    const Outcome outcome = run_program({"verify", "-m", shipped_model(), "-t", threads});
    CHECK(outcome.exit_code == 0);
    for (const intvit::kernels::KernelTable &kernels : intvit::kernels::available_kernels())
      CHECK_THAT(outcome.out,
                 Contains("  " + std::string(kernels.name) + " ") && Contains("golden logits, bit for bit"));
  }
  const Outcome one = run_program({"verify", "-m", shipped_model(), "--isa", "reference"});
  CHECK(one.exit_code == 0);
  CHECK_THAT(one.out, Contains("  reference ") && !Contains("  scalar "));
}

TEST_CASE("verify refuses options that make no sense before it says anything about the model") {
  for (const std::vector<std::string> &wrong : {std::vector<std::string>{"--isa", "abacus"}, {"--threads", "-1"}}) {
    INFO(wrong[0]);
    std::vector<std::string> arguments = {"verify", "-m", shipped_model()};
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    const Outcome outcome = run_program(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, Contains(wrong[0]));
  }
}

TEST_CASE("INTVIT_ISA picks the instruction set, or is refused") {
  set_environment("INTVIT_ISA", "abacus");
  const Outcome refused = run_program({"classify", sample_photograph()});
  set_environment("INTVIT_ISA", "reference");
  const Outcome taken = run_program({"classify", sample_photograph()});
  set_environment("INTVIT_ISA", "");
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Contains("INTVIT_ISA: \"abacus\" is not available here"));
  CHECK(taken.exit_code == 0);
  CHECK(taken.out == run_program({"classify", sample_photograph()}).out);
}

TEST_CASE("a damaged model is refused by every subcommand that reads one") {
  const std::string whole = read_text(shipped_model());
  const std::string damaged = temporary_file("damaged.safetensors");
  struct Case {
    std::string bytes;
    std::string message;
  };
  std::string flipped = whole;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
  const std::vector<Case> cases = {{"", ""},
                                   {whole.substr(0, whole.size() - 1), ""},
                                   {whole.substr(0, 1000), ""},
                                   {flipped, "checksum does not match"}};
  for (const Case &wrong : cases) {
    write_text(damaged, wrong.bytes);
    for (const std::vector<std::string> &arguments : {std::vector<std::string>{"verify", "-m", damaged},
                                                      {"info", "-m", damaged},
                                                      {"classify", "-m", damaged, sample_photograph()},
                                                      {"eval", "-m", damaged, "--data", "."}}) {
      CAPTURE(arguments, wrong.bytes.size());
      const Outcome outcome = run_program(arguments);
      CHECK(outcome.exit_code == 1);
      CHECK(outcome.out.empty());
      CHECK_THAT(outcome.err, StartsWith("intvit: " + damaged + ": "));
      CHECK_THAT(outcome.err, Contains(wrong.message));
    }
  }
}
