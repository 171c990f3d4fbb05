// `quantize` and `eval` as users call them. Above 400 lines, as most of it is one list of options and of what each
// refuses.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <sstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "engine/container/safetensors.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/quantizer_input.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::test;
using Catch::Matchers::Contains;
using nlohmann::json;

namespace {

Outcome quantize(const std::vector<std::string> &further, const std::string &output) {
  return run_program(
      words({"quantize", "--weights", weights_folder(), "--calib", photographs(), "-o", output}, further));
}

} // namespace

TEST_CASE("quantize makes a model that every other subcommand reads") {
  for (const std::vector<std::string> &options : {std::vector<std::string>{},
                                                  {"--residual", "ptf8", "--softmax", "lis4"},
                                                  {"--residual", "ptf8-paper", "--softmax", "lis4", "--no-renormalize"},
                                                  {"--observer", "minmax", "--channel-strength", "0.5"},
                                                  {"--observer", "ema", "--softmax", "lis8"},
                                                  {"--weight-format", "stlq"},
                                                  {"--weight-format", "stlq", "--two-word-ratio", "100"},
                                                  {"--weight-format", "stlq", "--errors-by", "layer"},
                                                  {"--weight-format", "int4"},
                                                  {"--weight-format", "int4", "--two-word-ratio", "0"},
                                                  {"--weight-format", "int4", "--average-bits", "4.6"},
                                                  {"--weight-format", "stlq", "--errors-by", "layer"},
                                                  {"--observer", "percentile", "--no-bias-correction"},
                                                  {"--observer", "omse", "--residual", "int8"},
                                                  {"--as-published"}}) {
    CAPTURE(options);
    const std::string model = temporary_file("quantized.safetensors");
    const Outcome outcome = quantize(options, model);
    REQUIRE(outcome.err == "");
    REQUIRE(outcome.exit_code == 0);
    CHECK_THAT(outcome.out, Contains(model) && Contains("calibrated on 3 images"));
    CHECK(run_program({"verify", "-m", model}).exit_code == 0);

    const json info = json::parse(run_program({"info", "-m", model, "--format", "json"}).out);
    CHECK(info["labels"][4] == "elk");
    CHECK(info["recipe"] == "resize=16,crop=16,filter=bicubic");
    CHECK(info["provenance"]["source_sha256"].get<std::string>().size() == 64);

    const Outcome eval =
        run_program({"eval", "-m", model, "--data", photographs(), "--float", weights_folder(), "--format", "json"});
    REQUIRE(eval.exit_code == 0);
    const json result = json::parse(eval.out);
    CHECK(result["images"] == 3);
    CHECK(result["top5"] == 100.0);
    CHECK(result["cosine"].get<double>() > 0.9);
    // All three are nearly the same picture, of which at most 2 labels are right: the models agree on all or on none.
    CHECK(result["top1"].get<double>() <= 67);
    CHECK((result["agreement"] == 0.0 || result["agreement"] == 100.0));
    if (result["agreement"] == 100.0)
      CHECK(result["top1"] == result["float_top1"]);
  }
}

TEST_CASE("quantize into words: info tells those of the blocks, more of them with a higher ratio") {
  const std::string format = GENERATE("stlq", "int4");
  std::uintmax_t smaller = 0;
  for (const char *ratio : {"0", "50", "100"}) {
    const std::string model = temporary_file("stlq.safetensors");
    REQUIRE(quantize({"--weight-format", format, "--two-word-ratio", ratio}, model).exit_code == 0);
    const Outcome info = run_program({"info", "-m", model});
    CHECK_THAT(info.out, Contains("weight-format=" + format) && Contains(std::string("two-word-ratio=") + ratio));
    for (const char *layer : {"blocks.0.attn.qkv", "blocks.1.mlp.fc2"}) {
      const std::string line = info.out.substr(info.out.find(layer)).substr(0, 80);
      CHECK_THAT(line, Contains(format));
    }
    const std::string head = info.out.substr(info.out.rfind("head"));
    CHECK_THAT(head, Contains("int8"));
    CHECK(std::filesystem::file_size(model) > smaller);
    smaller = std::filesystem::file_size(model);
  }
}

