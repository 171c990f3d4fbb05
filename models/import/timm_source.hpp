// What the readers of timm's models share: the weight files beside what is declared about them.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/architectures/float_model.hpp"
#include "models/import/formats.hpp"
#include "models/import/timm_config.hpp"
#include "models/import/weight_files.hpp"

namespace intvit::importer {

struct TimmSource {
  const WeightFiles &files;
  // What the tensors must agree with: the architecture where one is known, overridden by config.json.
  std::optional<ArchitectureConfig> architecture;
  TimmConfig config;
  std::string config_path; // empty where there is none
  int heads = 0;           // by the caller's word; 0: by the above
  int image_size = 0;      // likewise, of models that take pictures of any size

  // The architecture, if one is known, for the reader of that kind of model. Throws std::runtime_error where it is of
  // another kind.
  template <class Model> std::optional<typename Model::Config> architecture_of() const {
    if (!architecture)
      return std::nullopt;
    if (const auto *found = std::get_if<typename Model::Config>(&*architecture))
      return *found;
    throw std::runtime_error(std::string("the tensors are those of ") + TimmFormat<Model>::name +
                             ", but the architecture is " + common_config(*architecture).architecture);
  }

  bool has(const std::string &name) const { return files.find(name) != nullptr; }
  // Whether the name of some tensor begins and ends so.
  bool has_ending(std::string_view prefix, std::string_view suffix) const;
  bool has_in_block(std::string_view suffix) const { return has_ending("blocks.", suffix); }

  // Throws std::runtime_error that names a part which timm's networks of other kinds have, where a tensor tells of one.
  void refuse_foreign_parts() const;

  // A dimension of the tensor `name`, which must have `rank` of them. Throws std::runtime_error where it is missing or
  // not a dimension that a model has.
  int dimension(const std::string &name, std::size_t rank, std::size_t index) const;

  // Channels and patch size of the map from pixels, a convolution; throws also where its pictures are neither RGB nor
  // grey.
  std::pair<int, int> patch_embedding() const;
  // Of those pictures: 3, or 1.
  int colours() const;

  // One more than the highest N of the tensors "PREFIXN.*".
  int count(const std::string &prefix) const;

  // Refuses a dimension of the tensors that is declared otherwise: by config.json, or else by the architecture. Either
  // may be silent. Throws std::runtime_error.
  void require_agreement(const char *what, int actual, const std::optional<int> &configured,
                         const std::optional<int> &architecture_value) const;
  void require_agreement(const char *what, const std::vector<int> &actual,
                         const std::optional<std::vector<int>> &configured,
                         const std::optional<std::vector<int>> &architecture_value) const;

  // The outputs of the tensor `name`, which fine-tuning may have changed, or 0 where it is missing and nothing declares
  // a head.
  int classes(const std::string &name) const;

  // Overrides what config.json declares of the preprocessing.
  void read_preprocessing(ModelConfig &model) const;
};

} // namespace intvit::importer
