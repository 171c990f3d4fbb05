#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <random>

#include <catch2/catch.hpp>

#include "engine/container/safetensors.hpp"
#include "engine/container/safetensors_header.hpp"
#include "tests/engine/container/safetensors_bytes.hpp"
#include "tests/support/data.hpp"

namespace intvit {
namespace {

using test::to_bytes;

std::vector<std::byte> random_bytes(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes(count);
  for (std::byte &byte : bytes)
    byte = static_cast<std::byte>(random() & 0xFF);
  return bytes;
}

// Another reader, after the format's description alone and for well-formed files alone: what it finds out of place
// fails the test.
class PlainReader {
public:
  struct Tensor {
    std::string dtype;
    std::vector<std::size_t> shape;
    std::string bytes;
  };
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
  std::size_t data_begin = 0;
  std::map<std::string, std::size_t> begins;

  explicit PlainReader(const std::vector<std::byte> &bytes) {
    for (const std::byte byte : bytes)
      file_ += std::to_integer<char>(byte);
    std::size_t header = 0;
    for (std::size_t i = 8; i > 0; --i)
      header = header * 256 + static_cast<unsigned char>(file_.at(i - 1));
    data_begin = 8 + header;
    REQUIRE(data_begin <= file_.size());
    at_ = 8;
    object([this](const std::string &name) {
      if (name == "__metadata__")
        object([this](const std::string &key) { metadata[key] = string(); });
      else
        tensor(name);
    });
    while (at_ < data_begin)
      expect(' ');
  }

private:
  void expect(char character) { REQUIRE(file_.at(at_++) == character); }

  std::string string() {
    std::string text;
    for (expect('"'); file_.at(at_) != '"'; ++at_) {
      if (file_[at_] != '\\') {
        text += file_[at_];
      } else if (const char escape = file_.at(++at_); escape == 'u') {
        text += static_cast<char>(std::stoi(file_.substr(at_ + 1, 4), nullptr, 16)); // control characters only
        at_ += 4;
      } else {
        const std::string_view letters = "bfnrt";
        const std::size_t letter = letters.find(escape);
        text += letter == std::string_view::npos ? escape : "\b\f\n\r\t"[letter];
      }
    }
    expect('"');
    return text;
  }

  std::vector<std::size_t> numbers() {
    std::vector<std::size_t> values;
    expect('[');
    while (file_.at(at_) != ']') {
      if (!values.empty())
        expect(',');
      std::size_t value = 0;
      REQUIRE(std::isdigit(static_cast<unsigned char>(file_.at(at_))) != 0);
      for (; std::isdigit(static_cast<unsigned char>(file_.at(at_))) != 0; ++at_)
        value = value * 10 + static_cast<std::size_t>(file_[at_] - '0');
      values.push_back(value);
    }
    expect(']');
    return values;
  }

  template <typename Member> void object(Member member) {
    expect('{');
    for (bool first = true; file_.at(at_) != '}'; first = false) {
      if (!first)
        expect(',');
      const std::string name = string();
      expect(':');
      member(name);
    }
    expect('}');
  }

  void tensor(const std::string &name) {
    Tensor &tensor = tensors[name];
    object([&](const std::string &field) {
      if (field == "dtype") {
        tensor.dtype = string();
      } else if (field == "shape") {
        tensor.shape = numbers();
      } else {
        REQUIRE(field == "data_offsets");
        const std::vector<std::size_t> offsets = numbers();
        REQUIRE(offsets.size() == 2);
        REQUIRE(offsets[0] <= offsets[1]);
        REQUIRE(data_begin + offsets[1] <= file_.size());
        begins[name] = offsets[0];
        tensor.bytes = file_.substr(data_begin + offsets[0], offsets[1] - offsets[0]);
      }
    });
  }

