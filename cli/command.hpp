// What the subcommands of `intvit` share: their options, their errors and their exit codes.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/status.hpp"
#include "models/program/usage_error.hpp"

namespace intvit::cli {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failure = 1; // something could not be read, written or computed
inline constexpr int exit_usage = 2;   // the command line makes no sense

using Arguments = std::vector<std::string>; // without the program's and the subcommand's names

// A subcommand's options. First each is added, then the arguments are parsed, then values are taken; what makes no
// sense throws UsageError. T is int, double or std::string.
class Parser {
public:
  Parser(const std::string &subcommand, const std::string &purpose, const std::string &positional = "");
  ~Parser();

  // An option with a value, which the help calls `placeholder`. `names` is a letter and a long name, "k,top", or the
  // long name alone; the functions below take the long name. An option without a default has a value only if has() is
  // true.
  template <typename T>
  void option(const std::string &names, const std::string &placeholder, const std::string &help,
              const std::string &default_value = "");
  // An option without a value.
  void flag(const std::string &names, const std::string &help);
  // Adds --format, of which the first word is the default unless `otherwise` says what is: then format() needs it
  // given.
  void formats(const std::vector<std::string> &words, const std::string &otherwise = "");
  // The help lists the options that are added from now on under this heading, after those without one.
  void group(const std::string &heading);
  // An option with a value that is accepted but not shown in the help, for a message to those who know it from other
  // subcommands.
  void hidden(const std::string &names);

  // The names given beside the options, in order and whole; empty where the subcommand takes none. What stands behind
  // "--" is a name whatever it looks like, "-" too, which is told as "./-".
  const std::vector<std::string> &positional() const { return positional_; }

  // False after printing the help: the subcommand is done.
  bool parse(const Arguments &arguments);

  template <typename T> T get(const std::string &option) const;
  // Whether it was given; a default is not.
  bool has(const std::string &option) const;
  // Every value of an option that may be given several times, in order.
  std::vector<std::string> all(const std::string &option) const;
  // An option that must be given.
  std::string required(const std::string &option) const;
  // An integer from `low` to `high`.
  int integer(const std::string &option, int low, int high) const;
  // Words separated by commas, at least one and none empty. Not for names of files, which may hold commas.
  std::vector<std::string> list(const std::string &option) const;
  // Likewise integers from `low` to `high`.
  std::vector<int> integers(const std::string &option, int low, int high) const;
  // --format.
  std::string format() const;
  // One of a list of words.
  std::string choice(const std::string &option, const std::vector<std::string> &words) const;

private:
  std::string subcommand_;
  bool takes_positional_;
  struct Library; // cxxopts, whose header is slow to compile and whose regular expressions are slow to start
  std::unique_ptr<Library> library_;
  std::vector<std::string> positional_;
  std::vector<std::string> formats_;
  std::vector<std::string> groups_{""}; // headings in order
};

// The value of a result; its failure is thrown as std::runtime_error.
template <typename T> T value_of(Result<T> result) {
  if (!result.ok())
    throw std::runtime_error(result.status().message());
  return std::move(*result);
}
void require(const Status &status);

// A line on stderr, whatever the message holds: "intvit: message".
void print_error(const std::string &message);

} // namespace intvit::cli
