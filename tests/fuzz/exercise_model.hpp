// Does with hostile bytes what a program does with a model file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace intvit::fuzz {

enum class Fate : std::uint8_t {
  refused, // by the loader
  loaded,  // but not run: too large
  ran,
};

// Parses, binds and packs; runs what loads on a picture of noise where a run is short. Ends the process where a refusal
// has no proper message, where what loaded cannot be run, or where the fastest kernels and the reference do not agree;
// with `thorough` every instruction set, threads and batches are compared.
Fate exercise_model(std::vector<std::byte> bytes, bool thorough);

// Ends the process with a message, as a sanitizer does.
[[noreturn]] void report(const char *what, const char *details);

} // namespace intvit::fuzz
