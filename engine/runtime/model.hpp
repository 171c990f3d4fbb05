// A loaded model: immutable, shared by any number of sessions on any threads.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "engine/format/model_file.hpp"
#include "engine/graph/program.hpp"
#include "engine/runtime/aligned_buffer.hpp"
#include "engine/runtime/plan.hpp"
#include "engine/status.hpp"
#include "kernels/dispatch.hpp"

namespace intvit {

// Whether the tasks of a run on so many images fit the kernels' ranges: at most rows x heads x batch, or, in a mean of
// rows, columns x batch.
bool fits_batch(const Program &program, int batch);

// What a run on one image costs: the multiply-accumulates of matrix products, and 16 for every element of every value,
// which bounds the operations that have none. Never overflows: the largest int64 stands for all that is larger.
std::int64_t work_of(const Program &program);

// The work of a model that is loaded where nobody says otherwise: twenty times that of ViT-L/16 at 384 pixels, which
// has 191e9.
inline constexpr std::int64_t default_max_work = 4'000'000'000'000;
inline constexpr std::int64_t any_work = std::numeric_limits<std::int64_t>::max();

class Model {
public:
  // Reads, checks and packs a model file for `kernels`. Errors: those of ModelFile::open() and bind(); unsupported
  // (work beyond max_work, values that no session runs, packed weights out of proportion to the file); out_of_memory.
  static Result<std::shared_ptr<const Model>> open(const std::string &path,
                                                   const kernels::KernelTable &kernels = kernels::default_kernels(),
                                                   std::int64_t max_work = default_max_work);
  static Result<std::shared_ptr<const Model>> create(const ModelFile &file,
                                                     const kernels::KernelTable &kernels = kernels::default_kernels(),
                                                     std::int64_t max_work = default_max_work);

  int image_height() const { return program_.values.front().rows; }
  int image_width() const { return program_.values.front().columns / 3; }
  int classes() const { return program_.values.back().columns; } // or labels, scores: the outputs
  // What the outputs mean.
  ResultKind result_kind() const { return program_.result; }
  // Whether they are the logits of a head, be it for classes, labels or scores; otherwise they are features.
  bool has_head() const { return result_kind() != ResultKind::embedding; }
  // A logit is an integer in units of 2^-this.
  int logit_fraction_bits() const { return program_.logit_fraction_bits; }
  // Features: what a model without a head ends in; of one with a head a value besides the logits, or none.
  int features() const;              // how many
  int feature_value() const;         // which value of the program; 0: none
  int feature_fraction_bits() const; // a feature is an integer in units of 2^-this
  const PatchTokens &patch_tokens() const { return program_.patch_tokens; }
  const std::vector<std::string> &labels() const { return labels_; } // empty, or one a class
  // How a photograph becomes the image_height() x image_width() image that the model takes.
  const Recipe &recipe() const { return recipe_; }

  const kernels::KernelTable &kernels() const { return *kernels_; }
  // The program without the weights and requantizations of linear maps, which are in packed() now.
  const Program &program() const { return program_; }
  const ArenaPlan &plan() const { return plan_; }
  // Of node i; null where the node has no weights.
  const std::byte *packed(std::size_t node) const { return packed_[node].data(); }
  std::size_t packed_bytes(std::size_t node) const { return packed_[node].size(); }
  std::size_t packed_bytes() const; // of all nodes

private:
  Model() = default;

  const kernels::KernelTable *kernels_ = nullptr;
  Program program_;
  ArenaPlan plan_;
  std::vector<AlignedBuffer> packed_;
  std::vector<std::string> labels_;
  Recipe recipe_;
};

} // namespace intvit
