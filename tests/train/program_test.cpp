#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

#include "engine/ops/four_bits_storage.hpp"
#include "tests/support/data.hpp"
#include "tests/train/small_data.hpp"
#include "train/weights.hpp"

using namespace intvit::test;
namespace fs = std::filesystem;

namespace {

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

// Runs a line of shell.
Outcome run_line(const std::string &line) {
  const std::string out = temporary_file("stdout");
  const std::string err = temporary_file("stderr");
  const int status = std::system(("(" + line + ") >" + out + " 2>" + err).c_str());
  const Bytes out_bytes = read_file(out);
  const Bytes err_bytes = read_file(err);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          {out_bytes.begin(), out_bytes.end()},
          {err_bytes.begin(), err_bytes.end()}};
}

Outcome run(const std::string &arguments) {
  return run_line(INTVIT_TRAIN_PROGRAM " " + arguments);
}

// A short run on those data into that folder.
std::string small_run(const intvit::train::Options &options) {
  return "--data " + options.data + " -o " + options.out +
         " --image-size 8 --width 16 --depth 1 --heads 2 --epochs 2 --warmup 0 --batch 8 -t 1";
}

// The pictures of small_options() in a folder.
std::string pictures_folder() {
  const std::string pictures = temporary_file("pictures");
  for (const auto &[name, bytes] : two_classes(16)) {
    fs::create_directories(fs::path(pictures + "/" + name).parent_path());
    write_file(pictures + "/" + name, bytes);
  }
  return pictures;
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
  const Outcome outcome = run(small_run(options));
  CHECK(outcome.code == 0);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, Catch::StartsWith("32 training and 8 test pictures, 2 classes; "));
  CHECK_THAT(outcome.err, Catch::Contains("\nepoch 2/2: loss "));
  CHECK_THAT(outcome.err, Catch::Contains("\nin float32: test loss "));
  CHECK(outcome.err.find('\r') == std::string::npos);
  for (const char *name : {"/model.safetensors", "/config.json", "/log.csv", "/checkpoint.safetensors"})
    CHECK_FALSE(read_file(options.out + name).empty());
}

TEST_CASE("a disk that fills up at a checkpoint ends a run that goes on from the checkpoint before") {
  const auto whole = small_options("whole-disk");
  REQUIRE(run(small_run(whole)).code == 0);

  const auto options = small_options("filled-disk");
  const std::string checkpoint = options.out + "/checkpoint.safetensors";
  REQUIRE(run(small_run(options) + " --stop-after 1").code == 0);
  const Bytes before = read_file(checkpoint);
  // A limit on file sizes in blocks of 512 bytes: room for the weights, but not for the checkpoint.
  REQUIRE(fs::file_size(options.out + "/model.safetensors") < before.size() / 2);
  const Outcome full = run_line("trap '' XFSZ; ulimit -f " + std::to_string(before.size() / 2 / 512) +
                                "; exec " INTVIT_TRAIN_PROGRAM " " + small_run(options) + " --resume " + checkpoint);
  CHECK(full.code == 1);
  CHECK_THAT(full.err, Catch::EndsWith("\nintvit-train: " + checkpoint + ": cannot write: File too large\n"));
  CHECK(read_file(checkpoint) == before);
  for (const auto &entry : fs::directory_iterator(options.out))
    CHECK_THAT(entry.path().filename().string(), !Catch::Contains(".tmp"));

  REQUIRE(run(small_run(options) + " --resume " + checkpoint).code == 0);
  CHECK(read_file(options.out + "/model.safetensors") == read_file(whole.out + "/model.safetensors"));
}

