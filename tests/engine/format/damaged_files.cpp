// A whole model file damaged at every byte: no damage is ever taken for a model. Under AddressSanitizer this also shows
// that nothing outside the file is read.
#include <catch2/catch.hpp>

#include "engine/format/model_file.hpp"
#include "tests/engine/format/raw_file.hpp"
#include "tests/support/sanitizers.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

const auto step = static_cast<std::size_t>(test::one_in);

// Whether the bytes load and bind. FAILs, without counting an assertion each time, where a message lacks the origin.
bool is_accepted(std::vector<std::byte> bytes) {
  const Result<ModelFile> file = ModelFile::parse(std::move(bytes), "damaged");
  Status status = file.status();
  if (file.ok())
    status = file->bind().status();
  if (status.ok())
    return true;
  if (status.message().rfind("damaged: ", 0) != 0 || status.message().size() < 20)
    FAIL("not a message: " << status.message());
  return false;
}

TEST_CASE("damaged model: cut at every length") {
  const std::vector<std::byte> original = test::tiny_model();
  REQUIRE(is_accepted(original));
  int accepted = 0;
  for (std::size_t length = 0; length < original.size(); length += step)
    accepted += is_accepted({original.begin(), original.begin() + static_cast<std::ptrdiff_t>(length)}) ? 1 : 0;
  CHECK(accepted == 0);
}

TEST_CASE("damaged model: lengthened") {
  std::vector<std::byte> bytes = test::tiny_model();
  for (int i = 0; i < 70; ++i) {
    bytes.push_back(std::byte{0});
    CHECK_FALSE(is_accepted(bytes));
  }
}

// The bits of a byte, or one of them, which one changing from byte to byte.
void flip_bits(bool all_bits) {
  const std::vector<std::byte> original = test::tiny_model();
  const std::size_t header_end = 8 + test::take_apart(original).header_size;
  std::vector<std::byte> damaged = original;
  int accepted_header = 0;
  int accepted_data = 0;
  for (std::size_t at = 0; at < original.size(); at += all_bits ? 1 : step)
    for (std::size_t bit = 0; bit < 8; ++bit) {
      if (!all_bits && bit != at % 8)
        continue;
      damaged[at] = original[at] ^ static_cast<std::byte>(1U << bit);
      if (is_accepted(damaged)) {
        UNSCOPED_INFO("byte " << at << ", bit " << bit);
        ++(at < header_end ? accepted_header : accepted_data);
      }
      damaged[at] = original[at];
    }
  // Blanks at the header's end are part of the JSON text, and no flipped bit of a blank is a blank again. All else is
  // covered by checksums or says where the checksummed bytes are.
  CHECK(accepted_header == 0);
  CHECK(accepted_data == 0);
}

TEST_CASE("damaged model: a bit of every byte flipped") {
  flip_bits(false);
}

TEST_CASE("damaged model: every bit flipped", "[.][exhaustive]") {
  flip_bits(true);
}

TEST_CASE("damaged model: every byte of the header set to what JSON text consists of") {
  const std::vector<std::byte> original = test::tiny_model();
  const std::size_t header_end = 8 + test::take_apart(original).header_size;
  const std::string characters = "\"{}[],:0 ";
  std::vector<std::byte> damaged = original;
  int accepted = 0;
  for (std::size_t at = 8; at < header_end; at += step) {
    damaged[at] = static_cast<std::byte>(characters[at % characters.size()]);
    if (damaged[at] != original[at] && is_accepted(damaged))
      ++accepted;
    damaged[at] = original[at];
  }
  CHECK(accepted == 0);
}

TEST_CASE("damaged model: blanks of another kind at the header's end change nothing and are accepted") {
  std::vector<std::byte> bytes = test::tiny_model();
  const std::size_t header_end = 8 + test::take_apart(bytes).header_size;
  const auto last = static_cast<char>(bytes[header_end - 1]);
  if (last != ' ')
    return; // the header happens to need no padding
  for (const char blank : {'\t', '\n', '\r'}) {
    bytes[header_end - 1] = static_cast<std::byte>(blank);
    CHECK(is_accepted(bytes));
  }
  bytes[header_end - 1] = std::byte{0};
  CHECK_FALSE(is_accepted(bytes));
}

} // namespace
} // namespace intvit
