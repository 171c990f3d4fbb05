// Folders that are empty, full, closed to the user or linked in circles, and entries in them that are no files.
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/cli/program.hpp"
#include "tests/cli/quantizer_input.hpp"
#include "tests/support/data.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;

namespace {

namespace fs = std::filesystem;

std::string new_folder(const std::string &name) {
  const std::string folder = temporary_file(name);
  fs::create_directories(folder);
  return folder;
}

void put_photograph(const std::string &path) {
  fs::copy_file(sample_photograph(), path);
}

// The program as users run it: root, too, may not read what nobody may.
Outcome run_unprivileged(const std::vector<std::string> &arguments) {
  std::string command;
  if (::geteuid() == 0)
    command = "setpriv --bounding-set -dac_override,-dac_read_search --inh-caps -dac_override,-dac_read_search -- ";
  command += "\"$INTVIT\"";
  for (const std::string &argument : arguments)
    command += " " + quoted(argument);
  return run_shell(command);
}

} // namespace

TEST_CASE("empty folders are errors for every command that reads images") {
  const std::string folder = new_folder("empty");
  const std::string output = temporary_file("empty-output");
  for (const std::vector<std::string> &arguments :
       {std::vector<std::string>{"classify", folder},
        {"quantize", "--weights", weights_folder(), "--calib", folder, "-o", output},
        {"eval", "--data", folder}}) {
    const Outcome outcome = run_program(arguments);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, Catch::Matchers::StartsWith("intvit: " + folder + ": no "));
  }
  CHECK_FALSE(fs::exists(output));
}

TEST_CASE("folders and images that the user may not read are told, and the rest is classified") {
  const std::string folder = new_folder("mixed-permissions");
  put_photograph(folder + "/a.png");
  put_photograph(folder + "/b.png");
  fs::create_directories(folder + "/closed");
  put_photograph(folder + "/closed/c.png");
  fs::permissions(folder + "/b.png", fs::perms::none);
  fs::permissions(folder + "/closed", fs::perms::none);

  const Outcome outcome = run_unprivileged({"classify", "--format", "csv", "-k", "1", folder});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.err == "intvit: " + folder + "/closed: cannot read the folder: Permission denied\nintvit: " + folder +
                           "/b.png: cannot open: Permission denied\n");
  CHECK(lines(outcome.out).size() == 2);
  CHECK_THAT(outcome.out, Contains(folder + "/a.png,1,3,cat"));

  // Calibration on less than was asked for would be another model.
  const std::string output = temporary_file("unreadable-output");
  const Outcome quantize =
      run_unprivileged({"quantize", "--weights", weights_folder(), "--calib", folder, "-o", output});
  CHECK(quantize.exit_code == 1);
  CHECK(quantize.err == "intvit: " + folder + "/closed: cannot read the folder: Permission denied\n");
  CHECK_FALSE(fs::exists(output));

  const Outcome whole = run_unprivileged({"classify", folder + "/closed", folder + "/a.png"});
  CHECK(whole.exit_code == 1);
  CHECK(whole.err == "intvit: " + folder + "/closed: cannot read the folder: Permission denied\n");
  CHECK_THAT(whole.out, Contains("cat"));
  const Outcome eval = run_unprivileged({"eval", "--data", folder + "/closed"});
  CHECK(eval.exit_code == 1);
  CHECK_THAT(eval.err, Contains(folder + "/closed: cannot read the folder: Permission denied"));
  fs::permissions(folder + "/closed", fs::perms::owner_all);
}

TEST_CASE("a folder that may not be written to takes no model") {
  const std::string folder = new_folder("read-only");
  fs::permissions(folder, fs::perms::owner_read | fs::perms::owner_exec);
  const std::string output = folder + "/m";
  const Outcome outcome =
      run_unprivileged({"quantize", "--weights", weights_folder(), "--calib", photographs(), "-o", output});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.err == "intvit: " + output + ": cannot create a file in its folder: Permission denied\n");
  fs::permissions(folder, fs::perms::owner_all);
}

TEST_CASE("links in circles, links to nothing, pipes and folders with names of pictures") {
  const std::string folder = new_folder("links");
  put_photograph(folder + "/a.png");
  fs::create_directories(folder + "/sub.png");
  put_photograph(folder + "/sub.png/b.png");
  fs::create_directory_symlink("..", folder + "/sub.png/up");
  fs::create_directory_symlink(folder, folder + "/sub.png/up.png");
  fs::create_symlink("circle.png", folder + "/circle.png");
  fs::create_symlink("nothing", folder + "/dangling.png");
  fs::create_symlink("a.png", folder + "/good_link.png");
  REQUIRE(::mkfifo((folder + "/pipe.png").c_str(), 0600) == 0);

  const Outcome outcome = run_program({"classify", "--format", "csv", "-k", "1", folder});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.err == "intvit: " + folder + "/circle.png: cannot open: Too many levels of symbolic links\nintvit: " +
                           folder + "/dangling.png: cannot open: No such file or directory\nintvit: " + folder +
                           "/pipe.png: cannot read: not a regular file\n");
  CHECK(lines(outcome.out).size() == 4);
  for (const char *name : {"/a.png,", "/good_link.png,", "/sub.png/b.png,"})
    CHECK_THAT(outcome.out, Contains(folder + name));
}

TEST_CASE("a circle of folders is an error like any other name that leads nowhere") {
  const std::string circle = temporary_file("circle");
  fs::create_directory_symlink("circle", circle);
  const Outcome outcome = run_program({"classify", circle});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.err == "intvit: " + circle + ": cannot open: Too many levels of symbolic links\n");
}

TEST_CASE("thousands of images in a folder, each once and in order") {
  const std::string folder = new_folder("thousands");
  constexpr std::size_t count = 5000;
  write_text(folder + "/0000.ppm", "P6 1 1 255\nabc");
  for (std::size_t i = 1; i < count; ++i) {
    std::string name = std::to_string(i);
    name.insert(0, 4 - name.size(), '0');
    fs::create_hard_link(folder + "/0000.ppm", folder + "/" + name + ".ppm");
  }
  const Outcome outcome = run_program({"classify", "--format", "csv", "-k", "1", "-b", "64", folder});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  REQUIRE(lines(outcome.out).size() == count + 1);
  std::size_t position = 0;
  for (std::size_t i = 0; i < count; i += 499) {
    std::string name = std::to_string(i);
    name.insert(0, 4 - name.size(), '0');
    const std::size_t found = outcome.out.find(folder + "/" + name + ".ppm,1,");
    REQUIRE(found != std::string::npos);
    CHECK(found > position);
    position = found;
  }
}

TEST_CASE("names that are no text") {
  const std::string folder = new_folder("names");
  for (const char *name : {"/new\nline.png", "/quote\".png", "/\xFF\xFE.png", "/-t.png", "/ .png"})
    put_photograph(folder + name);
  for (const char *format : {"json", "csv", "text"}) {
    const Outcome outcome = run_program({"classify", "--format", format, "-k", "1", folder});
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.err.empty());
  }
}
