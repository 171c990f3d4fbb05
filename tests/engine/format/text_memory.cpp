// What a stranger's header and JSON texts can make the loader allocate: SECURITY.md has these limits. The largest
// texts, of the most entries and values that are read, of the kinds that take the most memory for their length.
#include <cstdlib>
#include <functional>
#include <new>
#include <string>

#include <catch2/catch.hpp>

#include "engine/container/json_text.hpp"
#include "engine/container/safetensors_header.hpp"
#include "tests/engine/container/safetensors_bytes.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/sanitizers.hpp"

#if defined(__GLIBC__) && INTVIT_ADDRESS_SANITIZER == 0 && INTVIT_THREAD_SANITIZER == 0
#define INTVIT_COUNTS_BYTES 1
#include <malloc.h>
#else
#define INTVIT_COUNTS_BYTES 0
#endif

namespace {
std::size_t bytes_now = 0;
std::size_t bytes_most = 0;
} // namespace

#if INTVIT_COUNTS_BYTES
// The other forms of new end in this one, and the library allocates by no other means. malloc() takes 8 bytes besides.
void *operator new(std::size_t bytes) {
  void *memory = std::malloc(bytes > 0 ? bytes : 1);
  if (memory == nullptr)
    throw std::bad_alloc();
  bytes_now += malloc_usable_size(memory) + 8;
  bytes_most = bytes_now > bytes_most ? bytes_now : bytes_most;
  return memory;
}
void operator delete(void *memory) noexcept {
  if (memory != nullptr)
    bytes_now -= malloc_usable_size(memory) + 8;
  std::free(memory);
}
void operator delete(void *memory, std::size_t) noexcept {
  operator delete(memory);
}
#endif

namespace intvit {
namespace {

constexpr std::size_t mega = 1'000'000;
constexpr std::size_t most_of_header = 300 * mega; // besides the file
constexpr std::size_t most_of_text = 250 * mega;   // besides the text
constexpr std::size_t most_of_model = 400 * mega;  // besides the file

// The most that was allocated at once while work() ran.
std::size_t peak_of(const std::function<void()> &work) {
  const std::size_t before = bytes_now;
  bytes_most = before;
  work();
  return bytes_most - before;
}

bool cannot_count() {
  if (INTVIT_COUNTS_BYTES != 0)
    return false;
  test::skip("bytes can be counted with glibc and without sanitizers only");
  return true;
}

std::string of_digits(std::size_t number, std::size_t digits) {
  const std::string text = std::to_string(number);
  return std::string(digits - text.size(), '0') + text;
}

// `begin`, `count` of entry(i) parted by commas, `end`, and blanks up to `size` bytes.
std::string list_of(const std::string &begin, std::size_t count, const std::string &end, std::size_t size,
                    const std::function<std::string(std::size_t)> &entry) {
  std::string text = begin;
  text.reserve(size);
  for (std::size_t i = 0; i < count; ++i)
    text += (i == 0 ? "" : ",") + entry(i);
  text += end;
  REQUIRE(text.size() <= size);
  return text + std::string(size - text.size(), ' ');
}

TEST_CASE("text memory: a header") {
  if (cannot_count())
    return;
  constexpr std::size_t size = max_safetensors_header_size;
  constexpr std::size_t entries = max_safetensors_entries - 1;
  constexpr std::size_t share = size / max_safetensors_entries; // 256 bytes
  const std::string tensor = R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  const auto name = [](std::size_t digits) {
    return [digits](std::size_t i) { return "\"" + of_digits(i, digits) + "\":\"\""; };
  };
  const std::string headers[] = {
      list_of("{", entries, "}", size,
              [&](std::size_t i) { return "\"" + of_digits(i, share - tensor.size() - 3) + tensor; }),
      list_of("{", entries, "}", size, [&](std::size_t i) { return "\"" + of_digits(i, 6) + tensor; }),
      list_of(R"({"__metadata__":{)", entries, "}}", size, name(share - 8)),
      list_of(R"({"__metadata__":{)", entries, "}}", size, name(6)),
      list_of(R"({"__metadata__":{)", 1, "}}", size, name(size - 40)),
      list_of("{", 1, "}", size, [&](std::size_t) { return "\"" + std::string(size - 80, 'x') + tensor; }),
  };
  for (const std::string &header : headers) {
    std::vector<std::byte> file = test::safetensors_bytes(header, "");
    bool read = false;
    const std::size_t peak = peak_of([&] { read = SafetensorsFile::parse(std::move(file), "m").ok(); });
    CAPTURE(header.substr(0, 60), peak);
    CHECK(read);
    CHECK(peak <= most_of_header);
  }
}

TEST_CASE("text memory: a JSON text") {
  if (cannot_count())
    return;
  constexpr std::size_t size = max_json_text;
  constexpr std::size_t values = max_json_values - 1;
  const std::string texts[] = {
      list_of("[", values, "]", size, [](std::size_t) { return "0"; }),
      list_of("[", values, "]", size, [](std::size_t) { return "\"xxxxxxxxxxxxx\""; }),
      list_of("[", values / 4, "]", size, [](std::size_t) { return "\"" + std::string(60, 'x') + "\""; }),
      list_of("[", values / 2, "]", size, [](std::size_t) { return "[]"; }),
      list_of("[", values / 2, "]", size, [](std::size_t) { return "{}"; }),
      list_of("[", values / 3, "]", size, [](std::size_t) { return R"({"":""})"; }),
      list_of("[", values / 3, "]", size, [](std::size_t) { return R"({"0123456789abcdef":"0123456789abcdef"})"; }),
      list_of("{", values / 2, "}", size, [](std::size_t i) { return "\"" + of_digits(i, 7) + "\":\"\""; }),
      list_of("{", values / 2, "}", size, [](std::size_t i) { return "\"" + of_digits(i, 16) + "\":\"\""; }),
      list_of("{", values / 3, "}", size, [](std::size_t i) { return "\"" + of_digits(i, 7) + "\":[]"; }),
      list_of("[", 1, "]", size, [](std::size_t) { return "\"" + std::string(size - 4, 'x') + "\""; }),
  };
  for (const std::string &text : texts) {
    bool read = false;
    const std::size_t peak = peak_of([&] { read = !parse_json_text(text).is_discarded(); });
    CAPTURE(text.substr(0, 60), peak);
    CHECK(read);
    CHECK(peak <= most_of_text);
  }
}

TEST_CASE("text memory: a model whose texts are as long as they may be") {
  if (cannot_count())
    return;
  test::ModelParts parts = test::one_product(8, 1);
  parts.add_blank_golden(1);
  parts.description.labels.assign(max_json_values - 1, "xxxxxxxxxxxx");
  for (std::size_t i = 0; i < max_json_values / 2 - 1; ++i)
    parts.description.provenance.emplace(of_digits(i, 7), "xx");
  SafetensorsWriter writer = parts.writer();
  for (std::size_t i = 0; i < max_safetensors_entries - 100; ++i)
    writer.add_metadata(of_digits(i, 20), std::string(60, 'x'));
  add_model_metadata(parts.description, writer);
  std::vector<std::byte> file = writer.serialize();
  REQUIRE(file.size() > max_safetensors_header_size / 2);
  bool read = false;
  const std::size_t peak = peak_of([&] { read = ModelFile::parse(std::move(file), "m").ok(); });
  CAPTURE(peak);
  CHECK(read);
  CHECK(peak <= most_of_model);
}

} // namespace
} // namespace intvit
