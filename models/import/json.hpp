// The JSON files beside weights (config.json, preprocessor_config.json, model.safetensors.index.json), read as what
// strangers wrote: every value is checked for its type and its range before it is used.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace intvit::importer {

using nlohmann::json;

// Parses the object in the file at `path` and hands it to `read`. Throws std::runtime_error, beginning with `path`:
// file unreadable or above 64 MiB, not JSON, nested deeper than 32 levels or of more
// than 2^20 values, no object, or whatever `read` throws.
void read_json_file(const std::string &path, const std::function<void(const json &root)> &read);

// Each returns `value` as the type it names and throws std::runtime_error that names `key` and shows the value, where
// that is of another type or out of range. Files that other programs wrote again have 224.0 for 224 and "1e-12", which
// YAML takes for text, for 1e-12; both are read.
int positive_integer(const json &value, const std::string &key); // 1 to 1,000,000
double number(const json &value, const std::string &key);        // finite
bool boolean(const json &value, const std::string &key);
std::string string(const json &value, const std::string &key);
const json &array(const json &value, const std::string &key, std::size_t size);
const json &object(const json &value, const std::string &key);
std::array<double, 3> three_numbers(const json &value,
                                    const std::string &key); // a list of three, or one number for all three

// The names of classes: a list of them, or an object with the keys "0", "1", ... in any order. A name is a text, a
// number or true or false, which is taken as it is spelled in JSON.
std::vector<std::string> class_names(const json &value, const std::string &key);

// Whether these are the names that transformers gives where nobody does: "LABEL_0", "LABEL_1", ...
bool are_placeholders(const std::vector<std::string> &names);

// A value for a message, cut where it is long.
std::string show(const json &value);

} // namespace intvit::importer
