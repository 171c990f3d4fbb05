// Folders that are empty, full, closed to the user or linked in circles, and entries in them that are no files.
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/cli/program.hpp"
#include "tests/cli/quantizer_input.hpp"
#include "tests/cli/small_models.hpp"
#include "tests/support/data.hpp"
#include "tests/support/sanitizers.hpp"

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
  const std::vector<std::string> messages = lines(outcome.err);
  REQUIRE(messages.size() == 4);
  CHECK_THAT(messages[0], Catch::Matchers::StartsWith("intvit: " + folder + ": 2 left out: ") &&
                              Contains(folder + "/sub.png/up (a link to a folder)") &&
                              Contains(folder + "/sub.png/up.png (a link to a folder)"));
  CHECK(outcome.err.substr(messages[0].size() + 1) ==
        "intvit: " + folder + "/circle.png: cannot open: Too many levels of symbolic links\nintvit: " + folder +
            "/dangling.png: cannot open: No such file or directory\nintvit: " + folder +
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
  const std::size_t count = 5000 / static_cast<std::size_t>(one_in);
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

namespace {

// A picture of one pixel, whatever its name.
// Two pixels, which are others in every file of another name.
void put_pixels(const std::string &path) {
  fs::create_directories(fs::path(path).parent_path());
  write_text(path, "P6 2 1 255\nabcxy" + fs::path(path).filename().string().substr(0, 1));
}

Outcome evaluate(const std::string &folder, const std::string &model = shipped_model()) {
  return run_program({"eval", "-m", model, "--data", folder, "--format", "json"});
}

// The class of each picture, by compare's CSV.
std::vector<std::string> classes_of(const std::string &folder) {
  const Outcome outcome =
      run_program({"compare", shipped_model(), shipped_model(), "--data", folder, "--format", "csv"});
  std::vector<std::string> classes;
  for (const std::string &line : lines(outcome.out))
    if (!line.starts_with("image,"))
      classes.push_back(line.substr(line.find(',') + 1, 1));
  return classes;
}

const std::vector<std::string> class_names{"airplane", "automobile", "bird",  "cat",  "deer",
                                           "dog",      "frog",       "horse", "ship", "truck"};

} // namespace

TEST_CASE("pictures are recognized by what they hold, and what is left out is told") {
  const std::string folder = new_folder("contents");
  const std::vector<std::string> pictures{"a.ppm", "b.jfif", "c.JPE", "d.tiff", "e", "f.txt", "sub/g.dat"};
  for (const std::string &name : pictures)
    put_pixels(folder + "/" + name);
  write_text(folder + "/notes.md", "no picture");
  write_text(folder + "/empty", "");
  write_text(folder + "/photo.avif", std::string("\0\0\0\x1c", 4) + "ftypavif" + std::string(16, '\0'));
  write_text(folder + "/sub/scan.tif", std::string("II*\0\x08\0\0\0", 8));
  REQUIRE(::mkfifo((folder + "/pipe").c_str(), 0600) == 0);

  const Outcome outcome = run_program({"classify", "--format", "json", folder});
  CHECK(outcome.exit_code == 0);
  CHECK(json_lines(outcome.out).size() == pictures.size());
  REQUIRE(lines(outcome.err).size() == 1);
  CHECK_THAT(outcome.err, Catch::Matchers::StartsWith("intvit: " + folder + ": 5 left out: "));
  const std::string output = temporary_file("contents-model");
  const Outcome quantize = run_program({"quantize", "--weights", weights_folder(), "--calib", folder, "-o", output});
  CHECK(quantize.exit_code == 0);
  CHECK_THAT(quantize.out, Contains("calibrated on 7 images"));
  for (const std::vector<std::string> &command :
       {std::vector<std::string>{"quantize", "--weights", weights_folder(), "--calib", folder, "-o", output},
        {"compare", shipped_model(), shipped_model(), "--data", folder},
        {"inspect", "--data", folder}})
    CHECK_THAT(run_program(command).err, Contains(folder + ": 5 left out: "));

  // Alone, each is told with its reason.
  for (const auto &[name, reason] : std::vector<std::pair<std::string, std::string>>{
           {"notes.md", "no picture"}, {"empty", "no picture"}, {"photo.avif", "AVIF"}, {"sub/scan.tif", "TIFF"}}) {
    const std::string one = new_folder("contents-" + name.substr(0, 3));
    put_pixels(one + "/a");
    fs::copy_file(folder + "/" + name, one + "/x");
    const Outcome told = run_program({"classify", one});
    CHECK(told.exit_code == 0);
    CHECK_THAT(told.err, Contains(one + ": 1 left out: " + one + "/x (" + reason));
    fs::remove(one + "/a");
    const Outcome none = run_program({"classify", one});
    CHECK(none.exit_code == 1);
    CHECK_THAT(none.err, Contains(one + ": no image in this folder") && Contains(one + "/x (" + reason));
  }
}

TEST_CASE("a broken picture in a folder is an error, by its name or by its first bytes") {
  const std::string folder = new_folder("broken");
  put_pixels(folder + "/a");
  write_text(folder + "/b.jpg", "no picture");
  write_text(folder + "/c", "\x89PNG\r\n");
  const Outcome outcome = run_program({"classify", folder});
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.err, Contains(folder + "/b.jpg: not a picture") && Contains(folder + "/c: "));
}

