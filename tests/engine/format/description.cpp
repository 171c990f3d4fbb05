// What stands beside the tensors: read back as it was written, and every way in which it can be wrong.
#include <catch2/catch.hpp>

#include "engine/graph/json.hpp"
#include "tests/engine/format/raw_file.hpp"
#include "tests/support/data.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

using nlohmann::json;
using test::RawFile;

// The status of the tiny model with one metadata entry replaced (null: erased), checksums fitting.
Status status_with(const std::string &key, const json &value) {
  RawFile raw = test::take_apart(test::tiny_model());
  if (value.is_null())
    raw.metadata().erase("intvit." + key);
  else
    raw.metadata()["intvit." + key] = value;
  raw.fix_checksums();
  return ModelFile::parse(raw.serialize(), "m").status();
}

void check(const std::string &key, const json &value, const std::string &message,
           StatusCode code = StatusCode::bad_format) {
  CAPTURE(key, value);
  const Status status = status_with(key, value);
  CHECK(status.code() == code);
  CHECK(status.message() == "m: " + message);
}

TEST_CASE("model file: every entry of the metadata is needed") {
  check("format_version", nullptr,
        "not an intvit model (a safetensors file without intvit's metadata); weights become a model with "
        "`intvit quantize`");
  for (const char *key : {"required_features", "graph", "recipe", "labels", "provenance"})
    check(key, nullptr, "the metadata has no intvit." + std::string(key));
}

TEST_CASE("model file: the format version") {
  for (const char *text : {"", "one", "0", "-1", "1.0", " 1", "1 ", "0x1", "+1", "99999999999999999999"})
    check("format_version", text, "the format version is \"" + std::string(text) + "\", not a number");
  for (const char *text : {"2", "10", "2147483647"})
    check("format_version", text,
          "the file has format version " + std::string(text) + ", this program reads up to 1; use a newer intvit",
          StatusCode::unsupported);
}

TEST_CASE("model file: the features that a reader must have") {
  for (const char *text : {"", "{}", "null", "\"gelu16\"", "[1]", "[\"gelu16\",null]", "[[]]", "[\"gelu16\""})
    check("required_features", text, "intvit.required_features is not a list of strings");
  check("required_features", R"(["gelu16","swin.shifted_windows"])",
        "the model needs the feature \"swin.shifted_windows\", which this program does not have; use a newer intvit",
        StatusCode::unsupported);
  // The tiny model needs these.
  check("required_features", "[]", "intvit.required_features does not name \"features\", which the model needs");
  check("required_features", R"(["features","gelu16","layer_norm.int32","softmax.int16"])",
        "intvit.required_features does not name \"residual.int16\", which the model needs");
  CHECK(
      status_with(
          "required_features",
          R"(["attention.bias","attention.sizes","crop_grid","features","flatten","gelu16","join","l2_normalize","layer_norm.int16","layer_norm.int32","layer_norm.rms","match_tokens","mean_rows","mean_rows.sizes",
                       "merge_patches","merge_tokens","multiply","normalize_heads","pad_grid","patches.partial","prefix_tokens","quick_gelu","requantize16","rescale","residual.int16","residual.ptf8","result","result.labels",
                       "result.scores","rotate","silu","softmax.int16","softmax.int8","softmax.lis4","softmax.lis8","tokens",
                       "weights.int4","weights.int4_short","weights.int4_wide4","weights.int4_wide8","weights.stlq","weights.stlq_groups","weights.stlq_short4","weights.stlq_short8","window_attention"])")
          .ok());
}

TEST_CASE("model file: STLQ weights whose feature is not named, which an older reader would not know to refuse") {
  RawFile raw = test::take_apart(test::tiny_model({.weight_levels = WeightLevels::stlq}));
  const json features = json::parse(raw.metadata()["intvit.required_features"].get<std::string>());
  json others = json::array();
  for (const json &feature : features)
    if (feature != "weights.stlq_short4")
      others.push_back(feature);
  REQUIRE(others.size() + 1 == features.size());
  raw.metadata()["intvit.required_features"] = others.dump();
  raw.fix_checksums();
  const Status status = ModelFile::parse(raw.serialize(), "m").status();
  CHECK(status.code() == StatusCode::bad_format);
  CHECK(status.message() == "m: intvit.required_features does not name \"weights.stlq_short4\", which the model needs");
}

TEST_CASE("model file: JSON texts that would take many times their length of memory") {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  check("graph", deep, "graph: not a JSON object");
  check("labels", deep, "intvit.labels is not a list of strings");
  check("provenance", R"({"a":)" + deep + "}", "intvit.provenance is not an object of strings");
  check("labels", "[" + std::string(17'000'000, ' ') + "]", "intvit.labels is not a list of strings");
  RawFile raw = test::take_apart(test::tiny_model());
  raw.fix_checksums();
  raw.metadata()["intvit.tensor_checksums"] = deep;
  raw.metadata()["intvit.metadata_checksum"] = test::metadata_checksum(raw.metadata());
  CHECK(ModelFile::parse(raw.serialize(), "m").status().message() == "m: the tensors' checksums are incomplete");
}

