// Pictures, decoded once and kept in memory as bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace intvit::train {

struct Split {
  int side = 0;                     // width and height of every picture in pixels
  std::vector<std::uint8_t> pixels; // [count, side, side, 3], R G B
  std::vector<std::int32_t> labels; // [count], index into Dataset::classes; 0 where there are none

  std::size_t size() const { return labels.size(); }
  std::size_t picture_bytes() const { return static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3; }
};

struct Dataset {
  int image_size = 0;               // width and height in pixels of what the model sees
  std::vector<std::string> classes; // the names of the folders in train/, sorted; empty: pictures without labels
  Split train;                      // with what lies around the images, image_size + 2 border pixels a side
  Split test;                       // empty without labels
};

// Mean and standard deviation of each channel over all pixels of the training images, without what lies around them,
// in units of the full range (0..1), to four decimals.
struct ChannelStatistics {
  std::array<double, 3> mean;
  std::array<double, 3> deviation;
};
ChannelStatistics channel_statistics(const Dataset &dataset);

enum class Labels : std::uint8_t {
  required,
  // Where there is no train/CLASS/, every picture below the path is one to train on; and there need be no test/.
  optional,
};

// Reads train/CLASS/* and test/CLASS/* (.jpg, .jpeg, .png) from a folder or a .tar, .tar.gz or .tgz file. Pictures are
// taken in the order of their names, whatever the order in the archive. One of another size is brought to image_size x
// image_size as at inference: the short side to image_size, then the centre (timm_recipe with crop fraction 1).
//
// Around a training picture is a border, from which random crops are taken. Where the picture's short side is at least
// image_size + 2 border, it is resized to that instead, so that the border is part of the picture; else it is black.
//
// Throws std::runtime_error, naming the file, where the path is missing, the archive is damaged, a picture cannot be
// decoded, a split is empty that must not be, or test/ has a class that train/ lacks.
Dataset load_dataset(const std::string &path, int image_size, int border, Labels labels = Labels::required);

} // namespace intvit::train