TEST_CASE("quantize into words: the bits of a weight are those that were asked for, or that are of use") {
  const std::string format = GENERATE("stlq", "int4");
  double most = 0; // where all have second words that gain by it
  for (const double asked : {6.25, 4.125, 4.25, 4.4, 4.6, 5.25}) {
    CAPTURE(format, asked);
    const std::string model = temporary_file("bits.safetensors");
    REQUIRE(quantize({"--weight-format", format, "--average-bits", std::to_string(asked)}, model).exit_code == 0);
    double bits = 0;
    double weights = 0;
    const json info = json::parse(run_program({"info", "-m", model, "--format", "json"}).out);
    for (const json &layer : info["layers"])
      if (layer["format"] == format) {
        const double size = layer["out"].get<double>() * layer["in"].get<double>();
        bits += size * layer["bits"].get<double>();
        weights += size;
      }
    if (asked == 6.25)
      most = bits / weights;
    CHECK(bits / weights == Approx(std::min(asked, most)).margin(0.1)); // of rows so short bits of groups fill no bytes
    if (asked == 4.4) // in groups of 8 inputs; in those of 4 it would be less than a tenth
      CHECK_THAT(run_program({"info", "-m", model}).out, Contains("two-word-ratio=13.75"));
    CHECK(run_program({"verify", "-m", model}).exit_code == 0);
  }
}

TEST_CASE("quantize --weight-format stlq: weights that were trained as words stay as they are") {
  const std::string folder = temporary_file("words");
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file(weights_folder() + "/config.json", folder + "/config.json",
                             std::filesystem::copy_options::overwrite_existing);
  Result<SafetensorsFile> floats = SafetensorsFile::open(weights_folder() + "/model.safetensors");
  REQUIRE(floats.ok());
  // Words of the blocks: +-2^-3 U. With `spoil` one weight is 1.5 units.
  const auto write = [&](bool spoil) {
    SafetensorsWriter writer;
    for (const auto &[name, tensor] : floats->tensors()) {
      std::vector<float> values(tensor.bytes.size() / sizeof(float));
      std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
      if (name.starts_with("blocks.") && tensor.shape.size() == 2) {
        for (float &value : values)
          value = std::copysign(0.125F, value);
        if (spoil && name == "blocks.1.mlp.fc2.weight")
          values[65] = 1.5F / 128;
        const std::vector<float> units(static_cast<std::size_t>(tensor.shape[0]), 1.0F);
        const std::string unit = name.substr(0, name.rfind(".weight")) + ".stlq_unit";
        REQUIRE(writer.add_tensor(unit, DType::f32, {tensor.shape[0]}, std::as_bytes(std::span(units))).ok());
      }
      REQUIRE(writer.add_tensor(name, DType::f32, tensor.shape, std::as_bytes(std::span(values))).ok());
    }
    REQUIRE(writer.write(folder + "/model.safetensors").ok());
  };
  const std::string model = temporary_file("words.safetensors");
  const std::vector<std::string> arguments{"quantize", "--weights",       folder, "--calib", photographs(), "-o",
                                           model,      "--weight-format", "stlq"};
  write(false);
  REQUIRE(run_program(arguments).exit_code == 0);
  const Outcome info = run_program({"info", "-m", model});
  CHECK_THAT(info.out, Contains("weight-format=stlq words=as-trained") && !Contains("two-word-ratio="));
  CHECK(run_program({"verify", "-m", model}).exit_code == 0);
  const json layers = json::parse(run_program({"info", "-m", model, "--format", "json"}).out)["layers"];
  CHECK(layers[1]["name"] == "blocks.0.attn.qkv");
  CHECK(layers[1]["two_word_ratio"] == 0.0);

  std::vector<std::string> with_ratio = arguments;
  with_ratio.insert(with_ratio.end(), {"--two-word-ratio", "15"});
  const Outcome refused = run_program(with_ratio);
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Contains("--two-word-ratio: " + folder + " was trained with its STLQ words, which stay"));

  write(true);
  const Outcome spoiled = run_program(arguments);
  CHECK(spoiled.exit_code == 1);
  CHECK_THAT(spoiled.err,
             Contains(folder + "/model.safetensors: tensor blocks.1.mlp.fc2.weight holds 0.011719 at [1, 1], "
                               "which is no sum of two STLQ words for stlq_unit 1.000000"));
}

