#include "tests/support/data.hpp"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#ifdef _WIN32
#include <process.h>
#else
#include <unistd.h>
#endif

namespace intvit::test {

namespace fs = std::filesystem;

std::string source_file(const std::string &relative) {
  return std::string(INTVIT_TEST_DIR) + "/" + relative;
}

std::optional<std::string> shared_data(const std::string &relative) {
  const char *configured = std::getenv("INTVIT_DATA");
  const fs::path root =
      configured != nullptr ? fs::path(configured) : fs::path(INTVIT_TEST_DIR) / ".." / ".." / "shared" / "data";
  const fs::path path = root / relative;
  if (fs::exists(path))
    return path.lexically_normal().generic_string();
  const char *required = std::getenv("INTVIT_REQUIRE_DATA");
  if (required != nullptr && *required != '\0')
    throw std::runtime_error(path.generic_string() + " is not there, and INTVIT_REQUIRE_DATA is set");
  std::cout << "[skipped] needs " << relative << " of the data folder (set INTVIT_DATA)\n";
  return std::nullopt;
}

namespace {

int this_process() {
#ifdef _WIN32
  return ::_getpid();
#else
  return ::getpid();
#endif
}

} // namespace

std::string temporary_file(const std::string &name) {
  struct Folder {
    fs::path path = fs::temp_directory_path() / ("intvit-test-" + std::to_string(this_process()));
    Folder() { fs::create_directories(path); }
    ~Folder() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  };
  static const Folder folder;
  return (folder.path / name).generic_string();
}

} // namespace intvit::test
