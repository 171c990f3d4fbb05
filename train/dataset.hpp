// Pictures in class folders, decoded once and kept in memory as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace intvit::train {

struct Split {
  std::vector<std::uint8_t> pixels; // [count, image_size, image_size, 3], R G B
  std::vector<std::int32_t> labels; // [count], index into Dataset::classes

  std::size_t size() const { return labels.size(); }
};

struct Dataset {
  int image_size = 0;               // width and height in pixels
  std::vector<std::string> classes; // the names of the folders in train/, sorted
  Split train;
  Split test;

  std::size_t image_bytes() const {
    return static_cast<std::size_t>(image_size) * static_cast<std::size_t>(image_size) * 3;
  }
};

// Mean and standard deviation of each channel over all pixels, in units of the full range (0..1), to four decimals.
struct ChannelStatistics {
  float mean[3];
  float deviation[3];
};
ChannelStatistics channel_statistics(const Dataset &dataset, const Split &split);

// Reads train/CLASS/* and test/CLASS/* (.jpg, .jpeg, .png) from a folder or a .tar, .tar.gz or .tgz file. Pictures are
// taken in the order of their names, whatever the order in the archive. One of another size is brought to image_size x
// image_size as at inference: the short side to image_size, then the centre (timm_recipe with crop fraction 1).
//
// Throws std::runtime_error, naming the file, where the path is missing, the archive is damaged, a picture cannot be
// decoded, a split is empty, or test/ has a class that train/ lacks.
Dataset load_dataset(const std::string &path, int image_size);

} // namespace intvit::train
