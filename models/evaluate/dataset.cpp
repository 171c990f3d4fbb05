#include "models/evaluate/dataset.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "engine/image/decode.hpp"
#include "engine/image/preprocess.hpp"
#include "models/parallel.hpp"

namespace intvit {

namespace {

namespace fs = std::filesystem;

bool is_image(const fs::path &path) {
  constexpr std::array<std::string_view, 9> endings = {".jpg", ".jpeg", ".png", ".bmp", ".gif",
                                                       ".ppm", ".pgm",  ".pnm", ".tga"};
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

[[noreturn]] void fail(const std::string &where, const std::string &reason) {
  throw std::runtime_error(where + ": " + reason);
}

std::string trimmed(const std::string &text) {
  const auto first = text.find_first_not_of(" \t\r");
  const auto last = text.find_last_not_of(" \t\r");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

bool parse_label(const std::string &text, int &label) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), label);
  return error == std::errc() && end == text.data() + text.size();
}

} // namespace

std::vector<std::string> list_images(const std::string &folder,
                                     const std::function<void(const std::string &)> &report) {
  std::vector<std::string> paths;
  std::vector<fs::path> waiting = {folder};
  while (!waiting.empty()) {
    const fs::path current = std::move(waiting.back());
    waiting.pop_back();
    std::error_code error;
    for (fs::directory_iterator entry(current, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code ignored; // a link to nothing or to itself is no folder
      if (!entry->is_directory(ignored)) {
        if (is_image(entry->path()))
          paths.push_back(entry->path().string());
      } else if (!entry->is_symlink(ignored)) {
        waiting.push_back(entry->path());
      }
    }
    if (!error)
      continue;
    if (!report || current == folder)
      fail(current.string(), "cannot read the folder: " + error.message());
    report(current.string() + ": cannot read the folder: " + error.message());
  }
  if (paths.empty())
    fail(folder, "no image in this folder");
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<LabelledImage> read_labels(const std::string &folder, const std::string &csv, int classes) {
  std::ifstream file(csv);
  if (!file)
    fail(csv, "cannot be opened");
  std::vector<LabelledImage> images;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (trimmed(line).empty())
      continue;
    const std::string where = csv + ":" + std::to_string(number);
    const auto comma = line.rfind(',');
    if (comma == std::string::npos)
      fail(where, "expected \"file,label\"");
    const std::string name = trimmed(line.substr(0, comma));
    const std::string text = trimmed(line.substr(comma + 1));
    int label = 0;
    if (!parse_label(text, label)) {
      if (number == 1)
        continue; // the header
      fail(where, "\"" + text + "\" is not a class index");
    }
    if (label < 0 || label >= classes)
      fail(where, "class " + text + " is not from 0 to " + std::to_string(classes - 1));
    images.push_back({(fs::path(folder) / name).string(), label});
  }
  if (images.empty())
    fail(csv, "no image is listed");
  return images;
}

std::vector<LabelledImage> read_class_folders(const std::string &folder, std::span<const std::string> labels,
                                              int classes) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (entry->is_directory(error))
      folders.push_back(entry->path());
  if (error)
    fail(folder, "cannot read the folder: " + error.message());
  std::sort(folders.begin(), folders.end());

  std::vector<LabelledImage> images;
  for (std::size_t i = 0; i < folders.size(); ++i) {
    const std::string name = folders[i].filename().string();
    const auto found = std::find(labels.begin(), labels.end(), name);
    if (found == labels.end() && folders.size() != static_cast<std::size_t>(classes))
      fail(folders[i].string(), "\"" + name + "\" is not a label of the model");
    const auto label = found != labels.end() ? found - labels.begin() : static_cast<std::ptrdiff_t>(i);
    for (std::string &path : list_images(folders[i].string()))
      images.push_back({std::move(path), static_cast<int>(label)});
  }
  if (images.empty())
    fail(folder, "no class folder with images (labels can be given as a CSV file)");
  return images;
}

std::vector<std::string> spread(const std::vector<std::string> &paths, std::size_t count) {
  if (count >= paths.size())
    return paths;
  std::vector<std::string> chosen;
  chosen.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    chosen.push_back(paths[i * paths.size() / count]);
  return chosen;
}

Image load_preprocessed(const std::string &path, const Recipe &recipe, const kernels::KernelTable &kernels) {
  Result<Image> decoded = load_image(path);
  if (!decoded.ok())
    throw std::runtime_error(decoded.status().message());
  Result<Image> image = preprocess(*decoded, recipe, kernels);
  if (!image.ok())
    throw std::runtime_error(path + ": " + image.status().message());
  return std::move(*image);
}

std::vector<std::string> for_each_image(std::span<const std::string> paths, const Recipe &recipe,
                                        const kernels::KernelTable &kernels, int threads,
                                        const std::function<void(std::size_t, Image, std::size_t)> &use,
                                        const std::function<bool(std::size_t)> &proceed) {
  std::vector<std::string> errors(paths.size());
  std::mutex mutex;
  std::size_t done = 0;
  std::atomic<bool> stopped = false;
  parallel_for(threads, paths.size(), [&](std::size_t i, std::size_t thread) {
    if (stopped)
      return;
    std::optional<Image> image;
    try {
      image = load_preprocessed(paths[i], recipe, kernels);
    } catch (const std::runtime_error &error) {
      errors[i] = error.what();
    }
    if (image)
      use(i, std::move(*image), thread);
    const std::lock_guard lock(mutex);
    if (!proceed(++done))
      stopped = true;
  });
  return errors;
}

} // namespace intvit