TEST_CASE("quantize -h lists what a user needs before FQ-ViT's settings and studies") {
  const std::string help = run_program({"quantize", "-h"}).out;
  std::size_t last = 0;
  for (const char *text : {"--calib ", "--weight-format ", "\nTo reproduce FQ-ViT's table", "--as-published",
                           "--no-renormalize", "\nStudies", "--errors-by"}) {
    CAPTURE(text, help);
    const std::size_t place = help.find(text);
    REQUIRE(place != std::string::npos);
    CHECK(place > last);
    last = place;
  }
}

TEST_CASE("quantize --report: every layer and what it lost") {
  const std::string model = temporary_file("report.safetensors");
  const Outcome outcome = quantize({"--report"}, model);
  REQUIRE(outcome.exit_code == 0);
  std::istringstream lines(outcome.out);
  std::string line;
  REQUIRE(std::getline(lines, line));
  CHECK_THAT(line, Contains("SQNR dB") && Contains("strength") && Contains("clipping"));
  std::map<std::string, std::vector<double>> ratios; // of a node as linear and as stream
  while (std::getline(lines, line) && line.find("bytes") == std::string::npos) {
    std::istringstream words(line);
    std::string name;
    std::string kind;
    std::string ratio;
    words >> name >> kind >> ratio;
    CHECK((kind == "linear" || kind == "stream"));
    ratios[name].push_back(ratio == "-" ? 100.0 : std::stod(ratio));
  }
  for (const char *name : {"patch_embed", "blocks.0.attn.proj", "blocks.0.mlp.fc2"})
    CHECK(ratios[name].size() == 2);
  for (const char *name : {"blocks.0.attn.qkv", "blocks.0.mlp.fc1", "head"})
    CHECK(ratios[name].size() == 1);
  for (const auto &[name, values] : ratios)
    for (const double value : values) {
      CAPTURE(name, value);
      CHECK(value > 15);
      CHECK(value <= 130);
    }
}

