#include "tests/cli/program.hpp"

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "models/program/paths.hpp"
#include "tests/support/data.hpp"

namespace intvit::test {

std::vector<std::string> words(std::vector<std::string> first, const std::vector<std::string> &more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

void check_refused(const std::vector<std::string> &command, const std::vector<Refusal> &refusals) {
  for (const Refusal &refusal : refusals) {
    const std::vector<std::string> arguments = words(command, refusal.arguments);
    CAPTURE(arguments);
    const Outcome outcome = run_program(arguments);
    CHECK(outcome.exit_code == refusal.exit_code);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, Catch::Matchers::StartsWith("intvit: ") && Catch::Matchers::Contains(refusal.message));
  }
}

std::string without_disturbance(const std::string &err) {
  std::string rest;
  for (const std::string &line : lines(err))
    if (!line.starts_with("intvit: disturbed: "))
      rest += line + "\n";
  return rest;
}

std::vector<std::string> lines(const std::string &text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    result.push_back(line);
  return result;
}

std::vector<nlohmann::json> json_lines(const std::string &text) {
  std::vector<nlohmann::json> result;
  for (const std::string &line : lines(text))
    result.push_back(nlohmann::json::parse(line));
  return result;
}

std::string read_text(const std::string &path) {
  std::ifstream file(file_path(path), std::ios::binary);
  if (!file)
    throw std::runtime_error(path + ": cannot be opened");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_text(const std::string &path, const std::string &text) {
  std::ofstream file(file_path(path), std::ios::binary);
  file << text;
  if (!file.flush())
    throw std::runtime_error(path + ": cannot be written");
}

std::string sample_photograph() {
  return source_file("../docs/sample/chelsea.png");
}

} // namespace intvit::test
