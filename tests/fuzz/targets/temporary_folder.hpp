// A folder of the process's own, removed when it ends as it should.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/fuzz/exercise_model.hpp"

namespace intvit::fuzz {

inline const std::filesystem::path &temporary_folder() {
  static const std::filesystem::path folder = [] {
    std::string path = (std::filesystem::temp_directory_path() / "intvit-fuzz-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr)
      report("no temporary folder", path.c_str());
    return std::filesystem::path(path);
  }();
  static const int removed = std::atexit([] {
    std::error_code ignored;
    std::filesystem::remove_all(temporary_folder(), ignored);
  });
  static_cast<void>(removed);
  return folder;
}

} // namespace intvit::fuzz
