// Names of files as the system takes them: the project's are UTF-8 on Windows, elsewhere the bytes as they are.
#pragma once

#include <filesystem>
#include <string>

namespace intvit {

// Not by the constructor that takes a std::string, which on Windows asks the system's old character sets.
std::filesystem::path file_path(const std::string &name);

// With / between folders.
std::string path_name(const std::filesystem::path &path);

} // namespace intvit
