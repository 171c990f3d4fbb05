// The safetensors files that hold a model's float weights: one file, or the shards that an index lists.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/container/safetensors.hpp"

namespace intvit::importer {

// What a folder holds that cannot be read as a model, with what to do, for messages: "it is an adapter, ..."; empty
// where nothing is recognized.
std::string unreadable_content(const std::string &folder);

class WeightFiles {
public:
  // `path` is a safetensors file, or a folder with model.safetensors, or with model.safetensors.index.json and the
  // files of its "weight_map" (tensor name to file name), which must be in the folder itself, or with one variant of
  // the first, as model.fp16.safetensors.
  //
  // Names are those of the model itself: what wrappers of modules put before or into all of them ("module.",
  // "_orig_mod.") is left out. Throws
  // std::runtime_error, beginning with the file at fault: not there, not readable, not safetensors; a shard's name that
  // leads out of the folder; tensors that the index lists and its file does not hold, or the other way round.
  explicit WeightFiles(const std::string &path);

  using Tensors = std::map<std::string, TensorView, std::less<>>;

  const Tensors &tensors() const { return tensors_; }
  const TensorView *find(std::string_view name) const; // null where there is none
  const std::string &path() const { return path_; }    // of the one file or of the index, for messages
  std::vector<std::string> paths() const;              // of all files, the index among them

  // SHA-256 of the one file; of shards, that of what sha256sum prints for them in the order of their names.
  std::string sha256() const;

private:
  void open_shards(const std::string &folder);

  std::string path_;
  std::vector<SafetensorsFile> files_;
  std::vector<std::string> shards_; // the files' names in order, empty where there is no index
  Tensors tensors_;
};

} // namespace intvit::importer
