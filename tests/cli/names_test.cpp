// Names and options as the program takes them from its words: a name is one name whatever it holds.
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/cli/program.hpp"
#include "tests/cli/small_models.hpp"
#include "tests/support/data.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

// A folder with the picture under each of these names.
std::string folder_of(const std::string &folder_name, const std::vector<std::string> &names) {
  const std::string folder = temporary_file(folder_name);
  fs::create_directories(folder);
  for (const std::string &name : names)
    fs::copy_file(sample_photograph(), folder + "/" + name);
  return folder;
}

// The program run in a folder.
Outcome run_in(const std::string &folder, const std::vector<std::string> &arguments, const std::string &input = "") {
  std::string command = "cd " + quoted(folder) + "; \"$INTVIT\"";
  for (const std::string &argument : arguments)
    command += " " + quoted(argument);
  return run_shell(command, input);
}

} // namespace

TEST_CASE("a picture's name with commas is one name") {
  const std::string folder =
      folder_of("commas", {"a", "b.png", "a,b.png", "Paris, 2019.png", ",", "a,", ",b.png", "a,,b.png"});
  for (const std::string name : {"a,b.png", "Paris, 2019.png", ",", "a,", ",b.png", "a,,b.png"}) {
    CAPTURE(name);
    for (const std::vector<std::string> &arguments : {std::vector<std::string>{"classify", "--format", "json", name},
                                                      {"classify", "--format", "json", "--", name}}) {
      const Outcome outcome = run_in(folder, arguments);
      REQUIRE(outcome.exit_code == 0);
      const std::vector<json> lines = json_lines(outcome.out);
      REQUIRE(lines.size() == 1);
      CHECK(lines[0]["image"] == name);
    }
    const Outcome drawn = run_in(folder, {"attention", name, "-o", "x,y.png"});
    CHECK(drawn.err.empty());
    CHECK_THAT(drawn.out, StartsWith("x,y.png: "));
    CHECK(fs::exists(folder + "/x,y.png"));
  }
  const Outcome missing = run_in(folder, {"classify", "a,c.png"});
  CHECK(missing.exit_code == 1);
  CHECK_THAT(missing.err, StartsWith("intvit: a,c.png: "));
  CHECK(missing.out.empty());
  CHECK_THAT(run_in(folder, {"classify", ""}).err, StartsWith("intvit: : ")); // an empty name is one as well
}

TEST_CASE("a model's and a folder's name with commas is one name") {
  const std::string folder = temporary_file("comma,folder");
  fs::create_directories(folder + "/pictures, all");
  fs::copy_file(sample_photograph(), folder + "/pictures, all/a.png");
  fs::copy_file(shipped_model(), folder + "/m,1");
  for (const std::vector<std::string> &arguments : {std::vector<std::string>{"classify", "-m", "m,1", "pictures, all"},
                                                    {"classify", "--model=m,1", "pictures, all"},
                                                    {"info", "-m", "m,1"},
                                                    {"verify", "-mm,1", "--isa", "reference"},
                                                    {"compare", "m,1", "m,1", "--data", "pictures, all"},
                                                    {"inspect", "-m", "m,1", "--data", "pictures, all"},
                                                    {"bench", "-m", "m,1", "--runs", "1"}}) {
    CAPTURE(arguments);
    const Outcome outcome = run_in(folder, arguments);
    CHECK(without_disturbance(outcome.err).empty());
    CHECK(outcome.exit_code == 0);
  }
}

TEST_CASE("lists are still split at commas, names of lists' files are not") {
  const std::string folder = temporary_file("lists");
  fs::create_directories(folder);
  write_text(folder + "/a,b", "1 8 8 1\n");
  write_text(folder + "/c", "1 8 16 1\n");
  const Outcome threads = run_program(
      {"bench", "-m", shipped_model(), "-t", "1,2", "-b", "1,2", "--runs", "1", "--warmup", "0", "--format", "json"});
  CHECK(json::parse(threads.out)["results"].size() == 4);
  const Outcome shapes =
      run_in(folder, {"bench", "--shapes", "a,b", "--shapes", "c", "--runs", "1", "--warmup", "0", "--format", "json"});
  REQUIRE(shapes.exit_code == 0);
  const json results = json::parse(shapes.out)["results"];
  REQUIRE(results.size() == 2);
  CHECK(results[0]["shapes"] == "a,b");
  CHECK(results[1]["shapes"] == "c");
}

TEST_CASE("what stands behind -- is a name, whatever it looks like") {
  const std::string folder = folder_of("dashes", {"-", "-k", "--", "--help", "-m", "a.png"});
  const auto names = [&](const std::vector<std::string> &arguments, const std::string &input = "") {
    const Outcome outcome = run_in(folder, words({"classify", "--format", "json", "-k", "1"}, arguments), input);
    CAPTURE(arguments);
    CHECK(outcome.err.empty());
    std::vector<std::string> found;
    for (const json &line : json_lines(outcome.out))
      found.push_back(line["image"]);
    return found;
  };
  using Names = std::vector<std::string>;
  CHECK(names({"--", "-k", "--help", "--", "-m"}) == Names{"-k", "--help", "--", "-m"});
  CHECK(names({"--", "-"}) == Names{"./-"});
  CHECK(names({"-", "--", "-"}, read_text(sample_photograph())) == Names{"-", "./-"});
  CHECK(names({"a.png", "--", "a.png"}) == Names{"a.png", "a.png"});
  CHECK(names({"a.png", "--"}) == Names{"a.png"});
  // An option that wants a value takes the next word, "--" too.
  fs::copy_file(shipped_model(), folder + "/model");
  fs::rename(folder + "/--", folder + "/picture");
  fs::rename(folder + "/model", folder + "/--");
  CHECK(names({"-m", "--", "--", "-k"}) == Names{"-k"});
  CHECK(names({"--model", "--", "a.png", "--", "-"}) == Names{"a.png", "./-"});

  CHECK_THAT(run_in(folder, {"classify", "a.png", "-m"}).err, Contains("see intvit classify -h"));
  const Outcome stray = run_in(folder, {"info", "--", "-h"});
  CHECK(stray.exit_code == 2);
  CHECK_THAT(stray.err, Contains("unexpected argument \"-h\""));
}
