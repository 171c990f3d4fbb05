// Status codes, their table, and the messages that callers read.
#include "engine/api/status.hpp"

#include <cstring>
#include <new>
#include <set>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

namespace intvit {
namespace {

TEST_CASE("status: the numbers are part of the interface, and every one has its row") {
  const std::vector<std::pair<int, std::string>> expected = {{0, "INTVIT_OK"},
                                                             {1, "INTVIT_IO"},
                                                             {2, "INTVIT_BAD_FORMAT"},
                                                             {3, "INTVIT_UNSUPPORTED"},
                                                             {4, "INTVIT_BAD_ARGUMENT"},
                                                             {5, "INTVIT_OUT_OF_MEMORY"},
                                                             {6, "INTVIT_NOT_AVAILABLE"},
                                                             {7, "INTVIT_INTERNAL"},
                                                             {8, "INTVIT_CANCELLED"}};
  std::set<std::string> messages;
  for (const auto &[number, name] : expected) {
    const auto status = static_cast<intvit_status>(number);
    CHECK(intvit_status_name(status) == name);
    CHECK(messages.insert(intvit_status_message(status)).second);
  }
  CHECK(INTVIT_CANCELLED == 8);
  for (const int number : {-1, 9, 1 << 30}) {
    intvit_status status{};
    static_assert(sizeof status == sizeof number);
    std::memcpy(&status, &number, sizeof status); // as a C program would pass it
    CHECK(intvit_status_name(status) == std::string("unknown status"));
    CHECK(intvit_status_message(status) == std::string("unknown status"));
  }
}

TEST_CASE("status: the engine's failures keep their code and message") {
  for (int code = 0; code <= 6; ++code) {
    intvit_error error;
    const intvit_status status = api::report(Status(static_cast<StatusCode>(code), "why"), &error);
    CHECK(status == code);
    CHECK(error.status == status);
    CHECK(error.message == std::string("why"));
    // StatusCode::io is INTVIT_IO.
    std::string upper = "INTVIT_";
    for (const char c : name(static_cast<StatusCode>(code)))
      upper += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    CHECK(intvit_status_name(status) == upper);
    CHECK(api::report(Status(static_cast<StatusCode>(code), "why"), nullptr) == status);
  }
}

TEST_CASE("status: of a message that is too long the middle is left out, between characters") {
  constexpr std::size_t limit = sizeof(intvit_error::message) - 1;
  for (const std::string &character :
       {std::string("a"), std::string("\u00e9"), std::string("\u20ac"), std::string("\U0001F408")})
    for (std::size_t lead = 0; lead < 4; ++lead) {
      std::string text(lead, 'x');
      while (text.size() <= 2 * limit)
        text += character;
      intvit_error error;
      CHECK(api::report(Status(StatusCode::io, text), &error) == INTVIT_IO);
      const std::string kept = error.message;
      const std::size_t gap = kept.find(" ... ");
      REQUIRE(gap != std::string::npos);
      const std::string end = kept.substr(gap + 5);
      CHECK(kept.substr(0, gap) == text.substr(0, gap));
      CHECK((gap - lead) % character.size() == 0);
      CHECK(end == text.substr(text.size() - end.size()));
      CHECK(end.size() % character.size() == 0);
      CHECK(end.size() > gap);
      CHECK(kept.size() + 2 * character.size() > limit);
    }
  intvit_error error;
  const std::string fits(limit, 'y');
  CHECK(api::report(Status(StatusCode::io, fits), &error) == INTVIT_IO);
  CHECK(error.message == fits);
  const std::string path(600, 'p');
  CHECK(intvit_model_open(path.c_str(), nullptr, nullptr, &error) == INTVIT_BAD_ARGUMENT);
  intvit_model *model = nullptr;
  CHECK(intvit_model_open(path.c_str(), nullptr, &model, &error) == INTVIT_IO);
  CHECK(std::string(error.message).ends_with("cannot open: File name too long"));
}

TEST_CASE("status: a message with a stranger's bytes is one line of UTF-8") {
  intvit_model *model = nullptr;
  intvit_error error;
  CHECK(intvit_model_open("/no/\xff\x1b[31m\n", nullptr, &model, &error) == INTVIT_IO);
  CHECK(error.message == std::string(R"(/no/\xff\x1b[31m\n: cannot open: No such file or directory)"));
}

TEST_CASE("status: no exception crosses the boundary") {
  intvit_error error;
  CHECK(api::guarded(&error, []() -> Status { throw std::bad_alloc(); }) == INTVIT_OUT_OF_MEMORY);
  CHECK(error.status == INTVIT_OUT_OF_MEMORY);
  CHECK(error.message == std::string("not enough memory"));
  CHECK(api::guarded(&error, []() -> Status { throw std::out_of_range("x"); }) == INTVIT_INTERNAL);
  CHECK(api::guarded(&error, []() -> Status { throw 1; }) == INTVIT_INTERNAL);
  CHECK(error.message == std::string("an exception was thrown where none may be"));
  CHECK(api::guarded(&error, [] { return Status(); }) == INTVIT_OK);
  CHECK(error.message == std::string());
}

} // namespace
} // namespace intvit
