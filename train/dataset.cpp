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
  Pictures train;
  Pictures test;

  void add(const std::string &name, const std::vector<std::uint8_t> &bytes) {
    const Place place = place_of(name);
    if (place.split.empty())
      return;
    const Result<Image> decoded = decode_image(std::as_bytes(std::span(bytes)), origin + ": " + name);
    if (!decoded.ok())
      throw std::runtime_error(decoded.status().message());
    Result<Image> image = preprocess(*decoded, timm_recipe(image_size, 1000));
    if (!image.ok())
      throw std::runtime_error(image.status().in(origin + ": " + name).message());
    Picture picture{place.label, std::move(image->rgb)};
    (place.split == "train" ? train : test)[place.label + "/" + fs::path(name).filename().string()] =
        std::move(picture);
  }
};

void collect_folder(Collector &collector) {
  for (const auto &entry : fs::recursive_directory_iterator(collector.origin)) {
    if (!entry.is_regular_file() || place_of(entry.path().string()).split.empty())
      continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (!stream.good() && !stream.eof())
      throw std::runtime_error(entry.path().string() + ": cannot read");
    collector.add(entry.path().lexically_relative(collector.origin).string(),
                  std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
  }
}

void collect_archive(Collector &collector) {
  TarReader reader(collector.origin);
  while (const auto entry = reader.next())
    collector.add(entry->name, entry->bytes);
}

Split gather(Pictures &pictures, const std::vector<std::string> &classes, const std::string &where) {
  Split split;
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

Dataset load_dataset(const std::string &path, int image_size) {
  Collector collector{path, image_size, {}, {}};
  if (!fs::exists(path))
    throw std::runtime_error(path + ": no such file or folder; --data takes a folder or a .tar or .tar.gz file with "
                                    "train/CLASS/*.jpg and test/CLASS/*.jpg");
  if (fs::is_directory(path))
    collect_folder(collector);
  else
    collect_archive(collector);
  for (const auto &[name, pictures] : {std::pair("train", &collector.train), std::pair("test", &collector.test)})
    if (pictures->empty())
      throw std::runtime_error(path + ": no pictures in " + name + "/CLASS/ (.jpg, .jpeg or .png)");

  Dataset dataset;
  dataset.image_size = image_size;
  for (const auto &[name, picture] : collector.train)
    dataset.classes.push_back(picture.label);
  std::sort(dataset.classes.begin(), dataset.classes.end());
  dataset.classes.erase(std::unique(dataset.classes.begin(), dataset.classes.end()), dataset.classes.end());
  dataset.train = gather(collector.train, dataset.classes, path);
  dataset.test = gather(collector.test, dataset.classes, path);
  return dataset;
}

ChannelStatistics channel_statistics(const Dataset &dataset, const Split &split) {
  // Integer sums are exact and independent of the order: 2^64 is out of reach below 2.8e14 pixels.
  std::uint64_t sum[3] = {};
  std::uint64_t square[3] = {};
  for (std::size_t i = 0; i < split.pixels.size(); ++i) {
    const std::uint64_t value = split.pixels[i];
    sum[i % 3] += value;
    square[i % 3] += value * value;
  }
  const double count = static_cast<double>(split.size() * dataset.image_bytes() / 3);
  const auto rounded = [](double x) { return static_cast<float>(std::round(x * 1e4) / 1e4); };
  ChannelStatistics statistics{};
  for (int c = 0; c < 3; ++c) {
    const double mean = static_cast<double>(sum[c]) / count;
    const double variance = static_cast<double>(square[c]) / count - mean * mean;
    statistics.mean[c] = rounded(mean / 255);
    statistics.deviation[c] = std::max(rounded(std::sqrt(variance) / 255), 1e-3F);
  }
  return statistics;
}

} // namespace intvit::train
