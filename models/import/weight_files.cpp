#include "models/import/weight_files.hpp"

#include <algorithm>
#include <filesystem>
#include <span>
#include <stdexcept>

#include "engine/container/sha256.hpp"
#include "models/import/json.hpp"

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

} // namespace

WeightFiles::WeightFiles(const std::string &path) : path_(path) {
  if (fs::is_directory(path)) {
    const fs::path folder = path;
    path_ = (folder / "model.safetensors").string();
    if (!fs::exists(path_)) {
      path_ = (folder / "model.safetensors.index.json").string();
      if (fs::exists(path_)) {
        open_shards(path);
        return;
      }
      throw std::runtime_error(path + ": holds neither model.safetensors nor model.safetensors.index.json" +
                               (fs::exists(folder / "pytorch_model.bin")
                                    ? "; pytorch_model.bin cannot be read, save the model as safetensors"
                                    : ""));
    }
  }
  files_.push_back(open(path_));
  tensors_ = files_.front().tensors();
}

void WeightFiles::open_shards(const std::string &folder) {
  for (const auto &[name, listed] : read_index(path_)) {
    const std::string path = (fs::path(folder) / name).string();
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
    result.push_back((fs::path(path_).parent_path() / shard).string());
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