TEST_CASE("model file: the features that are written") {
  struct Case {
    QuantizeOptions options;
    const char *features;
  };
  using kernels::Softmax;
  for (const Case &entry : {Case{{.residual = ResidualFormat::int16, .softmax = Softmax::int8},
                                 R"(["features","gelu16","layer_norm.int32","residual.int16","softmax.int8"])"},
                            Case{{.residual = ResidualFormat::ptf8, .softmax = Softmax::lis4},
                                 R"(["features","gelu16","layer_norm.int32","residual.ptf8","softmax.lis4"])"},
                            Case{{.residual = ResidualFormat::ptf8_paper, .softmax = Softmax::int8},
                                 R"(["features","gelu16","layer_norm.int32","residual.ptf8","softmax.int8"])"}}) {
    RawFile raw = test::take_apart(test::tiny_model(entry.options));
    CHECK(raw.metadata()["intvit.required_features"] == entry.features);
    CHECK(raw.metadata()["intvit.format_version"] == "1");
  }
}

TEST_CASE("model file: labels and scores need a feature of their own, by which an older reader refuses them") {
  for (const auto &[kind, feature] :
       {std::pair(ResultKind::labels, "result.labels"), {ResultKind::scores, "result.scores"}}) {
    test::ModelParts parts(test::tiny_model());
    parts.description.graph.result = kind;
    RawFile raw = test::take_apart(parts.file());
    const std::string written = raw.metadata()["intvit.required_features"];
    CHECK(written == R"(["features","gelu16","layer_norm.int32","residual.int16",")" + std::string(feature) +
                         R"(","softmax.int16"])");
    const Result<ModelFile> file = ModelFile::parse(parts.file(), "m");
    REQUIRE(file.ok());
    CHECK(file->description().graph.result_kind() == kind);
    CHECK(file->bind().ok());
    CHECK(test::ModelParts(parts.file()).file() == parts.file());

    raw.metadata()["intvit.required_features"] =
        R"(["features","gelu16","layer_norm.int32","residual.int16","result","softmax.int16"])";
    raw.fix_checksums();
    CHECK(ModelFile::parse(raw.serialize(), "m").status().message() ==
          "m: intvit.required_features does not name \"" + std::string(feature) + "\", which the model needs");
  }
}

TEST_CASE("model file: a result that this version does not know") {
  json graph = json::parse(graph_to_json(test::ModelParts(test::tiny_model()).description.graph));
  graph["result"] = "boxes";
  check("graph", graph.dump(), "graph: \"result\" is \"boxes\", which this version does not know");
  graph["result"] = 3;
  check("graph", graph.dump(), "graph: \"result\" must be a string");
}

TEST_CASE("model file: labels and provenance") {
  for (const char *text : {"", "{}", "7", "[1]", "[\"a\",[]]", "[\"a\"", "[\"\\ud800\"]"})
    check("labels", text, "intvit.labels is not a list of strings");
  check("labels", R"(["a","b\u0000c","","",""])", "the label of class 1 holds a zero byte");
  check("labels", R"(["a","","","","\u0000"])", "the label of class 4 holds a zero byte");
  CHECK(check_labels({"a", "\n"}).ok());
  CHECK(check_labels({"a", std::string(1, '\0')}).message() == "the label of class 1 holds a zero byte");
  for (const char *text : {"", "[]", "7", "{\"a\":1}", "{\"a\":null}", "{\"a\":\"b\"", "null", "\"a\""})
    check("provenance", text, "intvit.provenance is not an object of strings");
  CHECK(status_with("provenance", "{}").ok());
}

TEST_CASE("model file: errors of the graph") {
  check("graph", "graph", "graph: not a JSON object");
  check("graph", R"({"image_height":16,"image_width":16,"logit_fraction_bits":0,"nodes":[
                     {"name":"x","op":"cross_attention","input":"image"}]})",
        "graph node 0 (x): operation \"cross_attention\" is not known to this version; use a newer intvit",
        StatusCode::unsupported);
}

TEST_CASE("model file: errors of the recipe") {
  check("recipe", "",
        "intvit.recipe: recipe '': '' is none of resize=SIZE, fit=NAME, crop=SIZE, filter=NAME, offset=NAME, "
        "order=NAME, color=NAME");
  check("recipe", "crop=0", "intvit.recipe: recipe 'crop=0': 'crop=0' needs a size as 224 or 192x224");
  check("recipe", "crop=16,filter=nearest",
        "intvit.recipe: recipe 'crop=16,filter=nearest': 'nearest' is not a filter: box, bilinear, bicubic and lanczos "
        "are");
}

TEST_CASE("model file: the recipe gives the graph's image size") {
  const std::string message = "the recipe gives another image size than the graph takes";
  check("recipe", "crop=17", message);
  check("recipe", "crop=16x17", message);
  check("recipe", "resize=16x17", message);
  CHECK(status_with("recipe", "resize=40,crop=16,filter=box").ok());
  CHECK(status_with("recipe", "crop=16").ok());
}

