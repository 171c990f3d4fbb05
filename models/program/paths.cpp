#include "models/program/paths.hpp"

namespace intvit {

std::filesystem::path file_path(const std::string &name) {
  return std::u8string(name.begin(), name.end());
}

std::string path_name(const std::filesystem::path &path) {
  const std::u8string name = path.generic_u8string();
  return {name.begin(), name.end()};
}

} // namespace intvit
