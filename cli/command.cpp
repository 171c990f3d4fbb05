#include "cli/command.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>

#include <cxxopts.hpp>

#include "engine/container/utf8.hpp"
#include "models/program/text_file.hpp"

namespace intvit::cli {

namespace {

constexpr std::size_t terminal_width = 80;

// Running text whose lines fit a terminal. What begins with a blank is laid out already.
std::string folded(const std::string &text) {
  std::string result;
  for (std::string line : split(text, '\n')) {
    while (line.size() > terminal_width && line.front() != ' ') {
      const std::size_t blank = line.rfind(' ', terminal_width);
      if (blank == std::string::npos)
        break;
      result += line.substr(0, blank) + '\n';
      line.erase(0, blank + 1);
    }
    result += line + '\n';
  }
  result.pop_back(); // that of the last line, which is empty where the text ends with a line's end
  return result;
}

} // namespace

struct Parser::Library {
  cxxopts::Options options;
  cxxopts::ParseResult result;
};

Parser::Parser(const std::string &subcommand, const std::string &purpose, const std::string &positional)
    : subcommand_(subcommand), takes_positional_(!positional.empty()),
      library_(new Library{cxxopts::Options("intvit " + subcommand, purpose), {}}) {
  cxxopts::Options &options = library_->options;
  options.custom_help(takes_positional_ ? "[OPTIONS] " + positional : "[OPTIONS]");
  flag("h,help", "print this help");
}

Parser::~Parser() = default;

template <typename T>
void Parser::option(const std::string &names, const std::string &placeholder, const std::string &help,
                    const std::string &default_value) {
  const std::shared_ptr<cxxopts::Value> value = cxxopts::value<T>();
  library_->options.add_options(groups_.back())(
      names, help, default_value.empty() ? value : value->default_value(default_value), placeholder);
}
template void Parser::option<int>(const std::string &, const std::string &, const std::string &, const std::string &);
template void Parser::option<double>(const std::string &, const std::string &, const std::string &,
                                     const std::string &);
template void Parser::option<std::string>(const std::string &, const std::string &, const std::string &,
                                          const std::string &);

void Parser::flag(const std::string &names, const std::string &help) {
  library_->options.add_options(groups_.back())(names, help);
}

void Parser::formats(const std::vector<std::string> &words, const std::string &otherwise) {
  formats_ = words;
  std::string help;
  for (std::size_t i = 0; i < words.size(); ++i)
    help += (i == 0 ? "" : i + 1 < words.size() ? ", " : " or ") + words[i];
  if (!otherwise.empty())
    help += " (default: " + otherwise + ")";
  option<std::string>("format", "FORMAT", help, otherwise.empty() ? words.front() : "");
}

void Parser::group(const std::string &heading) {
  groups_.push_back(heading);
}

void Parser::hidden(const std::string &names) {
  library_->options.add_options("hidden")(names, "", cxxopts::value<std::string>());
}

bool Parser::parse(const Arguments &arguments) {
  // cxxopts gets what stands before "--", and takes no names itself: those that it takes it splits at commas. A "--"
  // before which an option still wants its value is that value.
  auto dashes = arguments.begin();
  for (bool parsed = false; !parsed; ++dashes) {
    dashes = std::find(dashes, arguments.end(), "--");
    std::vector<const char *> argv{subcommand_.c_str()};
    for (auto argument = arguments.begin(); argument != dashes; ++argument)
      argv.push_back(argument->c_str());
    try {
      library_->result = library_->options.parse(static_cast<int>(argv.size()), argv.data());
      parsed = true;
    } catch (const std::exception &error) { // cxxopts's own, whose name changed between versions
      if (dashes == arguments.end())
        throw UsageError(std::string(error.what()) + " (see intvit " + subcommand_ + " -h)");
    }
    if (dashes == arguments.end())
      break;
  }
  if (has("help")) {
    std::string help = library_->options.help(groups_);
    for (const std::string &heading : groups_) // cxxopts makes "HEADING options:" of them
      if (const std::size_t place = help.find(" " + heading + " options:\n");
          !heading.empty() && place != std::string::npos)
        help.replace(place, heading.size() + std::string("  options").size(), heading);
    std::cout << folded(help);
    return false;
  }
  positional_ = library_->result.unmatched();
  for (; dashes != arguments.end(); ++dashes)
    positional_.push_back(*dashes == "-" ? "./-" : *dashes); // a file, where before "--" it is standard input
  if (!takes_positional_ && !positional_.empty())
    throw UsageError("unexpected argument \"" + positional_.front() + "\" (see intvit " + subcommand_ + " -h)");
  return true;
}

template <typename T> T Parser::get(const std::string &option) const {
  return library_->result[option].as<T>();
}
template int Parser::get(const std::string &) const;
template double Parser::get(const std::string &) const;
template std::string Parser::get(const std::string &) const;

bool Parser::has(const std::string &option) const {
  return library_->result.count(option) > 0;
}

std::vector<std::string> Parser::all(const std::string &option) const {
  std::vector<std::string> values;
  for (const cxxopts::KeyValue &argument : library_->result.arguments())
    if (argument.key() == option)
      values.push_back(argument.value());
  return values;
}

std::string Parser::required(const std::string &option) const {
  if (!has(option))
    throw UsageError("--" + option + " is missing (see intvit " + subcommand_ + " -h)");
  return get<std::string>(option);
}

int Parser::integer(const std::string &option, int low, int high) const {
  int value = 0;
  try {
    value = get<int>(option);
  } catch (const std::exception &) {
    value = low - 1;
  }
  if (value < low || value > high)
    throw UsageError("--" + option + " must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
  return value;
}

std::vector<std::string> Parser::list(const std::string &option) const {
  std::vector<std::string> words = split(get<std::string>(option), ',');
  for (const std::string &word : words)
    if (word.empty())
      throw UsageError("--" + option + " must be a list like a,b,c, not \"" + get<std::string>(option) + "\"");
  return words;
}

std::vector<int> Parser::integers(const std::string &option, int low, int high) const {
  std::vector<int> values;
  for (const std::string &word : list(option)) {
    int value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size() || value < low || value > high)
      throw UsageError("--" + option + ": \"" + word + "\" is not an integer from " + std::to_string(low) + " to " +
                       std::to_string(high));
    values.push_back(value);
  }
  return values;
}

std::string Parser::format() const {
  return choice("format", formats_);
}

std::string Parser::choice(const std::string &option, const std::vector<std::string> &words) const {
  auto word = get<std::string>(option);
  if (std::find(words.begin(), words.end(), word) != words.end())
    return word;
  std::string list;
  for (const std::string &known : words)
    list += (list.empty() ? "" : ", ") + known;
  throw UsageError("--" + option + " is \"" + word + "\", expected one of: " + list);
}

void require(const Status &status) {
  if (!status.ok())
    throw std::runtime_error(status.message());
}

void print_error(const std::string &message) {
  std::fprintf(stderr, "intvit: %s\n", printable(message).c_str());
}

} // namespace intvit::cli