TEST_CASE("model file: the description is read as it was written") {
  const std::vector<std::byte> bytes = test::tiny_model();
  const Result<ModelFile> file = ModelFile::parse(bytes, "some path");
  REQUIRE(file.ok());
  CHECK(file->origin() == "some path");
  const ModelDescription &description = file->description();
  CHECK(description.labels == std::vector<std::string>{"ant", "bee", "cat", "d\"o\\g", "\u00e9l\u00e9phant"});
  CHECK(description.provenance == std::map<std::string, std::string>{{"architecture", "tiny"}, {"weights", "random"}});
  CHECK(description.recipe == squash_recipe(16, 16));
  CHECK(description.graph.image_height == 16);
  CHECK(description.graph.nodes.size() == 20);

  RawFile raw = test::take_apart(bytes);
  CHECK(raw.metadata()["intvit.graph"] == graph_to_json(description.graph));
  CHECK(raw.metadata()["intvit.recipe"] == to_string(description.recipe));

  // The parts put together again are the same file.
  CHECK(test::ModelParts(bytes).file() == bytes);
}

TEST_CASE("model file: labels and provenance that are not UTF-8 are written as text all the same") {
  test::ModelParts parts(test::tiny_model());
  parts.description.labels[0] = "caf\xE9";
  parts.description.provenance["source"] = "\xFF\xFE";
  SafetensorsWriter writer = parts.writer();
  REQUIRE_NOTHROW(add_model_metadata(parts.description, writer));
  const Result<ModelFile> file = ModelFile::parse(writer.serialize(), "m");
  REQUIRE(file.ok());
  CHECK(file->description().labels[0] == "caf\uFFFD");
  CHECK(file->description().provenance.at("source") == "\uFFFD\uFFFD");
}

TEST_CASE("model file: the golden image and logits") {
  const std::vector<std::byte> bytes = test::tiny_model();
  const Result<ModelFile> file = ModelFile::parse(bytes, "m");
  REQUIRE(file.ok());
  // The golden image is the first calibration image.
  const std::vector<std::uint8_t> image = test::random_images(1, 16, 16, 2).front().rgb;
  CHECK(std::vector<std::uint8_t>(file->golden_image().begin(), file->golden_image().end()) == image);
  CHECK(file->golden_logits() == test::ModelParts(bytes).tensors.at("golden.logits").as<std::int32_t>());
  CHECK(file->golden_logits().size() == 5);

  // Before bind() nothing is known of them, not even that they are there.
  test::ModelParts parts(bytes);
  parts.tensors.erase("golden.image");
  parts.set("golden.logits", DType::u8, {7}, std::vector<std::uint8_t>(7, 1));
  const Result<ModelFile> without = ModelFile::parse(parts.file(), "m");
  REQUIRE(without.ok());
  CHECK(without->golden_image().empty());
  CHECK(without->golden_logits().size() == 1);
  CHECK_FALSE(without->bind().ok());
}

TEST_CASE("model file: golden features, where the graph names features") {
  const std::string message = "m: the golden features are missing or do not fit the graph";
  const test::ModelParts original(test::tiny_model());
  const auto bound = [](const test::ModelParts &parts) {
    const Result<ModelFile> file = ModelFile::parse(parts.file(), "m");
    REQUIRE(file.ok());
    return file->bind().status().message();
  };
  CHECK(ModelFile::parse(original.file(), "m")->golden_features() ==
        original.tensors.at("golden.features").as<std::int32_t>());
  test::ModelParts parts = original;
  parts.tensors.erase("golden.features");
  CHECK(bound(parts) == message);
  parts.set("golden.features", DType::i32, {15}, std::vector<std::int32_t>(15));
  CHECK(bound(parts) == message);
  parts.set("golden.features", DType::u8, {16}, std::vector<std::uint8_t>(16));
  CHECK(bound(parts) == message);

  parts = original;
  test::remove_features(parts);
  CHECK(bound(parts) == "");
  CHECK(ModelFile::parse(parts.file(), "m")->golden_features().empty());
  RawFile raw = test::take_apart(parts.file());
  CHECK(raw.metadata()["intvit.required_features"].get<std::string>().find("features") == std::string::npos);
  parts.set("golden.features", DType::i32, {16}, std::vector<std::int32_t>(16));
  CHECK(bound(parts) == "m: tensor golden.features is not used by the graph");
}

TEST_CASE("model file: written to the disk and opened") {
  const test::ModelParts parts(test::tiny_model());
  SafetensorsWriter writer = parts.writer();
  add_model_metadata(parts.description, writer);
  const std::string path = test::temporary_file("model.safetensors");
  REQUIRE(writer.write(path).ok());
  const Result<ModelFile> file = ModelFile::open(path);
  INFO(file.status().message());
  REQUIRE(file.ok());
  CHECK(file->origin() == path);
  CHECK(file->bind().ok());
  const Result<ModelFile> missing = ModelFile::open(path + ".not-there");
  CHECK(missing.status().code() == StatusCode::io);
  CHECK(missing.status().message().rfind(path + ".not-there: ", 0) == 0);
}

} // namespace
} // namespace intvit