TEST_CASE("quantize: the model tells its settings, and the rounding of weights makes a difference") {
  struct Case {
    std::vector<std::string> options;
    std::string settings;
  };
  std::vector<SafetensorsFile> files;
  for (const Case &entry :
       {Case{{"--errors-by", "layer"}, "observer=mse rounding=compensating softmax=int16 residual=int16"},
        Case{{"--rounding", "compensating", "--errors-by", "layer"},
             "observer=mse rounding=compensating softmax=int16 residual=int16"},
        Case{{"--rounding", "nearest", "--errors-by", "layer"},
             "observer=mse rounding=nearest softmax=int16 residual=int16"},
        Case{{"--observer", "minmax", "--softmax", "lis4", "--no-renormalize", "--residual", "ptf8",
              "--channel-strength", "0.5"},
             "observer=minmax rounding=compensating softmax=lis4 no-renormalize residual=ptf8 "
             "errors-by=class-token channel-strength=0.5"},
        Case{{"--as-published"},
             "observer=minmax rounding=nearest softmax=lis4 no-renormalize residual=ptf8-paper per-tensor "
             "no-bias-correction clamp-largest-weight"},
        Case{{"--as-published", "--observer", "omse", "--softmax", "int8", "--residual", "int8"},
             "observer=omse rounding=nearest softmax=int8 no-renormalize residual=int8 per-tensor "
             "no-bias-correction clamp-largest-weight"},
        Case{{}, "observer=mse rounding=compensating softmax=int16 residual=int16 errors-by=class-token"},
        Case{{"--weight-bits", "5"},
             "observer=mse rounding=compensating softmax=int16 residual=int16 errors-by=class-token weight-bits=5"}}) {
    CAPTURE(entry.options);
    const std::string model = temporary_file("settings.safetensors");
    REQUIRE(quantize(entry.options, model).exit_code == 0);
    CHECK(run_program({"verify", "-m", model}).exit_code == 0);
    const json info = json::parse(run_program({"info", "-m", model, "--format", "json"}).out);
    CHECK(info["provenance"]["settings"] == entry.settings);
    Result<SafetensorsFile> file = SafetensorsFile::open(model);
    REQUIRE(file.ok());
    files.push_back(std::move(*file));
  }
  const auto same = [&](std::size_t one, std::size_t other, const std::string &tensor) {
    const std::span<const std::byte> a = files[one].find(tensor)->bytes;
    const std::span<const std::byte> b = files[other].find(tensor)->bytes;
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  };
  for (const std::string layer : {"blocks.0.attn.qkv", "blocks.0.attn.proj", "blocks.0.mlp.fc2"}) {
    CAPTURE(layer);
    CHECK(same(0, 1, layer + ".weight"));
    CHECK_FALSE(same(0, 2, layer + ".weight"));
    CHECK_FALSE(same(0, 6, layer + ".weight"));
    int largest = 0;
    for (const std::byte byte : files[7].find(layer + ".weight")->bytes)
      largest = std::max(largest, std::abs(static_cast<std::int8_t>(byte)));
    CHECK(largest == 15);
  }
  // Only what is calibrated on samples is compensated.
  CHECK(same(0, 2, "patch_embed.weight"));
}

TEST_CASE("the same weights and photographs give the same file with any number of threads") {
  const std::string one = temporary_file("one.safetensors");
  const std::string three = temporary_file("three.safetensors");
  REQUIRE(quantize({"-t", "1"}, one).exit_code == 0);
  REQUIRE(quantize({"-t", "3"}, three).exit_code == 0);
  CHECK((read_text(one) == read_text(three)));
}

TEST_CASE("quantize tells of calibration images that show too little") {
  const std::string model = temporary_file("little.safetensors");
  const std::string folder = temporary_file("little");
  std::filesystem::create_directories(folder);
  const auto quantized = [&] {
    return run_program({"quantize", "--weights", weights_folder(), "--calib", folder, "-o", model});
  };
  write_text(folder + "/1.png", read_text(sample_photograph()));
  CHECK_THAT(quantized().err, Contains("warning: " + folder + ": one image; the model will be less accurate"));
  for (const char *copy : {"/2.png", "/3.jpg"})
    write_text(folder + copy, read_text(sample_photograph()));
  const Outcome copies = quantized();
  CHECK_THAT(copies.err, Contains("warning: " + folder + ": all 3 images are one picture; the model will"));
  CHECK(copies.exit_code == 0);
  write_text(folder + "/4.ppm", photograph_with_square(0));
  CHECK(quantized().err.empty());

  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::filesystem::remove(model);
  for (const std::string shade : {"\x01", "\x80", "\xff"})
    write_text(folder + "/" + std::to_string(static_cast<int>(shade[0])) + ".ppm",
               "P6 1 1 255\n" + shade + shade + shade);
  const Outcome plain = quantized();
  CHECK(plain.exit_code == 1);
  CHECK_THAT(plain.err, Contains("every calibration image is of one colour"));
  CHECK_FALSE(std::filesystem::exists(model));
}

