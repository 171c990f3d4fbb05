// How text leaves the program. Labels, provenance, names of nodes, tensors and files are what a stranger wrote: each
// goes through one of these, or through printable() where people read it, and through escape_html() in drawings and
// pages.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace intvit::cli {

// A file's name for JSON, whatever bytes it has: two files never get one name (see escape_bytes()).
std::string path_text(const std::string &path);

// JSON, with line breaks where `indent` is not negative. What a terminal would obey is escaped, so that a parser gives
// the text as it was. Never throws for what a string holds.
std::string json_text(const nlohmann::json &value, int indent = -1);

// A line of a CSV file with its end. Cells are put in quotes where they need them. Bytes that are not UTF-8 and control
// characters other than tab and line ends become escapes (see escape_bytes()). A spreadsheet computes what begins with
// = + - @, a tab or a carriage return, so such a text gets an apostrophe in front, numbers excepted; a text that begins
// with apostrophes and one of these gets one more.
std::string csv_line(const std::vector<std::string> &cells);

// A number for a cell, with six significant digits.
std::string csv_number(double value);

} // namespace intvit::cli
