#include "cli/benchmark/against.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "cli/process.hpp"
#include "cli/progress.hpp"

namespace intvit::cli {

namespace {

using nlohmann::json;

constexpr int least_pairs = 8;
constexpr double wanted_uncertainty = 0.004;
constexpr const char *this_program = "/proc/self/exe";

std::runtime_error cannot_run(const std::string &program, int error) {
  return std::runtime_error(program + ": cannot run: " + std::generic_category().message(error));
}

// What the program prints on standard output. Its messages go where ours do.
std::string output_of(const std::string &program, const std::vector<std::string> &arguments) {
  std::array<int, 2> ends = {};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw cannot_run(program, errno);
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char *> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string &word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  // That others disturb a turn is counted here.
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t process = 0;
  const int error = ::posix_spawnp(&process, program.c_str(), &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    throw cannot_run(program, error);
  }
  std::string text;
  std::array<char, 1 << 16> piece;
  for (ssize_t count = 0; (count = ::read(ends[0], piece.data(), piece.size())) != 0;)
    if (count > 0)
      text.append(piece.data(), static_cast<std::size_t>(count));
    else if (errno != EINTR)
      break;
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  stop_if_interrupted();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error(program + ": did not measure; try it alone: " + program + " bench ... --format json");
  return text;
}

std::string word(const json &object, const char *key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Answer::Result result_of(const json &object) {
  Answer::Result result;
  result.is_architecture = object.contains("arch");
  result.name = word(object, result.is_architecture ? "arch" : "model");
  result.weights = word(object, "weights");
  result.isa = word(object, "isa");
  result.threads = object.value("threads", 0);
  result.batch = object.value("batch", 0);
  result.median_ms = object.value("median_ms", 0.0);
  result.disturbed = object.value("disturbed", false);
  return result;
}

bool same(const Combination &a, const Combination &b) {
  return a.name == b.name && a.weights == b.weights && a.isa == b.isa && a.threads == b.threads && a.batch == b.batch;
}

// The pairs of one result.
struct Pairs {
  std::vector<double> now;
  std::vector<double> other;

  bool enough() const {
    if (now.size() < static_cast<std::size_t>(least_pairs))
      return false;
    const Change change = paired_change(now, other);
    return change.high - change.low <= 2 * wanted_uncertainty;
  }
};

} // namespace

Answer ask(const std::string &program, const std::vector<std::string> &arguments) {
  const std::string text = output_of(program, arguments);
  try {
    const json object = json::parse(text);
    const json &here = object.at("environment");
    Answer answer;
    answer.version = word(here, "intvit") + (word(here, "commit").empty() ? "" : ", commit " + word(here, "commit")) +
                     ", " + word(here, "compiler");
    for (const json &result : object.at("results")) {
      answer.results.push_back(result_of(result));
      if (!(answer.results.back().median_ms > 0))
        throw std::runtime_error("no time");
    }
    return answer;
  } catch (const std::exception &) { // whatever is wrong with it
    throw std::runtime_error(program + ": does not print the results of intvit bench --format json");
  }
}

Duel measure_against(const std::string &program, const std::vector<std::string> &arguments, int most_pairs) {
  Duel duel;
  std::vector<Answer::Result> results;
  std::vector<Pairs> pairs;
  ProgressBar progress("measuring in turns");
  for (int turn = 0; turn < most_pairs; ++turn) {
    progress.show(static_cast<std::size_t>(turn), static_cast<std::size_t>(most_pairs));
    const bool first = turn % 2 == 0;
    Answer a = ask(first ? this_program : program, arguments);
    Answer b = ask(first ? program : this_program, arguments);
    if (!first)
      std::swap(a, b);
    if (turn == 0) {
      duel.now = a.version;
      duel.other = b.version;
      results = a.results;
      pairs.resize(results.size());
    }
    if (a.results.size() != results.size() || b.results.size() != results.size())
      throw std::runtime_error(program + ": measures something else than this program");
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!same(a.results[i], b.results[i]))
        throw std::runtime_error(program + ": measures something else than this program");
      if (a.results[i].disturbed || b.results[i].disturbed)
        continue;
      pairs[i].now.push_back(a.results[i].median_ms);
      pairs[i].other.push_back(b.results[i].median_ms);
    }
    if (std::all_of(pairs.begin(), pairs.end(), [](const Pairs &pair) { return pair.enough(); }))
      break;
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    Comparison comparison{results[i], median(pairs[i].now), median(pairs[i].other),
                          {},         "disturbed",          static_cast<int>(pairs[i].now.size())};
    if (pairs[i].now.size() >= 2) {
      comparison.change = paired_change(pairs[i].now, pairs[i].other);
      if (comparison.pairs >= std::min(least_pairs, most_pairs))
        comparison.verdict = verdict(comparison.change);
    }
    duel.comparisons.push_back(std::move(comparison));
  }
  return duel;
}

} // namespace intvit::cli