TEST_CASE("eval reads labels from a CSV file") {
  const std::string model = temporary_file("csv.safetensors");
  REQUIRE(quantize({}, model).exit_code == 0);
  const std::string csv = temporary_file("labels.csv");
  write_text(csv, "file,label\ncat/one.png,2\ndog/three.ppm,3\n");
  const std::vector<std::string> eval{"eval", "-m", model, "--data", photographs(), "--labels", csv, "--format"};
  std::vector<std::string> arguments = eval;
  arguments.emplace_back("json");
  CHECK(json::parse(run_program(arguments).out)["images"] == 2);
  arguments.insert(arguments.end(), {"--count", "1"});
  CHECK(json::parse(run_program(arguments).out)["images"] == 1);
  arguments = eval;
  arguments.emplace_back("csv");
  CHECK_THAT(run_program(arguments).out, Catch::Matchers::StartsWith("images,images_per_second,top1,top5\n2,"));
  arguments.back() = "text";
  CHECK_THAT(run_program(arguments).out, Contains("top-1"));

  // A missing image is reported, the rest still counts.
  write_text(csv, "cat/one.png,2\nmissing.png,1\n");
  const Outcome missing = run_program(arguments);
  CHECK(missing.exit_code == 1);
  CHECK_THAT(missing.err, Contains("missing.png"));
  CHECK_THAT(missing.out, Contains("images      1"));
  for (const auto &[content, message] : std::vector<std::pair<std::string, std::string>>{
           {"file,label\ncat/one.png,5\n", ":2: class 5 is not from 0 to 4"},
           {"cat/one.png,2\ncat/two.ppm,x\n", ":2: \"x\" is not a class index, nor a label of the model"},
           {"cat/one.png\n", ":1: expected \"file,label\""},
           {"", "no image is listed"}}) {
    write_text(csv, content);
    const Outcome wrong = run_program(arguments);
    CHECK(wrong.exit_code == 1);
    CHECK_THAT(wrong.err, Contains(csv) && Contains(message));
  }
}

TEST_CASE("quantize: without photographs, on drawn pictures, and on both") {
  const auto file = [](const std::vector<std::string> &options, const std::string &calibration,
                       const std::string &says) {
    CAPTURE(options);
    const std::string model = temporary_file("drawn.safetensors");
    const Outcome outcome = run_program(words({"quantize", "--weights", weights_folder(), "-o", model}, options));
    REQUIRE(outcome.exit_code == 0);
    CHECK_THAT(outcome.out, Contains("calibrated on " + calibration));
    CHECK((says.empty() ? outcome.err.empty() : outcome.err.find(says) != std::string::npos));
    const json info = json::parse(run_program({"info", "-m", model, "--format", "json"}).out);
    CHECK(info["provenance"]["calibration"] == calibration);
    const bool wider = info["provenance"]["settings"].get<std::string>().find(" margins=1.3,2") != std::string::npos;
    CHECK(wider == (calibration.find("drawn") != std::string::npos));
    CHECK(run_program({"verify", "-m", model}).exit_code == 0);
    return read_text(model);
  };
  const std::string drawn = file({}, "64 drawn pictures", "no photographs (--calib): 64 drawn pictures stand for them");
  CHECK(file({"-t", "3"}, "64 drawn pictures", "64 drawn") == drawn);
  CHECK(file({"--draw", "64", "--draw-seed", "0"}, "64 drawn pictures", "64 drawn") == drawn);
  CHECK(file({"--draw", "9"}, "9 drawn pictures", "9 drawn") != drawn);
  CHECK(file({"--draw-seed", "7"}, "64 drawn pictures", "64 drawn") != drawn);
  const std::string both = file({"--calib", photographs(), "--draw", "5"}, "3 images and 5 drawn pictures", "");
  CHECK(both != file({"--calib", photographs()}, "3 images", ""));
  // One photograph among others is no reason to warn.
  file({"--calib", photographs(), "--calib-count", "1", "--draw", "5"}, "1 images and 5 drawn pictures", "");
}

