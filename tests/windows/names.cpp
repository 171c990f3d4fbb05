// Names of files in any script, which are UTF-8 in the project and UTF-16 in the system.
#include <filesystem>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>

#include "engine/container/file_io.hpp"
#include "engine/runtime/model.hpp"

namespace intvit {
namespace {

namespace fs = std::filesystem;

// A folder of the test's own, removed with all that is in it.
struct Folder {
  fs::path path = fs::temp_directory_path() / u"intvit-\u043F\u0430\u043F\u043A\u0430 \u6A21\u578B";
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string file(const std::u16string &name) const {
    const std::u8string text = (path / name).u8string();
    return {text.begin(), text.end()};
  }
};

std::vector<std::byte> bytes_of(const std::string &text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

TEST_CASE("names: files in any script are written, replaced and read") {
  const Folder folder;
  for (const std::u16string &name : {std::u16string(u"plain"), std::u16string(u"\u043A\u043E\u0442.bin"),
                                     std::u16string(u"\u732B \u20AC.bin"), std::u16string(u"\U0001F408.bin")}) {
    const std::string path = folder.file(name);
    CAPTURE(path);
    CHECK(check_writable(path).ok());
    CHECK(read_file(path).status().message() == path + ": cannot open: No such file or directory");
    // Line feeds and the end of a text file are bytes like others.
    for (const std::string &text : {std::string("a\nb\r\nc\x1A\0d", 9), std::string("other"), std::string()}) {
      REQUIRE(write_file_atomically(path, bytes_of(text)).ok());
      const Result<std::vector<std::byte>> read = read_file(path);
      REQUIRE(read.ok());
      CHECK(*read == bytes_of(text));
    }
    CHECK(fs::exists(folder.path / name));
  }
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 4); // and nothing else
}

TEST_CASE("names: what cannot be read or written is told") {
  const Folder folder;
  const std::string path = folder.file(u"\u043F");
  fs::create_directories(folder.path / u"\u043F");
  CHECK(read_file(path).status().message() == path + ": cannot read: Is a directory");
  CHECK(write_file_atomically(path, {}).message() == path + ": cannot write: Is a directory");
  const std::string below = folder.file(u"missing") + "/file";
  CHECK(write_file_atomically(below, {}).code() == StatusCode::io);
  CHECK(read_file("\xFF").status().message() == "\xFF: cannot open: the name is no UTF-8");
  const std::string large = folder.file(u"large");
  REQUIRE(write_file_atomically(large, std::vector<std::byte>(10)).ok());
  CHECK(read_file(large, 9).status().message() == large + ": cannot read: 10 bytes, at most 9 are read");
  // An open file is not replaced, and nothing is left beside it.
  const std::ifstream open(folder.path / u"large");
  CHECK(write_file_atomically(large, {}).code() == StatusCode::io);
  CHECK(read_file(large)->size() == 10);
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 2);
}

TEST_CASE("names: a model is opened by such a name") {
  const Folder folder;
  fs::copy_file(INTVIT_SHIPPED_MODEL, folder.path / u"\u6A21\u578B.safetensors");
  CHECK(Model::open(folder.file(u"\u6A21\u578B.safetensors")).ok());
}

} // namespace
} // namespace intvit
