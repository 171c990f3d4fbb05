// Files that are no models: each is refused with a message that says what it is or what to do.
#include <catch2/catch.hpp>

#include "tests/engine/format/raw_file.hpp"
#include "tests/support/data.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

using test::as_bytes;

void check(std::vector<std::byte> bytes, const std::string &message, StatusCode code = StatusCode::bad_format) {
  const Result<ModelFile> file = ModelFile::parse(std::move(bytes), "m");
  CHECK(file.status().code() == code);
  CHECK(file.status().message() == "m: " + message);
}

// The first eight bytes are taken for the header's length, and not told: they may be those of any file.
const std::string truncated = "truncated or not a safetensors file: its header would be longer than the ";
std::string too_short(std::string_view bytes) {
  return truncated + std::to_string(bytes.size() - 8) + " bytes that follow its length";
}

TEST_CASE("foreign files: nothing, or next to nothing") {
  check({}, "the file is empty");
  check(as_bytes("model\n"), "not a safetensors file: 6 bytes are too few");
  check(std::vector<std::byte>(4096), "header is not a JSON object");
}

TEST_CASE("foreign files: text, a picture, an archive, other models") {
  const std::string text = "image,label\na.png,3\n";
  check(as_bytes(text), too_short(text));
  const std::string json = R"({"architecture": "deit_tiny_patch16_224"})";
  check(as_bytes(json), "not a safetensors file but a JSON text");
  const std::string png("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0", 29);
  check(as_bytes(png), "not a safetensors file but a PNG picture");
  const std::string zip("PK\x03\x04\x14\0\0\0\x08\0archive/data.pkl", 26); // as PyTorch's .pt files begin
  check(as_bytes(zip),
        "not a safetensors file but a zip archive, as PyTorch's checkpoints are: save the model as safetensors");
  const std::string onnx("\x08\x08\x12\x07pytorch\x1a\x05"
                         "2.1.0",
                         18);
  check(as_bytes(onnx), "not a safetensors file but an ONNX model");
  const std::string gguf("GGUF\x03\0\0\0\x23\x01\0\0\0\0\0\0", 16);
  check(as_bytes(gguf), "not a safetensors file but a GGUF file");
}

TEST_CASE("foreign files: a picture on the disk") {
  const std::string path = test::source_file("golden/images/decode/rgb.png");
  const Result<ModelFile> file = ModelFile::open(path);
  CHECK(file.status().code() == StatusCode::bad_format);
  CHECK(file.status().message() == path + ": not a safetensors file but a PNG picture");
}

TEST_CASE("foreign files: safetensors of another kind") {
  const std::string message = "not an intvit model (a safetensors file without intvit's metadata); weights "
                              "become a model with `intvit quantize`";
  SafetensorsWriter writer;
  check(writer.serialize(), message);
  const std::vector<std::byte> weights(4 * 3 * 4);
  REQUIRE(writer.add_tensor("head.weight", DType::f32, {4, 3}, weights).ok());
  check(writer.serialize(), message);
  writer.add_metadata("format", "pt"); // as timm and Hugging Face write it
  check(writer.serialize(), message);
}

TEST_CASE("foreign files: a model of a later version, before anything else of it is looked at") {
  const std::string message = "the file has format version 2, this program reads up to 1; use a newer intvit";
  test::RawFile raw = test::take_apart(test::tiny_model());
  raw.metadata()["intvit.format_version"] = "2";
  raw.fix_checksums();
  check(raw.serialize(), message, StatusCode::unsupported);
  // Even its checksums may be others.
  SafetensorsWriter writer;
  writer.add_metadata("intvit.format_version", "2");
  check(writer.serialize(), message, StatusCode::unsupported);
}

TEST_CASE("foreign files: a model that needs what this program lacks") {
  SafetensorsWriter writer;
  writer.add_metadata("intvit.format_version", "1");
  writer.add_metadata("intvit.required_features", R"(["residual.int16","weights.int2"])");
  check(writer.serialize(),
        "the model needs the feature \"weights.int2\", which this program does not have; use a newer intvit",
        StatusCode::unsupported);
}

TEST_CASE("foreign files: two models one after the other") {
  std::vector<std::byte> twice = test::tiny_model();
  const std::vector<std::byte> once = twice;
  twice.insert(twice.end(), once.begin(), once.end());
  check(twice, std::to_string(once.size()) + " trailing bytes belong to no tensor");
}

} // namespace
} // namespace intvit
