#include <catch2/catch.hpp>

#include "engine/container/file_io.hpp"
#include "engine/container/safetensors.hpp"
#include "tests/engine/container/safetensors_bytes.hpp"
#include "tests/support/data.hpp"

namespace intvit {
namespace {

using test::safetensors_bytes;
using test::to_bytes;

TEST_CASE("safetensors: a file in the reference implementation's layout") {
  // As Python's safetensors.numpy.save writes {"b": int16[2], "w": float32[1, 2]} with metadata {"format": "pt"}.
  const std::string_view text("\x90\0\0\0\0\0\0\0"
                              R"({"__metadata__":{"format":"pt"},)"
                              R"("w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
                              R"("b":{"dtype":"I16","shape":[2],"data_offsets":[8,12]}})"
                              "   "
                              "\0\0\x80\x3F\0\0\0\xC0"
                              "\x01\0\xFF\xFF",
                              8 + 144 + 12);
  const auto file = SafetensorsFile::parse(to_bytes(text), "reference");
  REQUIRE(file.ok());
  CHECK(file->metadata().size() == 1);
  CHECK(file->metadata().at("format") == "pt");
  REQUIRE(file->tensors().size() == 2);

  const TensorView *w = file->find("w");
  REQUIRE(w != nullptr);
  CHECK(w->dtype == DType::f32);
  CHECK(w->shape == std::vector<std::int64_t>{1, 2});
  CHECK(w->elements() == 2);
  CHECK((std::vector<std::byte>(w->bytes.begin(), w->bytes.end()) ==
         to_bytes(std::string_view("\0\0\x80\x3F\0\0\0\xC0", 8))));
  const TensorView *b = file->find("b");
  REQUIRE(b != nullptr);
  CHECK(b->dtype == DType::i16);
  CHECK((std::vector<std::byte>(b->bytes.begin(), b->bytes.end()) == to_bytes(std::string_view("\x01\0\xFF\xFF", 4))));

  CHECK(file->find("W") == nullptr);
  CHECK(file->find("__metadata__") == nullptr);
  CHECK((std::vector<std::byte>(file->bytes().begin(), file->bytes().end()) == to_bytes(text)));
}

TEST_CASE("safetensors: views outlive a move of the file") {
  auto parsed = SafetensorsFile::parse(
      safetensors_bytes(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})", "xyz"), "memory");
  REQUIRE(parsed.ok());
  const TensorView view = *parsed->find("a");
  const SafetensorsFile moved = std::move(*parsed);
  CHECK(moved.find("a")->bytes.data() == view.bytes.data());
  CHECK((std::vector<std::byte>(view.bytes.begin(), view.bytes.end()) == to_bytes("xyz")));
}

TEST_CASE("safetensors: headers may list tensors and fields in any order, with blanks and escapes") {
  const auto file = SafetensorsFile::parse(
      safetensors_bytes(
          "{ \"late\" : {\"data_offsets\":[2,4],\n\t\"shape\":[2], \"dtype\":\"U8\"},"
          "\"caf\\u00e9\":{\"shape\":[],\"dtype\":\"BF16\",\"data_offsets\":[0,2]}, \"__metadata__\":{} }  ",
          "abcd"),
      "memory");
  REQUIRE(file.ok());
  CHECK(std::to_integer<char>(file->find("late")->bytes[0]) == 'c');
  REQUIRE(file->find("caf\xC3\xA9") != nullptr);
  CHECK(file->find("caf\xC3\xA9")->shape.empty());
  CHECK(file->metadata().empty());
}

TEST_CASE("safetensors: empty tensors lie anywhere between the others") {
  const auto file =
      SafetensorsFile::parse(safetensors_bytes(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                                               R"("e":{"dtype":"F32","shape":[0],"data_offsets":[2,2]},)"
                                               R"("f":{"dtype":"F32","shape":[4,0],"data_offsets":[2,2]},)"
                                               R"("b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]},)"
                                               R"("z":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}})",
                                               "wxyz"),
                             "memory");
  REQUIRE(file.ok());
  CHECK(file->find("e")->bytes.empty());
  CHECK(file->find("b")->bytes.size() == 2);
  CHECK(SafetensorsFile::parse(safetensors_bytes("{}", ""), "memory").ok());
}

TEST_CASE("safetensors: opening a file reads it, and errors begin with its name") {
  const std::string path = test::temporary_file("plain.safetensors");
  const auto bytes = safetensors_bytes(R"({"a":{"dtype":"I32","shape":[],"data_offsets":[0,4]}})", "abcd");
  REQUIRE(write_file_atomically(path, bytes).ok());
  const auto file = SafetensorsFile::open(path);
  REQUIRE(file.ok());
  CHECK(file->find("a")->elements() == 1);

  REQUIRE(write_file_atomically(path, std::span(bytes).first(bytes.size() - 1)).ok());
  const auto truncated = SafetensorsFile::open(path);
  CHECK(truncated.status().code() == StatusCode::bad_format);
  CHECK(truncated.status().message() ==
        path + ": tensor \"a\": data_offsets [0, 4) lie outside the file's 3 bytes of data");

  const auto missing = SafetensorsFile::open(path + "-missing");
  CHECK(missing.status().code() == StatusCode::io);
  CHECK(missing.status().message() == path + "-missing: cannot open: No such file or directory");
}

} // namespace
} // namespace intvit
