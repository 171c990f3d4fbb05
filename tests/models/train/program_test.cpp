#include <catch2/catch.hpp>
#include <cstdlib>
#include <sys/wait.h>

#include "tests/models/train/small_data.hpp"
#include "tests/support/data.hpp"

using namespace intvit::test;

namespace {

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

Outcome run(const std::string &arguments) {
  const std::string out = temporary_file("stdout");
  const std::string err = temporary_file("stderr");
  const int status = std::system((INTVIT_TRAIN_PROGRAM " " + arguments + " >" + out + " 2>" + err).c_str());
  const Bytes out_bytes = read_file(out);
  const Bytes err_bytes = read_file(err);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          {out_bytes.begin(), out_bytes.end()},
          {err_bytes.begin(), err_bytes.end()}};
}

} // namespace

TEST_CASE("the program's exit code: 0 done, 1 failed, 2 wrong usage") {
  const Outcome help = run("--help");
  CHECK(help.code == 0);
  CHECK_THAT(help.out, Catch::Contains("--weight-decay"));
  CHECK(help.err.empty());

  const Outcome usage = run("--data x -o y --depth 0");
  CHECK(usage.code == 2);
  CHECK(usage.err == "intvit-train: --depth must be 1 to 128\n");

  const std::string missing = temporary_file("missing.tar.gz");
  const Outcome failed = run("--data " + missing + " -o " + temporary_file("unused"));
  CHECK(failed.code == 1);
  CHECK_THAT(failed.err, Catch::StartsWith("intvit-train: " + missing + ": no such file or folder"));
}

TEST_CASE("the program trains, in plain lines where its output is no terminal") {
  const auto options = small_options("program");
  const Outcome outcome = run("--data " + options.data + " -o " + options.out +
                              " --image-size 8 --width 16 --depth 1 --heads 2 --epochs 2 --warmup 0 --batch 8 -t 1");
  CHECK(outcome.code == 0);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, Catch::StartsWith("32 training and 8 test pictures, 2 classes; "));
  CHECK_THAT(outcome.err, Catch::Contains("\nepoch 2/2: loss "));
  CHECK_THAT(outcome.err, Catch::Contains("\nin float32: test loss "));
  CHECK(outcome.err.find('\r') == std::string::npos);
  for (const char *name : {"/model.safetensors", "/config.json", "/log.csv", "/checkpoint.safetensors"})
    CHECK_FALSE(read_file(options.out + name).empty());
}
