// What every operation of a graph gives (docs/adding.md, "An operation").
//
// An operation is one file in this folder and one line in list.hpp. Its header declares two types.
//
// The description, a plain struct of a node's fields, as a model file holds them. Its members:
//   name, static constexpr std::string_view: what files call it
//   all_features, static constexpr std::array: what a reader must know to run it, in any of its variants
//   features() const, a std::vector<std::string_view>: of those, what this node needs
//   inputs() const, a std::vector<const char *>: the keys under which a node names what it reads; the first is "input"
//   describe(Fields &): every field, with its limits
//   Binding bind(NodeBinder &, std::span<const ValueInfo> inputs) const: reads and checks the node's constants, and
//   proves that nothing overflows
//
// And the bound operation, derived from BoundOperation below, which runs. What bind() accepts cannot fail later.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "engine/ops/value.hpp"
#include "engine/ops/weights.hpp"
#include "engine/threads/team.hpp"
#include "kernels/kernel_table.hpp"

namespace intvit {

// The most values that an operation reads.
inline constexpr std::size_t max_inputs = 2;

// A value of the whole batch in memory.
struct Operand {
  const ValueInfo *info = nullptr; // of one image
  std::byte *data = nullptr;       // null for the image itself, which is the caller's: Step::images

  // Of one image of the batch.
  std::byte *image(std::size_t index) const { return data + index * info->bytes(); }
};

// One operation of one forward pass, as one thread of the team sees it.
struct Step {
  const kernels::KernelTable &kernels;
  const Team &team;
  std::span<const std::uint8_t *const> images; // one a picture of the batch
  std::array<Operand, max_inputs> inputs;      // as many as the node has
  Operand output;
  const std::byte *packed; // the node's weights, packed for kernels.linear; null where it has none
  std::byte *scratch;      // BoundOperation::scratch_bytes() of this thread's own
  int phase = 0;           // below BoundOperation::phases()

  int batch() const { return static_cast<int>(images.size()); }
  const ValueInfo &input_info() const { return *inputs[0].info; }
  const ValueInfo &output_info() const { return *output.info; }
};

class BoundOperation {
public:
  virtual ~BoundOperation() = default;

  // Does the share of step.team's thread; all threads together write all of the output. Allocates nothing, cannot fail
  // and never waits for another thread.
  virtual void run(const Step &step) const = 0;
  // How often run() is called, one phase after the other: what all threads have written in one, all read in the next.
  virtual int phases() const { return 1; }

  // The node's matrix, if it has one. Whoever loads a model packs it for the kernels, which give it to run() as
  // Step::packed, and then empties its vectors.
  std::optional<LinearMap> linear_map;

  // Memory that a thread needs beside inputs and output, aligned to 64 bytes.
  virtual std::size_t scratch_bytes(const kernels::KernelTable &) const { return 0; }

  // Memory of constants that bind() made and that the file does not hold in this size.
  virtual std::size_t expanded_bytes() const { return 0; }

  // Multiply-accumulates of one image if the output had so many rows. An operation without matrix products has none.
  virtual std::int64_t multiply_accumulates(std::int64_t /*output_rows*/) const { return 0; }
  // What a run reads of constants, without the weights of linear_map(), and of the inputs of one image.
  virtual std::size_t constant_bytes() const { return 0; }
  virtual std::size_t input_bytes(std::span<const ValueInfo> inputs, const ValueInfo & /*output*/) const {
    std::size_t bytes = 0;
    for (const ValueInfo &input : inputs)
      bytes += input.bytes();
    return bytes;
  }
};

// A node's constants and the shape of its output. Nothing in it is meaningful once the binder has noted an error.
struct Binding {
  std::unique_ptr<BoundOperation> operation;
  ValueInfo output;
};

} // namespace intvit
