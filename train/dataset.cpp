#include "train/dataset.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <stdexcept>
#include <utility>

#include "engine/image/decode.hpp"
#include "engine/image/preprocess.hpp"
#include "train/tar_reader.hpp"

namespace intvit::train {

namespace fs = std::filesystem;

namespace {

// Where a picture belongs, by its path: "train" or "test", then the class, then the file.
struct Place {
  std::string split;
  std::string label;
};

bool is_picture(const std::string &name) {
  std::string extension = fs::path(name).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

// The last three parts of "…/train/CLASS/file.jpg"; split is empty where the path is not of that form.
Place place_of(const std::string &name) {
  const fs::path path(name);
  Place place;
  if (!is_picture(name) || !path.has_parent_path())
    return place;
  const std::string split = path.parent_path().parent_path().filename().string();
  if (split != "train" && split != "test")
    return place;
  place.split = split;
  place.label = path.parent_path().filename().string();
  return place;
}

// Decoded pictures of one split by their name, so that the order of an archive or a folder does not matter.
struct Picture {
  std::string label;
  std::vector<std::uint8_t> pixels;
};
using Pictures = std::map<std::string, Picture>;

struct Collector {
  std::string origin; // the folder or archive, for messages
  int image_size;
  int border;
  Labels labels;
  Pictures train;
  Pictures test;
  Pictures without_label; // only where labels are optional

  bool wants(const std::string &name) const {
    return !place_of(name).split.empty() || (labels == Labels::optional && is_picture(name));
  }

  void add(const std::string &name, const std::vector<std::uint8_t> &bytes) {
    if (!wants(name))
      return;
    const Result<Image> decoded = decode_image(std::as_bytes(std::span(bytes)), origin + ": " + name);
    if (!decoded.ok())
      throw std::runtime_error(decoded.status().message());
    const Place place = place_of(name);
    const std::string in_split = place.label + "/" + fs::path(name).filename().string();
    if (place.split == "test")
      test[in_split] = {place.label, fitted(*decoded, name, 0)};
    else if (place.split == "train")
      train[in_split] = {place.label, fitted(*decoded, name, border)};
    else
      without_label[name] = {"", fitted(*decoded, name, border)};
  }

private:
  // The picture with that border around it.
  std::vector<std::uint8_t> fitted(const Image &decoded, const std::string &name, int around) const {
    const int side = image_size + 2 * around;
    const bool fills = std::min(decoded.width, decoded.height) >= side;
    Result<Image> image = preprocess(decoded, timm_recipe(fills ? side : image_size, 1000));
    if (!image.ok())
      throw std::runtime_error(image.status().in(origin + ": " + name).message());
    if (image->width == side)
      return std::move(image->rgb);
    std::vector<std::uint8_t> framed(static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3);
    const std::ptrdiff_t row = std::ptrdiff_t{image_size} * 3;
    for (std::ptrdiff_t y = 0; y < image_size; ++y)
      std::copy_n(image->rgb.begin() + y * row, row, framed.begin() + ((y + around) * side + around) * 3);
    return framed;
  }
};

void collect_folder(Collector &collector) {
  for (const auto &entry : fs::recursive_directory_iterator(collector.origin)) {
    const std::string name = entry.path().lexically_relative(collector.origin).string();
    if (!entry.is_regular_file() || !collector.wants(name))
      continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (!stream.good() && !stream.eof())
      throw std::runtime_error(entry.path().string() + ": cannot read");
    collector.add(name, std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
  }
}

void collect_archive(Collector &collector) {
  TarReader reader(collector.origin);
  while (const auto entry = reader.next())
    collector.add(entry->name, entry->bytes);
}

Split gather(Pictures &pictures, int side, const std::vector<std::string> &classes, const std::string &where) {
  Split split;
  split.side = side;
  for (auto &[name, picture] : pictures) {
    const auto found = std::lower_bound(classes.begin(), classes.end(), picture.label);
    if (found == classes.end() || *found != picture.label)
      throw std::runtime_error(where + ": test/ has the class " + picture.label + ", which train/ lacks");
    split.labels.push_back(static_cast<std::int32_t>(found - classes.begin()));
    split.pixels.insert(split.pixels.end(), picture.pixels.begin(), picture.pixels.end());
    picture.pixels = {}; // the picture now lives in the split
  }
  return split;
}

} // namespace

Dataset load_dataset(const std::string &path, int image_size, int border, Labels labels) {
  Collector collector{path, image_size, border, labels, {}, {}, {}};
  if (!fs::exists(path))
    throw std::runtime_error(path + ": no such file or folder; --data takes a folder or a .tar or .tar.gz file with "
                                    "train/CLASS/*.jpg and test/CLASS/*.jpg");
  if (fs::is_directory(path))
    collect_folder(collector);
  else
    collect_archive(collector);
  const int side = image_size + 2 * border;
  Dataset dataset;
  dataset.image_size = image_size;
  if (labels == Labels::optional && collector.train.empty()) {
    if (collector.without_label.empty())
      throw std::runtime_error(path + ": no pictures (.jpg, .jpeg or .png)");
    dataset.train = gather(collector.without_label, side, {""}, path);
    return dataset;
  }
  for (const auto &[name, pictures] : {std::pair("train", &collector.train), std::pair("test", &collector.test)})
    if (pictures->empty() && labels == Labels::required)
      throw std::runtime_error(path + ": no pictures in " + name + "/CLASS/ (.jpg, .jpeg or .png)");
  for (const auto &[name, picture] : collector.train)
    dataset.classes.push_back(picture.label);
  std::sort(dataset.classes.begin(), dataset.classes.end());
  dataset.classes.erase(std::unique(dataset.classes.begin(), dataset.classes.end()), dataset.classes.end());
  dataset.train = gather(collector.train, side, dataset.classes, path);
  dataset.test = gather(collector.test, image_size, dataset.classes, path);
  return dataset;
}

ChannelStatistics channel_statistics(const Dataset &dataset) {
  // Integer sums are exact and independent of the order: 2^64 is out of reach below 2.8e14 pixels.
  std::uint64_t sum[3] = {};
  std::uint64_t square[3] = {};
  const Split &split = dataset.train;
  const auto side = static_cast<std::size_t>(split.side);
  const auto size = static_cast<std::size_t>(dataset.image_size);
  const std::size_t border = (side - size) / 2;
  for (std::size_t i = 0; i < split.size(); ++i)
    for (std::size_t y = border; y < border + size; ++y) {
      const std::uint8_t *row = split.pixels.data() + i * split.picture_bytes() + (y * side + border) * 3;
      for (std::size_t x = 0; x < size * 3; ++x) {
        const std::uint64_t value = row[x];
        sum[x % 3] += value;
        square[x % 3] += value * value;
      }
    }
  const auto count = static_cast<double>(split.size() * size * size);
  const auto rounded = [](double x) { return std::round(x * 1e4) / 1e4; };
  ChannelStatistics statistics{};
  for (std::size_t c = 0; c < 3; ++c) {
    const double mean = static_cast<double>(sum[c]) / count;
    const double variance = static_cast<double>(square[c]) / count - mean * mean;
    statistics.mean[c] = rounded(mean / 255);
    statistics.deviation[c] = std::max(rounded(std::sqrt(variance) / 255), 1e-3);
  }
  return statistics;
}

} // namespace intvit::train
