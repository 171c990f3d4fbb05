#include "models/import/weight_files.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>
#include <stdexcept>

#include "engine/container/sha256.hpp"
#include "models/import/json.hpp"
#include "models/program/paths.hpp"

namespace intvit::importer {

namespace {

namespace fs = std::filesystem;

SafetensorsFile open(const std::string &path) {
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file.ok())
    throw std::runtime_error(file.status().message());
  return std::move(*file);
}

// File name to the names of its tensors, in order.
using Shards = std::map<std::string, std::vector<std::string>>;

Shards read_index(const std::string &path) {
  Shards shards;
  read_json_file(path, [&](const json &root) {
    if (!root.contains("weight_map"))
      throw std::runtime_error("\"weight_map\" is missing");
    for (const auto &[tensor, value] : object(root["weight_map"], "weight_map").items()) {
      const std::string file = string(value, "weight_map." + tensor);
      if (file.empty() || file == "." || file == ".." || file.find_first_of("/\\") != std::string::npos ||
          file.find('\0') != std::string::npos)
        throw std::runtime_error("\"weight_map." + tensor + "\" is " + show(value) +
                                 ", must be the name of a file in the same folder");
      shards[file].push_back(tensor); // an object's keys come in order
    }
    if (shards.empty())
      throw std::runtime_error("\"weight_map\" is empty");
  });
  return shards;
}

// The weights in a folder that has neither model.safetensors nor an index: the only variant of the first.
std::string find_variant(const fs::path &folder) {
  std::vector<std::string> variants;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder))
    if (const std::string name = path_name(entry.path().filename());
        name.starts_with("model.") && name.ends_with(".safetensors"))
      variants.push_back(name);
  if (variants.size() == 1)
    return path_name(folder / file_path(variants.front()));
  const std::string content = unreadable_content(path_name(folder));
  throw std::runtime_error(path_name(folder) + ": holds neither model.safetensors nor model.safetensors.index.json" +
                           (content.empty() ? "" : "; " + content));
}

// A name without the parts that wrappers of a module put into it, wherever in the model the module is.
std::string without_wrappers(std::string_view name) {
  constexpr std::array<std::string_view, 3> wrappers = {"_orig_mod", "_fsdp_wrapped_module",
                                                        "_checkpoint_wrapped_module"};
  std::string result;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (std::find(wrappers.begin(), wrappers.end(), part) == wrappers.end())
      result.append(result.empty() ? "" : ".").append(part);
    begin = end + 1;
  }
  return result;
}

// The modules that all tensors are in. These are wrappers: a model has tensors or modules side by side.
std::size_t common_prefix(const WeightFiles::Tensors &tensors) {
  if (tensors.size() < 2)
    return 0;
  const std::string &first = tensors.begin()->first;
  const std::string &last = tensors.rbegin()->first; // in order: what these two share, all share
  const auto differs = std::mismatch(first.begin(), first.end(), last.begin(), last.end()).first;
  const std::size_t dot = first.substr(0, static_cast<std::size_t>(differs - first.begin())).rfind('.');
  return dot == std::string::npos ? 0 : dot + 1;
}

WeightFiles::Tensors without_wrappers(const WeightFiles::Tensors &tensors) {
  WeightFiles::Tensors unwrapped;
  for (const auto &[name, view] : tensors)
    if (!unwrapped.emplace(without_wrappers(name), view).second)
      throw std::runtime_error("tensor " + name + " is there twice, with and without the name of a wrapper");
  const std::size_t prefix = common_prefix(unwrapped);
  WeightFiles::Tensors result;
  for (const auto &[name, view] : unwrapped)
    result.emplace(name.substr(prefix), view);
  return result;
}

// Beside an adapter's tensors the model's own are not what it computes with.
void refuse_adapters(const WeightFiles::Tensors &tensors) {
  for (const auto &[name, view] : tensors)
    if (name.find(".lora_A.") != std::string::npos || name.find(".lora_B.") != std::string::npos)
      throw std::runtime_error("tensor " + name + " is an adapter's (LoRA): merge it into the model " +
                               "(merge_and_unload() of PEFT) and save the whole");
}

} // namespace

std::string unreadable_content(const std::string &folder) {
  const auto has = [&](const char *name) {
    std::error_code ignored;
    return fs::exists(file_path(folder) / name, ignored);
  };
  if (has("adapter_config.json") || has("adapter_model.safetensors"))
    return "it is an adapter, which holds changes to another model: merge it into that (merge_and_unload() of PEFT) "
           "and save the whole";
  if (has("open_clip_config.json"))
    return "it is a model of OpenCLIP, which is not read";
  if (!has("model.safetensors") && !has("model.safetensors.index.json"))
    for (const char *other : {"pytorch_model.bin", "tf_model.h5", "flax_model.msgpack"})
      if (has(other))
        return std::string(other) + " cannot be read, save the model as safetensors";
  return {};
}

WeightFiles::WeightFiles(const std::string &path) : path_(path) {
  const fs::path folder = file_path(path);
  const bool is_folder = fs::is_directory(folder);
  if (is_folder)
    path_ = path_name(folder / "model.safetensors");
  if (is_folder && !fs::exists(file_path(path_)))
    path_ = path_name(folder / "model.safetensors.index.json");
  if (is_folder && !fs::exists(file_path(path_)))
    path_ = find_variant(folder);
  if (is_folder && path_.ends_with(".json")) {
    open_shards(path);
  } else {
    files_.push_back(open(path_));
    tensors_ = files_.front().tensors();
  }
  try {
    refuse_adapters(tensors_);
    tensors_ = without_wrappers(tensors_);
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(path_ + ": " + error.what());
  }
}

void WeightFiles::open_shards(const std::string &folder) {
  for (const auto &[name, listed] : read_index(path_)) {
    const std::string path = path_name(file_path(folder) / file_path(name));
    const SafetensorsFile &file = files_.emplace_back(open(path));
    for (const std::string &tensor : listed) {
      const TensorView *found = file.find(tensor);
      if (found == nullptr)
        throw std::runtime_error(path + ": tensor " + tensor + " is missing, which model.safetensors.index.json lists");
      tensors_.emplace(tensor, *found);
    }
    if (file.tensors().size() != listed.size())
      for (const auto &[tensor, view] : file.tensors())
        if (!std::binary_search(listed.begin(), listed.end(), tensor))
          throw std::runtime_error(path + ": tensor " + tensor +
                                   " is unexpected: model.safetensors.index.json does not list it for this file");
    shards_.push_back(name);
  }
}

const TensorView *WeightFiles::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

std::vector<std::string> WeightFiles::paths() const {
  std::vector<std::string> result{path_};
  for (const std::string &shard : shards_)
    result.push_back(path_name(file_path(path_).parent_path() / file_path(shard)));
  return result;
}

std::string WeightFiles::sha256() const {
  if (shards_.empty())
    return sha256_hex(files_.front().bytes());
  std::string list;
  for (std::size_t i = 0; i < shards_.size(); ++i)
    list += sha256_hex(files_[i].bytes()) + "  " + shards_[i] + "\n";
  return sha256_hex(std::as_bytes(std::span(list)));
}

} // namespace intvit::importer
