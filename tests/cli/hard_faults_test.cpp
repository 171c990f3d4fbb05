// Disks that are full or broken, processes that are killed, streams that are closed: nothing that was there is lost,
// and the exit code tells.
#include <algorithm>
#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/cli/program.hpp"
#include "tests/cli/quantizer_input.hpp"
#include "tests/support/data.hpp"
#include "tests/support/sanitizers.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;

namespace {

namespace fs = std::filesystem;

std::string quantize_to(const std::string &output) {
  return "\"$INTVIT\" quantize --weights " + quoted(weights_folder()) + " --calib " + quoted(photographs()) + " -o " +
         quoted(output);
}

std::vector<std::string> names_in(const std::string &folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// A folder with the model file m in it, made with other settings than those of quantize_to().
struct OldModel {
  std::string folder;
  std::string path;
  std::string content;

  explicit OldModel(const std::string &name) : folder(temporary_file(name)), path(folder + "/m") {
    fs::remove_all(folder);
    fs::create_directories(folder);
    REQUIRE(run_shell(quantize_to(path) + " --residual int8").exit_code == 0);
    content = read_text(path);
  }
  bool is_whole() const { return read_text(path) == content && run_program({"verify", "-m", path}).exit_code == 0; }
};

// The command with a fault of faults.c. AddressSanitizer wants to be loaded first, but need not be.
std::string with_fault(const std::string &fault, const std::string &command) {
  return "export ASAN_OPTIONS=\"$ASAN_OPTIONS:verify_asan_link_order=0\" INTVIT_TEST_FAULT=" + fault +
         " LD_PRELOAD=" + quoted(INTVIT_FAULTS) + "; exec " + command;
}

constexpr int killed = 128 + SIGKILL;

} // namespace

TEST_CASE("a model file that is being replaced stays whole where the program is killed") {
  for (const char *fault : {"write-killed", "fsync-killed", "rename-killed"}) {
    INFO(fault);
    const OldModel old("killed");
    CHECK(run_shell(with_fault(fault, quantize_to(old.path))).exit_code == killed);
    CHECK(old.is_whole());
    CHECK(names_in(old.folder).size() == 2); // with what was written so far
    // What is left behind is in nobody's way.
    CHECK(run_shell(quantize_to(old.path)).exit_code == 0);
    CHECK_FALSE(old.is_whole());
    CHECK(run_program({"verify", "-m", old.path}).exit_code == 0);
  }
  const OldModel old("killed");
  CHECK(run_shell(with_fault("renamed-killed", quantize_to(old.path))).exit_code == killed);
  CHECK(read_text(old.path) != old.content);
  CHECK(run_program({"verify", "-m", old.path}).exit_code == 0);
  CHECK(names_in(old.folder) == std::vector<std::string>{"m"});
}

TEST_CASE("a model file that is being replaced stays where the disk fails, which is told") {
  const OldModel old("fails");
  for (const auto &[fault, reason] :
       std::vector<std::pair<std::string, std::string>>{{"write-full", "No space left on device"},
                                                        {"fsync-fails", "Input/output error"},
                                                        {"close-fails", "Disk quota exceeded"},
                                                        {"rename-fails", "Permission denied"}}) {
    INFO(fault);
    const Outcome outcome = run_shell(with_fault(fault, quantize_to(old.path)));
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.empty());
    CHECK(outcome.err == "intvit: " + old.path + ": cannot write: " + reason + "\n");
    CHECK(old.is_whole());
    CHECK(names_in(old.folder) == std::vector<std::string>{"m"});
  }
}

TEST_CASE("pictures and reports that are being replaced stay as well") {
  const std::string folder = temporary_file("pictures-fail");
  fs::create_directories(folder);
  const std::string output = folder + "/old";
  for (const std::string &command :
       {"attention " + quoted(sample_photograph()) + " -o ", std::string("bench --runs 1 --warmup 0 --report ")})
    for (const auto &[fault, expected] :
         std::vector<std::pair<std::string, int>>{{"write-full", 1}, {"rename-fails", 1}, {"write-killed", killed}}) {
      INFO(command << fault);
      write_text(output + ".html", "old");
      write_text(output + ".png", "old");
      const std::string path = output + (command.starts_with("bench") ? ".html" : ".png");
      CHECK(run_shell(with_fault(fault, "\"$INTVIT\" " + command + quoted(path))).exit_code == expected);
      CHECK(read_text(path) == "old");
    }
}

