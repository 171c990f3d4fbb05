#include "models/import/weight_files.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "engine/container/json_text.hpp"
#include "engine/container/sha256.hpp"
#include "models/import/tensors.hpp"
#include "tests/models/import/weight_folder.hpp"
#include "tests/support/data.hpp"

using namespace intvit;
using namespace intvit::importer;
using namespace intvit::test;
using Catch::Contains;
using Catch::StartsWith;

namespace {

const WeightTensors three = {{"a", {{2, 2}, {1, 2, 3, 4}}}, {"b", {{3}, {5, 6, 7}}}, {"c", {{1, 1, 2}, {8, 9}}}};

std::string refusal(const std::string &path) {
  try {
    const WeightFiles files(path);
  } catch (const std::runtime_error &error) {
    return error.what();
  }
  return "not refused";
}

} // namespace

TEST_CASE("weights of shards are those of one file") {
  const std::string one = empty_folder("one");
  const std::string many = empty_folder("many");
  write_weights(three, one + "/model.safetensors");
  write_shards(three, many, 2);
  const WeightFiles whole(one);
  const WeightFiles parts(many);
  CHECK(whole.path() == one + "/model.safetensors");
  CHECK(parts.path() == many + "/model.safetensors.index.json");
  for (const WeightFiles *files : {&whole, &parts}) {
    TensorReader reader(*files);
    CHECK(files->tensors().size() == 3);
    CHECK(reader.matrix("a", {2, 2}, 2) == (RowMatrix(2, 2) << 1, 2, 3, 4).finished());
    CHECK(reader.vector("b", 3) == (RowVector(3) << 5, 6, 7).finished());
    CHECK_THROWS_WITH(reader.require_all_read("too much"), "tensor c of shape [1, 1, 2] is unexpected: too much");
    CHECK_THROWS_WITH(reader.vector("c", 2), "tensor c has shape [1, 1, 2], expected [2]");
    CHECK_THROWS_WITH(reader.vector("d", 2), "tensor d is missing, expected shape [2]");
    reader.ignore("c");
    reader.require_all_read("too much");
  }
  CHECK(whole.sha256() == WeightFiles(one + "/model.safetensors").sha256());
  const std::string listed = WeightFiles(many + "/model-1.safetensors").sha256() + "  model-1.safetensors\n" +
                             WeightFiles(many + "/model-2.safetensors").sha256() + "  model-2.safetensors\n";
  CHECK(parts.sha256() == sha256_hex(std::as_bytes(std::span(listed))));
}

TEST_CASE("a folder without readable weights is refused") {
  const std::string folder = empty_folder("refused");
  CHECK(refusal(folder) == folder + ": holds neither model.safetensors nor model.safetensors.index.json");
  write_text_file(folder + "/pytorch_model.bin", "");
  CHECK_THAT(refusal(folder), StartsWith(folder + ": ") && Contains("pytorch_model.bin cannot be read"));
  CHECK_THAT(refusal(folder + "/nothing"), StartsWith(folder + "/nothing: cannot open"));
}

TEST_CASE("an index that does not fit its shards is refused") {
  const std::string folder = empty_folder("index");
  const std::string index = folder + "/model.safetensors.index.json";
  write_shards(three, folder, 2);
  const auto refused = [&](const std::string &json, const std::string &message) {
    CAPTURE(json);
    write_text_file(index, json);
    CHECK_THAT(refusal(folder), StartsWith(folder + "/") && Contains(message));
  };
  const auto in_file = [](const std::string &name) { return R"({"weight_map": {"a": ")" + name + R"("}})"; };
  for (const std::string path : {"../model-1.safetensors", "/etc/passwd", "sub/model-1.safetensors", "..", ".", "",
                                 R"(sub\\model.safetensors)", R"(a\u0000b)"})
    refused(in_file(path), "must be the name of a file in the same folder");
  refused(in_file("model-3.safetensors"), "model-3.safetensors: cannot open");
  refused(in_file("model-2.safetensors"), "model-2.safetensors: tensor a is missing, which ");
  refused(R"({"weight_map": {"a": "model-1.safetensors"}})",
          "model-1.safetensors: tensor c is unexpected: model.safetensors.index.json does not list it for this file");
  refused(in_file("model.safetensors.index.json"), "model.safetensors.index.json: ");
  refused("{}", "\"weight_map\" is missing");
  refused(R"({"weight_map": {}})", "\"weight_map\" is empty");
  refused(R"({"weight_map": []})", "\"weight_map\" must be an object, is []");
  refused(R"({"weight_map": {"a": 1e300}})", "\"weight_map.a\" must be a string, is 1e+300");
  refused("", "parse error");
  refused("root:x:0:0", "model.safetensors.index.json: parse error: not JSON in UTF-8 at its byte 1"); // and none of it
  std::string values = R"({"weight_map": [0)";
  for (std::size_t i = 0; i < max_json_values; ++i)
    values += ",0";
  refused(values + "]}", "holds more than 1048576 values");
  refused("[]", "must be a JSON object, is []");
  refused("{\"weight_map\": " + std::string(100000, '['), "nested deeper than 32 levels");
  refused("\xff\xfe", "parse error");
  refused("{\"weight_map\": {\"a\": \"\xff\"}}", "parse error: not JSON in UTF-8 at its byte 23");
  refused(R"({"weight_map": {"a": ")" + std::string(10000, 'x') + R"("}})", "cannot open: File name too long");
}
