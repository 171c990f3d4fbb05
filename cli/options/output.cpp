#include "cli/options/output.hpp"

#include <filesystem>
#include <stdexcept>

#include "cli/command.hpp"
#include "engine/container/file_io.hpp"
#include "models/program/paths.hpp"

namespace intvit::cli {

void check_output(const std::string &output) {
  require(check_writable(output));
}

void check_not_read(const std::string &output, const std::vector<std::string> &inputs) {
  std::error_code error; // of a file that is not there, which is no other
  if (!std::filesystem::exists(file_path(output), error))
    return;
  for (const std::string &input : inputs)
    if (std::filesystem::equivalent(file_path(output), file_path(input), error))
      throw std::runtime_error(output + ": this command reads it" + (input == output ? "" : " as " + input) +
                               ", so it cannot be what is written");
}

} // namespace intvit::cli
