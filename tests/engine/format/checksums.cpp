// The checksums of model files against an implementation of docs/format.md of its own.
#include "engine/format/checksums.hpp"

#include <catch2/catch.hpp>

#include "tests/engine/format/raw_file.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

using nlohmann::json;
using test::RawFile;

TEST_CASE("checksums: the test's own CRC-32C") {
  CHECK(test::crc32c_hex("123456789") == "e3069283"); // RFC 3720's check value
  CHECK(test::crc32c_hex("") == "00000000");
  CHECK(test::crc32c_hex(std::string(32, '\0')) == "8a9136aa");
}

TEST_CASE("checksums: of every tensor and of the metadata, as docs/format.md defines them") {
  RawFile raw = test::take_apart(test::tiny_model());
  const json checksums = json::parse(raw.metadata()["intvit.tensor_checksums"].get<std::string>());
  CHECK(checksums.size() == raw.header.size() - 1); // every key but __metadata__
  for (const auto &[name, tensor] : raw.header.items()) {
    if (name == "__metadata__")
      continue;
    CAPTURE(name);
    CHECK(checksums.at(name) == test::tensor_checksum(raw, name));
  }
  CHECK(raw.metadata()["intvit.metadata_checksum"] == test::metadata_checksum(raw.metadata()));
}

TEST_CASE("checksums: a file that another program wrote is accepted") {
  RawFile raw = test::take_apart(test::tiny_model());
  raw.metadata()["intvit.provenance"] = R"({"by":"hand"})";
  raw.metadata()["another.key"] = "text of another program";
  raw.fix_checksums();
  const Result<ModelFile> file = ModelFile::parse(raw.serialize(), "m");
  INFO(file.status().message());
  REQUIRE(file.ok());
  CHECK(file->bind().ok());
  CHECK(file->description().provenance.at("by") == "hand");
}

TEST_CASE("checksums: exactly what was changed is named") {
  // The message of the tiny model with other tensor checksums, for which the metadata's checksum fits.
  const RawFile original = test::take_apart(test::tiny_model());
  const auto message = [&original](const json &checksums) {
    RawFile raw = original;
    raw.metadata()["intvit.tensor_checksums"] = checksums.is_string() ? checksums.get<std::string>() : checksums.dump();
    raw.metadata()["intvit.metadata_checksum"] = test::metadata_checksum(raw.metadata());
    const Result<ModelFile> parsed = ModelFile::parse(raw.serialize(), "m");
    CHECK((parsed.ok() || parsed.status().code() == StatusCode::bad_format));
    return parsed.status().message();
  };
  RawFile raw = original;
  const json valid = json::parse(raw.metadata()["intvit.tensor_checksums"].get<std::string>());
  CHECK(message(valid) == "");

  for (const auto &[name, checksum] : valid.items()) {
    json wrong = valid;
    wrong[name] = checksum == "00000000" ? "00000001" : "00000000";
    CHECK(message(wrong) == "m: tensor " + name + ": its checksum does not match: the file is damaged");
    wrong = valid;
    wrong.erase(name);
    CHECK(message(wrong) == "m: the tensors' checksums are incomplete");
    wrong["someone.else"] = "00000000";
    CHECK(message(wrong) == "m: tensor " + name + " has no checksum");
    wrong = valid;
    wrong[name] = 7;
    CHECK(message(wrong) == "m: tensor " + name + " has no checksum");
  }
  for (const char *text : {"", "[]", "null", "{", "\"\"", "[[[[", "{\"a\":{\"b\":{}}}"})
    CHECK(message(json(text)) == "m: the tensors' checksums are incomplete");
}

TEST_CASE("checksums: missing or wrong in the metadata") {
  const auto message = [](const char *key, const char *value) {
    RawFile raw = test::take_apart(test::tiny_model());
    if (value == nullptr)
      raw.metadata().erase(key);
    else
      raw.metadata()[key] = value;
    const Result<ModelFile> parsed = ModelFile::parse(raw.serialize(), "m");
    CHECK(parsed.status().code() == StatusCode::bad_format);
    return parsed.status().message();
  };
  CHECK(message("intvit.tensor_checksums", nullptr) == "m: the metadata has no checksums");
  CHECK(message("intvit.metadata_checksum", nullptr) == "m: the metadata has no checksums");
  const std::string differs = "m: the metadata's checksum does not match: the file is damaged";
  CHECK(message("intvit.metadata_checksum", "") == differs);
  CHECK(message("intvit.metadata_checksum", "00000000") == differs);
  CHECK(message("intvit.labels", "[]") == differs);
  CHECK(message("intvit.provenance", nullptr) == differs);
  CHECK(message("another.key", "") == differs);
}

} // namespace
} // namespace intvit