TEST_CASE("the words that were trained are those in the model file") {
  const auto options = small_options("words");
  REQUIRE(run(small_run(options)).code == 0);
  auto tuning = options;
  tuning.out = temporary_file("words-tuned");
  const std::string &tuned = tuning.out;
  const Outcome trained = run(small_run(tuning) + " --init " + options.out + "/model.safetensors --stlq-ratio 50");
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  CHECK_THAT(trained.err, Catch::Contains(", mean v 0.0000, "));
  const std::string model = temporary_file("words.safetensors");
  const std::string quantize = INTVIT_PROGRAM " quantize --weights " + tuned + " --calib " + pictures_folder() +
                               "/train --weight-format stlq -o " + model;
  REQUIRE(run_line(quantize).code == 0);
  CHECK_THAT(run_line(INTVIT_PROGRAM " info -m " + model).out, Catch::Contains("words=as-trained"));
  CHECK(run_line(INTVIT_PROGRAM " verify -m " + model).code == 0);

  const auto floats = intvit::train::open_safetensors(tuned + "/model.safetensors");
  const auto integers = intvit::train::open_safetensors(model);
  for (const std::string layer : {"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"}) {
    const std::string name = "blocks.0." + layer;
    CAPTURE(name);
    const auto *weight = floats.find(name + ".weight");
    const auto *unit = floats.find(name + ".stlq_unit");
    REQUIRE(weight != nullptr);
    REQUIRE(unit != nullptr);
    const auto bytes_of = [&](const char *constant) {
      const auto *tensor = integers.find(name + "." + constant);
      REQUIRE(tensor != nullptr);
      const auto *bytes = reinterpret_cast<const std::uint8_t *>(tensor->bytes.data());
      return Bytes(bytes, bytes + tensor->bytes.size());
    };
    const auto out = static_cast<int>(weight->shape[0]);
    const auto in = static_cast<int>(weight->shape[1]);
    const intvit::FourBitStorage &storage =
        intvit::four_bit_storage(intvit::kernels::WeightFormat::stlq_groups, 2, 4); // stlq_short4
    intvit::FourBitWeights words;
    REQUIRE(intvit::restore(
                storage, out, in,
                {bytes_of("stlq_short4_first"), bytes_of("stlq_short4_groups"), bytes_of("stlq_short4_second")}, words)
                .empty());
    const std::vector<std::int8_t> values = intvit::decode_four_bits(words);
    std::size_t two_words = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      float trained_weight = 0;
      float u = 0;
      std::memcpy(&trained_weight, weight->bytes.data() + 4 * i, 4);
      std::memcpy(&u, unit->bytes.data() + 4 * (i / static_cast<std::size_t>(in)), 4);
      CHECK(static_cast<float>(values[i]) * u == 128 * trained_weight);
      const int magnitude = std::abs(values[i]);
      two_words += (magnitude & (magnitude - 1)) != 0 ? 1 : 0;
    }
    CHECK(two_words > 0);
  }

  const Outcome refused = run_line(quantize + " --two-word-ratio 15");
  CHECK(refused.code == 2);
  CHECK_THAT(refused.err,
             Catch::Contains("--two-word-ratio: " + tuned + " was trained with its STLQ words, which stay"));
  CHECK(run_line(INTVIT_PROGRAM " quantize --weights " + tuned + " --calib " + pictures_folder() + "/train -o " + model)
            .code == 0); // int8, as other weights
}

TEST_CASE("the program learns from a model on pictures without labels") {
  const auto options = small_options("teaches");
  REQUIRE(run(small_run(options)).code == 0);
  const std::string pictures = pictures_folder() + "/train"; // of which light/ and dark/ are no classes here
  const std::string learned = temporary_file("learned");
  const std::string arguments = "--data " + pictures + " -o " + learned + " --init " + options.out +
                                " --distil --stlq-ratio 50 --epochs 2 --warmup 0 --batch 8 -t 1";
  const Outcome trained = run(arguments);
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  CHECK_THAT(trained.err, Catch::StartsWith("32 training and 0 test pictures, 2 classes; "));
  CHECK_THAT(trained.err, Catch::Contains("\nepoch 2/2: loss ") && !Catch::Contains("test loss"));
  CHECK(read_file(learned + "/config.json") == read_file(options.out + "/config.json"));
  const std::string model = temporary_file("learned.safetensors");
  REQUIRE(run_line(INTVIT_PROGRAM " quantize --weights " + learned + " --calib " + pictures +
                   " --weight-format stlq -o " + model)
              .code == 0);
  CHECK_THAT(run_line(INTVIT_PROGRAM " info -m " + model).out, Catch::Contains("words=as-trained"));

  const Outcome refused = run(arguments + " --width 16");
  CHECK(refused.code == 2);
  CHECK(refused.err == "intvit-train: --width: with --distil the model is that of --init\n");
}

TEST_CASE("intvit quantize reads what the program writes, and sees the same accuracy") {
  const auto options = small_options("quantized");
  const Outcome trained = run(small_run(options));
  REQUIRE(trained.code == 0);
  const std::string pictures = pictures_folder();
  const std::string model = temporary_file("quantized.safetensors");
  const Outcome quantized = run_line(INTVIT_PROGRAM " quantize --weights " + options.out + " --calib " + pictures +
                                     "/train --residual ptf8 --softmax lis4 -o " + model);
  INFO(quantized.err);
  REQUIRE(quantized.code == 0);
  CHECK(run_line(INTVIT_PROGRAM " verify -m " + model).code == 0);

  const Outcome described = run_line(INTVIT_PROGRAM " info --format json -m " + model);
  const auto info = nlohmann::json::parse(described.out);
  CHECK(info["labels"] == nlohmann::json{"dark", "light"});
  CHECK(info["recipe"] == "resize=8,crop=8,filter=bicubic");
  const Outcome evaluated = run_line(INTVIT_PROGRAM " eval --format json -m " + model + " --data " + pictures +
                                     "/test --float " + options.out);
  const auto result = nlohmann::json::parse(evaluated.out);
  CHECK(result["images"] == 8);
  CHECK(result["cosine"].get<double>() > 0.9);
  char last[32];
  std::snprintf(last, sizeof last, "top-1 %.2f %%\n", result["float_top1"].get<double>());
  CHECK_THAT(trained.err, Catch::EndsWith(last));
}