TEST_CASE("a file larger than files may get is an error") {
  if (INTVIT_THREAD_SANITIZER)
    return skip("the limit is ThreadSanitizer's own files' too");
  const OldModel old("limited");
  // In blocks of 512 bytes. The messages need none: they go to a pipe.
  const Outcome outcome = run_shell("(ulimit -f 8; " + quantize_to(old.path) + ") 2>&1 | cat");
  CHECK(outcome.out == "intvit: " + old.path + ": cannot write: File too large\n");
  CHECK(old.is_whole());
  CHECK(names_in(old.folder) == std::vector<std::string>{"m"});
}

TEST_CASE("every command says that standard output cannot be written, and why") {
  const std::string model = temporary_file("full.safetensors");
  const std::string picture = quoted(sample_photograph());
  const std::vector<std::string> commands = {"compare -h",
                                             "inspect --data " + quoted(photographs() + "/cat"),
                                             "-h",
                                             "--version",
                                             "classify -h",
                                             "classify " + picture,
                                             "classify -b 3 --format csv " + picture,
                                             "info",
                                             "verify",
                                             "bench --runs 1 --warmup 0",
                                             "quantize --weights " + quoted(weights_folder()) + " --calib " +
                                                 quoted(photographs()) + " -o " + quoted(model),
                                             "eval -m " + quoted(model) + " --data " + quoted(photographs())};
  for (const std::string &command : commands) {
    INFO(command);
    const Outcome full = run_shell("\"$INTVIT\" " + command + " >/dev/full");
    CHECK(full.exit_code == 1);
    CHECK(full.err == "intvit: standard output: cannot be written: No space left on device\n");
    const Outcome closed = run_shell("\"$INTVIT\" " + command + " >&-");
    CHECK(closed.exit_code == 1);
    CHECK(closed.err == "intvit: standard output: cannot be written: Bad file descriptor\n");
  }
  // What was asked for besides is done.
  CHECK(run_program({"verify", "-m", model}).exit_code == 0);
}

TEST_CASE("classify stops where nobody reads its results any more") {
  std::string pictures;
  for (int i = 0; i < 200; ++i)
    pictures += " " + quoted(sample_photograph());
  // Ended by SIGPIPE, as every program is, or by the error where that signal is ignored.
  for (const auto &[before, expected, message] : std::vector<std::tuple<std::string, int, std::string>>{
           {"", 128 + SIGPIPE, ""},
           {"trap '' PIPE; ", 1, "intvit: standard output: cannot be written: Broken pipe\n"}}) {
    INFO(before);
    const Outcome outcome =
        run_shell("{ (" + before + "exec \"$INTVIT\" classify --format json -k 1" + pictures +
                  " -); echo $? >&3; } 3>&2 2>" + quoted(temporary_file("pipe-messages")) + " </dev/null | head -n 1");
    CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') == 1);
    CHECK_THAT(outcome.out, Contains("\"label\":\"cat\""));
    CHECK(outcome.err == std::to_string(expected) + "\n");
    CHECK(read_text(temporary_file("pipe-messages")) == message);
  }
}

TEST_CASE("a closed standard input is an error where an image is read from it, and nothing else") {
  const Outcome outcome = run_shell("\"$INTVIT\" classify -k 1 - " + quoted(sample_photograph()) + " <&-");
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.err == "intvit: standard input: cannot read: Bad file descriptor\n");
  CHECK_THAT(outcome.out, Contains("cat"));
  CHECK(run_shell("\"$INTVIT\" classify " + quoted(sample_photograph()) + " <&-").exit_code == 0);
}

TEST_CASE("standard input is not read without end") {
  const Outcome outcome = run_shell("\"$INTVIT\" classify - </dev/zero");
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.err == "intvit: standard input: cannot read: at most 268435456 bytes are read\n");
}

TEST_CASE("with closed streams, messages and results do not land in files that are written meanwhile") {
  const std::string output = temporary_file("streams.safetensors");
  const std::string folder = temporary_file("streams-images");
  fs::create_directories(folder);
  fs::copy_file(sample_photograph(), folder + "/a.png", fs::copy_options::overwrite_existing);
  write_text(folder + "/b.png", "not a picture\n");
  const Outcome outcome = run_shell("\"$INTVIT\" quantize --weights " + quoted(weights_folder()) + " --calib " +
                                    quoted(folder) + " -o " + quoted(output) + " <&- >&- 2>&-");
  CHECK(outcome.exit_code == 1); // the summary could not be written
  CHECK(run_program({"verify", "-m", output}).exit_code == 0);
}
