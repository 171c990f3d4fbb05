// Files that a command writes.
#pragma once

#include <string>
#include <vector>

namespace intvit::cli {

// To be asked before long work: throws std::runtime_error where the file cannot be written.
void check_output(const std::string &output);

// Throws std::runtime_error where the file is one of those that the command reads, by whatever name or link.
void check_not_read(const std::string &output, const std::vector<std::string> &inputs);

} // namespace intvit::cli
