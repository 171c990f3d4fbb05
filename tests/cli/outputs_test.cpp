// Files that commands write: never one of those that the same command reads, and looked at before the work.
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/cli/program.hpp"
#include "tests/cli/quantizer_input.hpp"
#include "tests/cli/small_models.hpp"
#include "tests/models/import/clip_folder.hpp"
#include "tests/models/import/transformers_folder.hpp"
#include "tests/support/data.hpp"

using namespace intvit::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

namespace fs = std::filesystem;

// A new folder with what quantize reads: weights, photographs and class names.
std::string quantizer_folder(const std::string &name) {
  const std::string folder = temporary_file(name);
  fs::create_directories(folder);
  fs::copy(weights_folder(), folder + "/weights");
  fs::copy(photographs(), folder + "/photographs", fs::copy_options::recursive);
  write_text(folder + "/names.txt", "1\n2\n3\n4\n5\n");
  return folder;
}

// That the command refuses the output, which it would read as `input`, and leaves that as it is.
void check_spared(const std::vector<std::string> &command, const std::string &output, const std::string &input) {
  CAPTURE(command, output, input);
  const std::string before = read_text(input);
  const Outcome outcome = run_program(command);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, StartsWith("intvit: " + output + ": this command reads it"));
  CHECK((read_text(input) == before));
}

} // namespace

TEST_CASE("quantize replaces nothing that it reads") {
  const std::string folder = quantizer_folder("over_input");
  const auto command = [&](const std::string &output) {
    return std::vector<std::string>{"quantize",
                                    "--weights",
                                    folder + "/weights",
                                    "--calib",
                                    folder + "/photographs",
                                    "--calib-count",
                                    "1",
                                    "--labels",
                                    folder + "/names.txt",
                                    "-o",
                                    output};
  };
  for (const char *name : {"/weights/model.safetensors", "/weights/config.json", "/names.txt",
                           "/photographs/cat/one.png", "/photographs/dog/three.ppm"}) { // read or not chosen
    const std::string input = folder + name;
    check_spared(command(input), input, input);
    check_spared(command(folder + "/weights/.." + name), folder + "/weights/.." + name, input);
    const std::string link = folder + "/link";
    fs::create_symlink(input, link);
    check_spared(command(link), link, input);
    fs::remove(link);
    fs::create_hard_link(input, link);
    check_spared(command(link), link, input);
    fs::remove(link);
  }
  // One file of weights, and what is in a folder without being read.
  const std::string weights = folder + "/vit_custom.safetensors";
  fs::copy_file(folder + "/weights/model.safetensors", weights);
  for (int i = 0; i < 2; ++i) {
    const Outcome outcome = run_program(command(folder + "/weights/int8.safetensors"));
    CHECK_THAT(outcome.err, Catch::Matchers::StartsWith("intvit: warning: " + folder + "/photographs: one image;"));
    CHECK(outcome.exit_code == 0);
  }
}

TEST_CASE("quantize replaces no shard, index or processor of transformers' folders") {
  const TransformersTensors tensors = vit_tensors();
  const std::string folder = transformers_folder(tensors, vit_config());
  write_shards(tensors.all, folder, 2);
  fs::remove(folder + "/model.safetensors");
  int files = 0;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder)) {
    const std::string file = entry.path().string();
    check_spared({"quantize", "--weights", folder, "--calib", photographs(), "-o", file}, file, file);
    ++files;
  }
  CHECK(files == 5);
}

TEST_CASE("features and classes replace nothing that they read, nor quantize a tokenizer") {
  const std::string folder = clip_folder();
  const std::string names = temporary_file("classes.txt");
  write_text(names, "cat\ndog\n");
  const std::string model = temporary_file("words_over_input.safetensors");
  const std::vector<std::string> quantize{"quantize",    "--weights", folder, "--calib",
                                          photographs(), "--classes", names,  "-o"};
  REQUIRE(run_program(words(quantize, {model})).exit_code == 0);
  const std::vector<std::string> classes{"classes", "-m", model, "--weights", folder, "--classes", names, "-o"};
  check_spared(words(classes, {model}), model, model);
  check_spared(words(classes, {names}), names, names);
  for (const char *name : {"/model.safetensors", "/config.json", "/vocab.json", "/merges.txt"}) {
    check_spared(words(classes, {folder + name}), folder + name, folder + name);
    check_spared(words(quantize, {folder + name}), folder + name, folder + name);
  }
  const std::string picture = temporary_file("over_features.png");
  fs::copy_file(sample_photograph(), picture);
  for (const std::string &output : {model, picture})
    check_spared({"features", "-m", model, "--format", "npy", "-o", output, picture}, output, output);
}

