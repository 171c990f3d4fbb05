#include "models/import/weight_files.hpp"

#include <filesystem>

#include <catch2/catch.hpp>

#include "engine/container/json_text.hpp"
#include "engine/container/sha256.hpp"
#include "models/import/load.hpp"
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

TEST_CASE("the only variant of a folder's weights is read") {
  const std::string folder = empty_folder("variant");
  write_weights(three, folder + "/model.fp16.safetensors");
  CHECK(WeightFiles(folder).path() == folder + "/model.fp16.safetensors");
  write_weights(three, folder + "/model.int8.safetensors");
  CHECK_THAT(refusal(folder), StartsWith(folder + ": holds neither model.safetensors"));
  write_weights(three, folder + "/model.safetensors");
  CHECK(WeightFiles(folder).path() == folder + "/model.safetensors");
}

TEST_CASE("names are those of the model, whatever wrapped it") {
  const std::string path = empty_folder("wrapped") + "/model.safetensors";
  const auto names = [&](const std::vector<std::string> &given) {
    WeightTensors tensors;
    for (const std::string &name : given)
      tensors[name] = {{1}, {1}};
    write_weights(tensors, path);
    std::vector<std::string> read;
    const WeightFiles files(path);
    for (const auto &[name, view] : files.tensors())
      read.push_back(name);
    return read;
  };
  const std::vector<std::string> model = {"blocks.0.norm1.bias", "cls_token"};
  CHECK(names(model) == model);
  for (const std::string prefix : {"module.", "_orig_mod.", "timm_model.", "model.", "module._orig_mod.", "a.b.c."})
    CHECK(names({prefix + model[0], prefix + model[1]}) == model);
  CHECK(names({"blocks.0._orig_mod.norm1.bias", "cls_token"}) == model);
  CHECK(names({"_fsdp_wrapped_module.blocks.0._checkpoint_wrapped_module.norm1.bias",
               "_fsdp_wrapped_module.cls_token"}) == model);
  CHECK(names({"blocks.0.norm1.bias", "blocks.0.norm1.weight", "blocks2"}).front() == "blocks.0.norm1.bias");
  CHECK(names({"my_orig_mod.a", "x"}) == std::vector<std::string>{"my_orig_mod.a", "x"});
  CHECK(names({"one.tensor"}) == std::vector<std::string>{"one.tensor"});
  CHECK_THROWS_WITH(names({"a._orig_mod.b", "a.b", "x"}),
                    path + ": tensor a.b is there twice, with and without the name of a wrapper");
}

TEST_CASE("what is in the weights' place is named") {
  const std::string folder = empty_folder("other");
  const std::string path = folder + "/model.safetensors";
  for (const auto &[content, message] : std::vector<std::pair<std::string, std::string>>{
           {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "but a git-lfs pointer"},
           {"<!DOCTYPE html><html></html>", "but a web page"},
           {"\xEF\xBB\xBF \n<HTML lang=en></html>", "but a web page"},
           {"<?xml version=\"1.0\"?><Error/>", "but an XML document"},
           {"PK\x03\x04 and so on", "but a zip archive, as PyTorch's checkpoints are"},
           {std::string("\x80\x02}q\x00X\x04\x00\x00\x00", 9), "but a pickle"},
           {"GGUF\x03 and so on", "but a GGUF file"},
           {"\x89HDF\r\n\x1a\n and so on", "but an HDF5 file"},
           {"\x1f\x8b\x08\x08 and so on", "but compressed by gzip"},
           {"{\"model_type\": \"vit\"}", "but a JSON text"},
           {"\x08\x07\x12\x07pytorch", "but an ONNX model"},
           {"", "the file is empty"},
           {"abcdefgh", "truncated or not a safetensors file"},
           {std::string("{\0\0\0\0\0\0\0{", 9), "truncated or not a safetensors file"}}) {
    write_text_file(path, content);
    CAPTURE(content);
    CHECK_THAT(refusal(folder), StartsWith(path + ": ") && Contains(message));
  }
  write_shards(three, folder, 2);
  std::filesystem::remove(path);
  write_text_file(folder + "/model-2.safetensors", "version https://git-lfs.github.com/spec/v1\n");
  CHECK_THAT(refusal(folder), StartsWith(folder + "/model-2.safetensors: ") && Contains("git lfs pull"));
}

TEST_CASE("an adapter is no model") {
  const std::string folder = empty_folder("adapter");
  write_text_file(folder + "/adapter_config.json", "{}");
  CHECK_THAT(refusal(folder), StartsWith(folder + ": holds neither model.safetensors") && Contains("it is an adapter"));
  CHECK_THROWS_WITH(load_float_model(folder), StartsWith(folder + ": holds no config.json; it is an adapter"));
  WeightTensors tensors = three;
  tensors["base_model.model.blocks.0.attn.qkv.lora_A.default.weight"] = {{1}, {1}};
  write_weights(tensors, folder + "/model.safetensors");
  CHECK_THAT(refusal(folder), Contains("is an adapter's (LoRA)"));
}

TEST_CASE("weights that cannot be read are told only where there are no others") {
  const std::string folder = empty_folder("pickle-beside");
  write_text_file(folder + "/pytorch_model.bin", "");
  CHECK_THROWS_WITH(load_float_model(folder), Contains("pytorch_model.bin cannot be read"));
  write_weights(three, folder + "/model.safetensors");
  CHECK_THROWS_WITH(load_float_model(folder), Contains("config.json") && !Contains("pytorch_model.bin"));
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
  refused("", "the file is empty");
  refused("<html>", "not JSON but a web page");
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