  std::string file_;
  std::size_t at_ = 0;
};

struct Sample {
  std::string name;
  DType dtype;
  std::string dtype_name;
  std::size_t element_size;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
};

// Every element type in every rank up to the highest, scalars and empty tensors among them.
std::vector<Sample> all_kinds() {
  struct Kind {
    DType dtype;
    std::string name;
    std::size_t size;
  };
  const std::vector<Kind> kinds = {{DType::boolean, "BOOL", 1}, {DType::u8, "U8", 1},   {DType::i8, "I8", 1},
                                   {DType::i16, "I16", 2},      {DType::u16, "U16", 2}, {DType::f16, "F16", 2},
                                   {DType::bf16, "BF16", 2},    {DType::i32, "I32", 4}, {DType::u32, "U32", 4},
                                   {DType::f32, "F32", 4},      {DType::f64, "F64", 8}, {DType::i64, "I64", 8},
                                   {DType::u64, "U64", 8}};
  const std::vector<std::vector<std::int64_t>> shapes = {{},
                                                         {0},
                                                         {5},
                                                         {2, 3},
                                                         {3, 0, 2},
                                                         {2, 3, 2},
                                                         {1, 2, 3, 2},
                                                         {2, 1, 2, 1, 3},
                                                         {1, 1, 1, 1, 1, 7},
                                                         {2, 1, 1, 2, 1, 1, 2},
                                                         {1, 2, 1, 2, 1, 2, 1, 2}};
  std::vector<Sample> samples;
  for (const Kind &kind : kinds)
    for (const auto &shape : shapes) {
      std::size_t size = kind.size;
      std::string name = "t/" + kind.name;
      for (const std::int64_t dimension : shape) {
        size *= static_cast<std::size_t>(dimension);
        name += '.';
        name += std::to_string(dimension);
      }
      const auto seed = static_cast<std::uint32_t>(samples.size());
      samples.push_back({name, kind.dtype, kind.name, kind.size, shape, random_bytes(size, seed)});
    }
  return samples;
}

SafetensorsWriter writer_of(const std::vector<Sample> &samples) {
  SafetensorsWriter writer;
  for (const Sample &sample : samples)
    REQUIRE(writer.add_tensor(sample.name, sample.dtype, sample.shape, sample.bytes).ok());
  return writer;
}

const std::map<std::string, std::string> awkward_metadata = {{"", "empty key"},
                                                             {"empty value", ""},
                                                             {"quote\" back\\slash", "line\nfeed\ttab\x01\x1f"},
                                                             {"caf\xC3\xA9", "\xF0\x9F\x90\x88"}};

TEST_CASE("safetensors writer: every element type and rank comes back as it went in") {
  const std::vector<Sample> samples = all_kinds();
  SafetensorsWriter writer = writer_of(samples);
  for (const auto &[key, value] : awkward_metadata)
    writer.add_metadata(key, value);
  const std::string path = test::temporary_file("kinds.safetensors");
  REQUIRE(writer.write(path).ok());
  const auto file = SafetensorsFile::open(path);
  REQUIRE(file.ok());

  CHECK(file->tensors().size() == samples.size());
  for (const Sample &sample : samples) {
    CAPTURE(sample.name);
    const TensorView *view = file->find(sample.name);
    REQUIRE(view != nullptr);
    CHECK(view->dtype == sample.dtype);
    CHECK(element_size(view->dtype) == sample.element_size);
    CHECK(safetensors_name(view->dtype) == sample.dtype_name);
    CHECK(view->shape == sample.shape);
    CHECK((std::vector<std::byte>(view->bytes.begin(), view->bytes.end()) == sample.bytes));
    // Aligned in the file to its element size.
    CHECK(static_cast<std::size_t>(view->bytes.data() - file->bytes().data()) % sample.element_size == 0);
  }
  CHECK(std::map<std::string, std::string>(file->metadata().begin(), file->metadata().end()) == awkward_metadata);
}

TEST_CASE("safetensors writer: another reader finds the same content, and the layout is the documented one") {
  const std::vector<Sample> samples = all_kinds();
  SafetensorsWriter writer = writer_of(samples);
  for (const auto &[key, value] : awkward_metadata)
    writer.add_metadata(key, value);
  const std::vector<std::byte> bytes = writer.serialize();
  const PlainReader reader(bytes);

  CHECK(reader.metadata == awkward_metadata);
  CHECK(reader.data_begin % 64 == 0);
  REQUIRE(reader.tensors.size() == samples.size());
  std::vector<Sample> layout = samples;
  std::sort(layout.begin(), layout.end(), [](const Sample &a, const Sample &b) {
    return a.element_size != b.element_size ? a.element_size > b.element_size : a.name < b.name;
  });
  std::size_t begin = 0;
  for (const Sample &sample : layout) {
    CAPTURE(sample.name);
    const PlainReader::Tensor &tensor = reader.tensors.at(sample.name);
    CHECK(tensor.dtype == sample.dtype_name);
    CHECK(std::equal(tensor.shape.begin(), tensor.shape.end(), sample.shape.begin(), sample.shape.end(),
                     [](std::size_t a, std::int64_t b) { return a == static_cast<std::size_t>(b); }));
    CHECK((to_bytes(tensor.bytes) == sample.bytes));
    CHECK(reader.begins.at(sample.name) == begin);
    begin += sample.bytes.size();
  }
  CHECK(reader.data_begin + begin == bytes.size());
}

TEST_CASE("safetensors writer: the order of adding does not change a byte") {
  std::vector<Sample> samples = all_kinds();
  SafetensorsWriter first = writer_of(samples);
  first.add_metadata("a", "1");
  first.add_metadata("b", "2");
  std::shuffle(samples.begin(), samples.end(), std::mt19937(7));
  SafetensorsWriter second = writer_of(samples);
  second.add_metadata("b", "to be replaced");
  second.add_metadata("b", "2");
  second.add_metadata("a", "1");
  CHECK((first.serialize() == second.serialize()));
}

TEST_CASE("safetensors writer: a file's exact bytes") {
  SafetensorsWriter writer;
  const auto two = to_bytes("ab");
  const auto four = to_bytes("wxyz");
  REQUIRE(writer.add_tensor("small", DType::i8, {2}, two).ok());
  REQUIRE(writer.add_tensor("wide", DType::i32, {}, four).ok());
  writer.add_metadata("k", "v");
  CHECK((writer.serialize() == test::safetensors_bytes(R"({"__metadata__":{"k":"v"},)"
                                                       R"("small":{"data_offsets":[4,6],"dtype":"I8","shape":[2]},)"
                                                       R"("wide":{"data_offsets":[0,4],"dtype":"I32","shape":[]}})"
                                                       "                                               ",
                                                       "wxyzab")));
  CHECK((SafetensorsWriter().serialize() == test::safetensors_bytes("{}" + std::string(54, ' '), "")));
}

TEST_CASE("safetensors writer: the header is padded whatever its length") {
  for (std::size_t length = 0; length < 130; ++length) {
    SafetensorsWriter writer;
    writer.add_metadata("k", std::string(length, 'x'));
    const PlainReader reader(writer.serialize());
    const std::size_t unpadded = 8 + std::string_view(R"({"__metadata__":{"k":""}})").size() + length;
    REQUIRE(reader.data_begin % 64 == 0);
    REQUIRE(reader.data_begin >= unpadded);
    REQUIRE(reader.data_begin < unpadded + 64);
    REQUIRE(reader.metadata.at("k").size() == length);
  }
}

TEST_CASE("safetensors writer: refuses tensors that no reader could take back") {
  SafetensorsWriter writer;
  const auto four = to_bytes("wxyz");
  const auto check = [&](std::string name, DType dtype, std::vector<std::int64_t> shape, const std::string &message) {
    const Status status = writer.add_tensor(std::move(name), dtype, std::move(shape), four);
    CHECK(status.code() == StatusCode::bad_argument);
    CHECK(status.message() == message);
  };
  check("a", DType::i8, {5}, "tensor \"a\": has 4 bytes, its shape and dtype need 5");
  check("a", DType::i16, {4}, "tensor \"a\": has 4 bytes, its shape and dtype need 8");
  check("a", DType::i16, {-2}, "tensor \"a\": shape has a negative dimension");
  check("a", DType::u8, std::vector<std::int64_t>(9, 1),
        "tensor \"a\": shape has 9 dimensions, at most 8 are supported");
  check("a", DType::u8, {std::int64_t{1} << 62, 4},
        "tensor \"a\": shape is too large: its size in bytes overflows 64 bits");
  check("__metadata__", DType::u8, {4}, "tensor \"__metadata__\": the name is reserved");
  check("caf\xE9", DType::u8, {4}, "tensor \"caf\\xe9\": the name is not UTF-8 text");
  // Nothing of this was kept, and a name is taken once.
  REQUIRE(writer.add_tensor("a", DType::u8, {4}, four).ok());
  check("a", DType::u8, {4}, "tensor \"a\": was added before");
  CHECK(SafetensorsFile::parse(writer.serialize(), "memory")->tensors().size() == 1);
}

TEST_CASE("safetensors writer: metadata that is not UTF-8 stays readable") {
  SafetensorsWriter writer;
  writer.add_metadata("label", "caf\xE9");
  const auto file = SafetensorsFile::parse(writer.serialize(), "memory");
  REQUIRE(file.ok());
  CHECK(file->metadata().at("label") == "caf\xEF\xBF\xBD");
}

TEST_CASE("safetensors writer: a failure names the file") {
  const std::string nowhere = test::temporary_file("no-such-folder") + "/m.safetensors";
  const Status status = SafetensorsWriter().write(nowhere);
  CHECK(status.code() == StatusCode::io);
  CHECK(status.message() == nowhere + ": cannot create a file in its folder: No such file or directory");

  // {"__metadata__":{"k":"..."}} has 25 bytes beside the value.
  const std::string path = test::temporary_file("long-header.safetensors");
  SafetensorsWriter writer;
  writer.add_metadata("k", std::string(max_safetensors_header_size, 'x'));
  const Status too_long = writer.write(path);
  CHECK(too_long.code() == StatusCode::bad_argument);
  CHECK(too_long.message() == path + ": the header would have 67108920 bytes, readers accept at most 67108864");
  CHECK(!std::ifstream(path).is_open());
}

} // namespace
} // namespace intvit
