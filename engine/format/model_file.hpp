// intvit's model file: a safetensors file whose metadata makes it a model (docs/format.md).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/container/safetensors.hpp"
#include "engine/graph/graph.hpp"
#include "engine/graph/program.hpp"
#include "engine/image/recipe.hpp"
#include "engine/status.hpp"

namespace intvit {

inline constexpr int model_format_version = 1;

// Names and prefixes of the tensors that are not the graph's.
inline constexpr const char *golden_image_tensor = "golden.image";
inline constexpr const char *golden_logits_tensor = "golden.logits";
inline constexpr const char *golden_features_tensor = "golden.features";

// What stands beside the tensors.
struct ModelDescription {
  Graph graph;
  Recipe recipe;
  std::vector<std::string> labels;               // empty, or one a class
  std::map<std::string, std::string> provenance; // where the model comes from, for people
};

// Whether a file can hold these labels: none has a zero byte, which would end it in C, and together they are no longer
// than a reader takes. Errors: bad_format.
Status check_labels(const std::vector<std::string> &labels);

// The metadata entries of a model with these tensors, checksums included. To be called last, when `writer` holds all
// tensors.
void add_model_metadata(const ModelDescription &description, SafetensorsWriter &writer);

// A model file that was read: every checksum has been compared, the description parsed. Movable, not copyable.
class ModelFile {
public:
  // Errors: io; bad_format (not a safetensors file, not a model, a checksum that does not match, a malformed
  // description); unsupported (a later format version, an unknown feature). Messages begin with the path.
  static Result<ModelFile> open(const std::string &path);
  static Result<ModelFile> parse(std::vector<std::byte> bytes, std::string_view origin);

  const std::string &origin() const { return origin_; }
  const ModelDescription &description() const { return description_; }
  const SafetensorsFile &tensors() const { return tensors_; }

  // The golden input and what the engine must give for it; checked against the graph's shapes by bind().
  std::span<const std::uint8_t> golden_image() const;
  std::vector<std::int32_t> golden_logits() const;
  std::vector<std::int32_t> golden_features() const; // empty where the graph names no features

  // The program, fully checked. Errors: bad_format (see intvit::bind(); also a tensor that the graph does not use, or
  // labels or golden vectors that do not fit it).
  Result<Program> bind() const;

private:
  std::vector<std::int32_t> golden(const char *name) const;

  ModelFile(SafetensorsFile tensors, std::string origin) : tensors_(std::move(tensors)), origin_(std::move(origin)) {}

  SafetensorsFile tensors_;
  std::string origin_;
  ModelDescription description_;
};

} // namespace intvit
