// `intvit verify` finds any changed bit: one in every tensor, one in every entry of the metadata, one in every part of
// the header that says where they are.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/cli/program.hpp"
#include "tests/support/data.hpp"
#include "tests/support/tiny_model.hpp"

using namespace intvit::test;
using Catch::Matchers::StartsWith;
using nlohmann::json;

namespace {

std::string tiny_file() {
  std::string text;
  for (const std::byte byte : tiny_model())
    text += static_cast<char>(byte);
  return text;
}

std::size_t header_size(const std::string &file) {
  std::size_t size = 0;
  for (std::size_t i = 8; i > 0; --i)
    size = size << 8 | static_cast<unsigned char>(file[i - 1]);
  return size;
}

void check_refused(std::string file, std::size_t byte, int bit, const std::string &what) {
  file[byte] = static_cast<char>(file[byte] ^ (1 << bit));
  const std::string path = temporary_file("flipped.safetensors");
  write_text(path, file);
  const Outcome outcome = run_program({"verify", "-m", path, "--isa", "reference"});
  CAPTURE(what, byte, bit, outcome.err);
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, StartsWith("intvit: " + path + ": "));
  CHECK(outcome.err.size() > path.size() + 30);
}

} // namespace

TEST_CASE("verify: the file whose bits are flipped below is whole") {
  const std::string path = temporary_file("whole.safetensors");
  write_text(path, tiny_file());
  CHECK(run_program({"verify", "-m", path}).exit_code == 0);
}

TEST_CASE("verify: a flipped bit in any tensor is found: weights, tables, the golden image and logits") {
  const std::string file = tiny_file();
  const std::size_t data = 8 + header_size(file);
  const json header = json::parse(file.substr(8, header_size(file)));
  int bit = 0;
  for (const auto &[name, tensor] : header.items()) {
    if (name == "__metadata__")
      continue;
    const auto begin = tensor["data_offsets"][0].get<std::size_t>();
    const auto end = tensor["data_offsets"][1].get<std::size_t>();
    check_refused(file, data + (begin + end) / 2, bit++ % 8, name);
  }
  CHECK(bit > 40);
}

TEST_CASE("verify: a flipped bit in any entry of the metadata is found: graph, recipe, labels, provenance, checksums") {
  const std::string file = tiny_file();
  const json header = json::parse(file.substr(8, header_size(file)));
  int entries = 0;
  for (const auto &[key, value] : header["__metadata__"].items()) {
    const std::size_t key_at = file.find("\"" + key + "\":\"");
    REQUIRE(key_at != std::string::npos);
    const std::size_t value_at = key_at + key.size() + 4;
    const std::size_t length = json(value).dump().size() - 2; // as it stands in the file
    REQUIRE(length > 0);
    check_refused(file, key_at + 1 + key.size() / 2, entries % 8, key + ", its name");
    for (int part = 0; part < 3; ++part) // beginning, middle and end
      check_refused(file, value_at + static_cast<std::size_t>(part) * (length - 1) / 2, (entries + part) % 8, key);
    ++entries;
  }
  CHECK(entries == 8);
}

TEST_CASE("verify: a flipped bit in what the header says of a tensor is found, and in the header's length") {
  const std::string file = tiny_file();
  for (std::size_t byte = 0; byte < 8; ++byte)
    check_refused(file, byte, static_cast<int>(byte), "length");
  const std::size_t tensor = file.find("\"head.weight\":{");
  REQUIRE(tensor != std::string::npos);
  const std::size_t end = file.find('}', tensor);
  for (std::size_t byte = tensor; byte <= end; ++byte)
    check_refused(file, byte, static_cast<int>(byte % 8), "head.weight's entry");
}