TEST_CASE("attention, bench and inspect replace nothing that they read") {
  const std::string folder = temporary_file("over_pictures");
  fs::create_directories(folder + "/out");
  fs::copy_file(sample_photograph(), folder + "/p.png");
  fs::copy(shipped_weights(), folder + "/float");
  for (const char *name : {"/m", "/m.html", "/m.md", "/out/layers.svg"})
    fs::copy_file(shipped_model(), folder + name);
  const std::string picture = folder + "/p.png";
  const std::string model = folder + "/m";
  check_spared({"attention", picture, "-o", picture}, picture, picture);
  check_spared({"attention", "-m", model, picture, "-o", model}, model, model);
  check_spared({"attention", "-m", shipped_model(), "-m", model, picture, "-o", model}, model, model);
  const std::string weights = folder + "/float/model.safetensors";
  check_spared({"attention", "--float", folder + "/float", picture, "-o", weights}, weights, weights);
  for (const std::string &page : {folder + "/m.html", folder + "/m.md"})
    check_spared({"bench", "-m", page, "--runs", "1", "--report", page}, page, page);
  fs::create_symlink("m", folder + "/link.md");
  check_spared({"bench", "-m", model, "--runs", "1", "--report", folder + "/link.md"}, folder + "/link.md", model);

  const std::string drawing = folder + "/out/layers.svg";
  check_spared({"inspect", "-m", drawing, "--data", picture_folder(true), "-o", folder + "/out"}, drawing, drawing);
  write_text(drawing, "0.ppm,1\n");
  check_spared({"inspect", "-m", model, "--data", picture_folder(false), "--labels", drawing, "-o", folder + "/out"},
               drawing, drawing);
  fs::copy_file(picture_folder(false) + "/0.ppm", drawing, fs::copy_options::overwrite_existing);
  write_text(folder + "/list.csv", "layers.svg,1\n");
  check_spared(
      {"inspect", "-m", model, "--data", folder + "/out", "--labels", folder + "/list.csv", "-o", folder + "/out"},
      folder + "/out/layers.svg", drawing);
}

TEST_CASE("what is written is looked at before what is read") {
  const std::string missing = temporary_file("missing");
  const std::string file = temporary_file("a_file");
  write_text(file, "");
  for (const std::string &output : {missing + "/x.md", file + "/x.md", missing + "/a/b.md"})
    for (const std::vector<std::string> &command :
         {std::vector<std::string>{"quantize", "--weights", missing, "--calib", missing, "-o", output},
          {"attention", "-m", missing, missing, "-o", output},
          {"bench", "-m", missing, "--report", output}}) {
      CAPTURE(command);
      const Outcome outcome = run_program(command);
      CHECK(outcome.exit_code == 1);
      CHECK_THAT(outcome.err, StartsWith("intvit: " + output + ": "));
    }
  const Outcome folder = run_program({"inspect", "--data", picture_folder(true), "-o", file});
  CHECK(folder.exit_code == 1);
  CHECK_THAT(folder.err, StartsWith("intvit: " + file + ": cannot be made"));
}

TEST_CASE("class names that no model file can hold are refused before the calibration") {
  const std::string names = temporary_file("names.txt");
  const auto quantize = [&](const std::string &text) {
    write_text(names, text);
    return run_program({"quantize", "--weights", weights_folder(), "--calib", "/nonexistent", "--labels", names, "-o",
                        temporary_file("no_model")})
        .err;
  };
  CHECK_THAT(quantize("1\n2\n3\n4\n" + std::string(std::size_t{1} << 24, 'x')), Contains("the labels take 16777"));
  // Escapes in JSON count.
  CHECK_THAT(quantize("1\n2\n3\n4\n" + std::string(std::size_t{9} << 20, '\\')), Contains("the labels take 18874"));
  CHECK_THAT(quantize("1\n2\n3\n4\n5\n"), StartsWith("intvit: /nonexistent: "));
}