TEST_CASE("hidden files and folders are skipped") {
  const std::string folder = new_folder(".hidden-itself");
  for (const std::string &name : class_names)
    put_pixels(folder + "/" + name + "/a.ppm");
  put_pixels(folder + "/.ipynb_checkpoints/a.ppm");
  put_pixels(folder + "/__MACOSX/cat/._a.ppm");
  put_pixels(folder + "/cat/.thumbnails/a.ppm");
  put_pixels(folder + "/cat/__MACOSX/a.ppm");
  write_text(folder + "/cat/._a.ppm", "AppleDouble");
  write_text(folder + "/cat/.DS_Store", "Bud1");
  write_text(folder + "/.gitignore", "*");
  for (const std::vector<std::string> &command :
       {std::vector<std::string>{"eval", "--data", folder, "--format", "json"},
        {"compare", shipped_model(), shipped_model(), "--data", folder, "--format", "json"},
        {"inspect", "--data", folder, "--format", "json"}}) {
    const Outcome outcome = run_program(command);
    CHECK(outcome.err.empty());
    CHECK(outcome.exit_code == 0);
    CHECK(nlohmann::json::parse(outcome.out)["images"] == 10);
  }
  CHECK(json_lines(run_program({"classify", "--format", "json", folder}).out).size() == 10);
  CHECK(run_program({"classify", folder + "/cat/.thumbnails/a.ppm"}).exit_code == 0); // what is named is read
}

TEST_CASE("class folders are taken by name for all or by position for all") {
  const auto folder_with = [](const std::string &name, const std::vector<std::string> &folders) {
    const std::string folder = new_folder(name);
    for (const std::string &one : folders)
      put_pixels(folder + "/" + one + "/a.ppm");
    return folder;
  };
  const std::vector<std::string> ten{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
  CHECK(classes_of(folder_with("by-name", class_names)) == ten);
  CHECK(classes_of(folder_with("by-name-some", {"truck", "cat"})) == std::vector<std::string>{"3", "9"});
  CHECK(classes_of(folder_with("by-position", {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"})) == ten);
  CHECK(classes_of(folder_with("by-number", ten)) == ten);
  CHECK(classes_of(folder_with("by-padded", {"001", "002", "003", "004", "005", "006", "007", "008", "009", "010"})) ==
        ten);

  const auto refused = [&](const std::string &name, const std::vector<std::string> &folders,
                           const std::string &message) {
    const std::string folder = folder_with(name, folders);
    const Outcome outcome = evaluate(folder);
    CAPTURE(name);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, Catch::Matchers::StartsWith("intvit: " + folder + "/" + message));
  };
  std::vector<std::string> one_is_other = class_names;
  one_is_other[1] = "car";
  refused("one-other", one_is_other, "car: \"car\" is not a label of the model, as other folders' names are");
  one_is_other[1] = "Automobile";
  refused("one-capital", one_is_other, "Automobile: \"Automobile\" is not a label of the model");
  one_is_other = class_names;
  one_is_other[0] = "0";
  refused("one-number", one_is_other, "0: \"0\" is not a label of the model");
  std::vector<std::string> eleven = class_names;
  eleven.emplace_back("unknown");
  refused("eleven", eleven, "unknown: \"unknown\" is not a label of the model");
  refused("nine", {"a", "b", "c"}, "a: \"a\" is not a label of the model, and there are 3 folders for 10 classes");
  refused("numbers", {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"},
          "2: the folders' names are numbers whose order is another as text");

  // Pictures beside the class folders have no class.
  const std::string loose = folder_with("loose", class_names);
  put_pixels(loose + "/b.ppm");
  const Outcome outcome = evaluate(loose);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err == "intvit: " + loose + ": 1 left out: " + loose + "/b.ppm (in no class folder)\n");
}