TEST_CASE("quantize's and eval's bad input") {
  const std::string model = temporary_file("bad.safetensors");
  const std::string labels = temporary_file("labels.txt");
  write_text(labels, "one\ntwo\n");
  const std::string stranger = temporary_file("stranger");
  std::filesystem::create_directories(stranger + "/zebra");
  write_text(stranger + "/zebra/one.png", read_text(sample_photograph()));
  const std::string output = temporary_file("never-written.safetensors");
  REQUIRE(quantize({}, model).exit_code == 0);
  const std::string folder = weights_folder();
  check_refused(
      {"quantize"},
      {
          {{"--calib", photographs(), "-o", output}, 2, "--weights is missing"},
          {{"--weights", folder, "--draw", "0", "-o", output}, 2, "--draw: without photographs (--calib)"},
          {{"--weights", folder, "--draw", "-1", "-o", output}, 2, "--draw must be an integer from 0 to 4096"},
          {{"--weights", folder, "--draw-seed", "-1", "-o", output}, 2, "--draw-seed must be an integer from 0"},
          {{"--weights", folder, "--calib", photographs()}, 2, "--output is missing"},
          {{"--weights", "/nonexistent", "--calib", photographs(), "-o", output}, 1, "/nonexistent"},
          {{"--weights", folder, "--calib", "/nonexistent", "-o", output}, 1, "/nonexistent"},
          {{"--weights", folder, "--calib", photographs(), "-o", "/nonexistent/x"}, 1, "/nonexistent/x"},
          {{"--weights", folder, "--arch", "resnet50", "--calib", photographs(), "-o", output}, 1, "resnet50"},
      });
  check_refused(
      {"quantize", "--weights", folder, "--calib", photographs(), "-o", output},
      {
          {{"--labels", labels}, 1, labels + ": has 2 lines for 5 classes"},
          {{"--softmax", "soft"}, 2, "--softmax"},
          {{"--residual", "r"}, 2, "--residual"},
          {{"--observer", "o"}, 2, "--observer"},
          {{"--weight-format", "int3"}, 2, "--weight-format"},
          {{"--two-word-ratio", "5"}, 2, "--two-word-ratio goes with --weight-format stlq or int4"},
          {{"--weight-format", "stlq", "--two-word-ratio", "101"}, 2, "--two-word-ratio: \"101\" is not a percentage"},
          {{"--weight-format", "stlq", "--two-word-ratio", "0.15"}, 2, "write 0.15% or 15%"},
          {{"--weight-format", "int4", "--errors-by", "chance"}, 2, "--errors-by"},
          {{"--average-bits", "5"}, 2, "--average-bits goes with --weight-format stlq or int4"},
          {{"--weight-format", "int4", "--average-bits", "4"}, 2, "--average-bits must be from 4.125 to 6.25"},
          {{"--weight-format", "stlq", "--average-bits", "6.5"}, 2, "--average-bits must be from 4.125 to 6.25"},
          {{"--weight-format", "int4", "--average-bits", "5", "--two-word-ratio", "10"},
           2,
           "give --average-bits or --two-word-ratio, not both"},
          {{"--rounding", "up"}, 2, "--rounding"},
          {{"--channel-strength", "2"}, 2, "--channel-strength must be from 0 to 1"},
          {{"--weight-bits", "9"}, 2, "--weight-bits must be 2 to 8"},
          {{"--weight-bits", "5", "--weight-format", "int7"}, 2, "--weight-bits goes with --weight-format int8"},
          {{"--calib-count", "0"}, 2, "--calib-count"},
      });
  CHECK_FALSE(std::filesystem::exists(output));
  check_refused({"eval", "-m", model},
                {
                    {{}, 2, "--data is missing"},
                    {{"--data", "/nonexistent"}, 1, "/nonexistent"},
                    {{"--data", stranger}, 1, "\"zebra\" is not a label of the model"},
                    {{"--data", photographs(), "--labels", "/nonexistent.csv"}, 1, "/nonexistent.csv"},
                });
}
