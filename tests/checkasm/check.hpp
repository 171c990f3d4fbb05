// What checkasm does with a kernel: one random call compared with the reference, or many equal calls timed.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernels/kernel_table.hpp"
#include "tests/checkasm/guarded_memory.hpp"
#include "tests/kernels/random.hpp"

namespace intvit::test {

enum class FailureKind {
  wrong_result,   // an element of the range that differs from the reference's
  write_outside,  // a byte that was not the call's to write
  invalid_access, // a byte that is not the call's to read, or a read-only one that it writes
  illegal_instruction,
  other_fault,
};

struct Failure {
  FailureKind kind;
  std::string text;
};

struct Timing {
  double best_ns = 0;
  double median_ns = 0;
  double macs = 0; // multiplications a call, 0 where they do not count
};

struct Check {
  const char *name;
  const char *timed_shape;
  // One random call with buffers against either guard. Returns the first thing that was wrong.
  std::optional<Failure> (*round)(const kernels::KernelTable &kernels, Random &random, GuardedMemory &memory);
  // Calls of timed_shape, one after the other.
  Timing (*time)(const kernels::KernelTable &kernels);
};

// Every kernel of a table; matrix products by epilogue, attention by softmax, LayerNorm by type of the stream, a resize
// by pass.
std::span<const Check> all_checks();

// For the checks themselves:

// Where a call writes: rows x columns of a matrix, whatever else its memory holds.
struct OutputRange {
  std::size_t element_size = 1;
  std::size_t stride = 0; // in elements
  kernels::Range rows;
  kernels::Range columns;
  std::size_t bytes = 0; // of the whole buffer
};

// A call that is expected to make `expected` out of a buffer of canaries. `shape` is for messages.
struct GuardedCall {
  std::string shape;
  OutputRange range;
  const std::vector<std::byte> &expected;
  const std::byte *output;
  const GuardedMemory &memory;
};

// Runs `call`, looks for faults, then compares.
std::optional<Failure> run_guarded(const GuardedCall &guarded, const std::function<void()> &call);

// As a message's part: "rows 1..6 of 7".
std::string range_text(const char *name, kernels::Range range, int count);

// Half of the calls keep random codes; the others get the ends of the range, all alike or mixed.
template <typename T> void maybe_extreme(Random &random, std::vector<T> &codes, T low, T high) {
  const int choice = random.between(0, 5);
  if (choice > 2)
    return;
  for (T &code : codes)
    code = choice == 0 || (choice == 2 && (random.bits() & 1) != 0) ? low : high;
}

void add_linear_checks(std::vector<Check> &checks);
void add_attention_checks(std::vector<Check> &checks);
void add_layer_norm_checks(std::vector<Check> &checks);
void add_l2_normalize_checks(std::vector<Check> &checks);
void add_multiply_checks(std::vector<Check> &checks);
void add_rescale_checks(std::vector<Check> &checks);
void add_rotate_checks(std::vector<Check> &checks);
void add_mean_rows_checks(std::vector<Check> &checks);
void add_patches_checks(std::vector<Check> &checks);
void add_resample_checks(std::vector<Check> &checks);
void add_token_merging_checks(std::vector<Check> &checks);

// Best and median of calls that take at least some 50 ms together.
Timing measure(const std::function<void()> &call);

} // namespace intvit::test
