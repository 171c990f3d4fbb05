// Small data sets, archives and files for the tests of the trainer.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "train/options.hpp"

namespace intvit::test {

using Bytes = std::vector<std::uint8_t>;
using NamedFile = std::pair<std::string, Bytes>;

// A width x height PNG. Pixel values depend on `seed`.
Bytes png(int width, int height, std::uint32_t seed);

// A ustar header for a file of `size` bytes, with a valid checksum.
Bytes tar_header(const std::string &name, std::size_t size, char type = '0', const std::string &prefix = "");
// A whole archive, with the two blocks of zeros at its end.
Bytes tar(const std::vector<NamedFile> &files);
Bytes gzip(const Bytes &bytes);

void write_file(const std::string &path, const Bytes &bytes);
Bytes read_file(const std::string &path);

// A data set of 8x8 pictures: classes "dark" and "light", whose brightness tells them apart, `train_count` and 4 of
// each.
std::vector<NamedFile> two_classes(int train_count);

// Options for a run of a fraction of a second on two_classes(): a path of its own for data and output.
train::Options small_options(const std::string &name);

// What never asks a training to stop.
inline const std::atomic<bool> not_interrupted = false;

// Trains to the end, or to options.stop_after. Returns the messages.
std::string train_with(const train::Options &options);

// What `call` throws, or "" where it throws nothing.
template <typename Call> std::string message_of(Call call) {
  try {
    call();
  } catch (const std::exception &error) {
    return error.what();
  }
  return "";
}

} // namespace intvit::test
