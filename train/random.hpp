// Random numbers that depend only on what they are for: a stream is named by seed, purpose, epoch and sample, so a run
// that is stopped anywhere and resumed draws exactly what it would have drawn, and no generator state is ever stored.
#pragma once

#include <cstdint>

namespace intvit::train {

enum class Purpose : std::uint64_t { shuffle = 1, crop, mix };

// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) started from a hash of the stream's name.
class Random {
public:
  Random(std::uint64_t seed, Purpose purpose, std::uint64_t epoch, std::uint64_t sample) {
    for (const std::uint64_t part : {seed, static_cast<std::uint64_t>(purpose), epoch, sample})
      state_ = next() ^ part;
  }

  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  // Uniform in [0, limit), limit below 2^32: the bias of at most limit / 2^32 is of no consequence here.
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(((next() >> 32) * limit) >> 32); }

  // Uniform in [0, 1), 24 bits.
  float uniform() { return static_cast<float>(next() >> 40) * 0x1p-24F; }

private:
  std::uint64_t state_ = 0;
};

} // namespace intvit::train
