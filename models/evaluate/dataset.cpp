#include "models/evaluate/dataset.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>

#include "engine/image/decode.hpp"
#include "engine/image/other_formats.hpp"
#include "models/evaluate/image_loader.hpp"
#include "models/parallel.hpp"
#include "models/program/paths.hpp"

namespace intvit {

namespace {

namespace fs = std::filesystem;

bool is_hidden(const fs::path &path) {
  const std::string name = path_name(path.filename());
  return name.starts_with('.') || name == "__MACOSX"; // which archives of macOS have
}

// Of formats that are read, in lower case.
bool ends_like_picture(const fs::path &path) {
  std::string ending = path_name(path.extension());
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return is_picture_ending(ending);
}

// Why the file is left out, as its first bytes tell; empty where it is a picture, or cannot be opened and may be one.
std::string why_no_picture(const fs::path &path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) // pipes would hang
    return "no regular file";
  std::ifstream file(path, std::ios::binary);
  std::array<char, picture_signature_bytes> buffer = {};
  file.read(buffer.data(), buffer.size());
  const auto begin = std::as_bytes(std::span(buffer.data(), static_cast<std::size_t>(file.gcount())));
  if (!file.is_open() || has_picture_signature(begin))
    return "";
  const std::string_view other = other_format(begin);
  return other.empty() ? "no picture in a format that is read" : std::string(other) + ", which is not decoded";
}

[[noreturn]] void fail(const std::string &where, const std::string &reason) {
  throw std::runtime_error(where + ": " + reason);
}

} // namespace

void LeftOut::add(const std::string &path, const std::string &reason) {
  constexpr std::size_t shown = 3;
  if (count_++ < shown)
    examples_ += (examples_.empty() ? "" : ", ") + path + " (" + reason + ")";
  else if (count_ == shown + 1)
    examples_ += " ...";
}

std::string LeftOut::text() const {
  return std::to_string(count_) + " left out: " + examples_;
}

std::vector<std::string> list_images(const std::string &folder, LeftOut &left_out,
                                     const std::function<void(const std::string &)> &report) {
  std::vector<std::string> paths;
  std::vector<fs::path> waiting = {file_path(folder)};
  while (!waiting.empty()) {
    const fs::path current = std::move(waiting.back());
    waiting.pop_back();
    std::error_code error;
    for (fs::directory_iterator entry(current, error), end; !error && entry != end; entry.increment(error)) {
      std::error_code ignored; // a link to nothing or to itself is no folder
      const fs::path &path = entry->path();
      if (is_hidden(path))
        continue;
      if (!entry->is_directory(ignored)) {
        const std::string reason = ends_like_picture(path) ? "" : why_no_picture(path);
        if (reason.empty())
          paths.push_back(path_name(path));
        else
          left_out.add(path_name(path), reason);
      } else if (entry->is_symlink(ignored)) {
        left_out.add(path_name(path), "a link to a folder");
      } else {
        waiting.push_back(path);
      }
    }
    if (!error)
      continue;
    if (!report || current == file_path(folder))
      fail(path_name(current), "cannot read the folder: " + error.message());
    report(path_name(current) + ": cannot read the folder: " + error.message());
  }
  if (paths.empty())
    fail(folder, "no image in this folder" + (left_out.count() > 0 ? "; " + left_out.text() : ""));
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<LabelledImage> read_class_folders(const std::string &folder, const Classes &classes, LeftOut &left_out) {
  std::vector<std::string> names;
  std::error_code error;
  std::error_code ignored; // a link to nothing is no folder
  for (fs::directory_iterator entry(file_path(folder), error), end; !error && entry != end; entry.increment(error))
    if (const fs::path &path = entry->path(); is_hidden(path))
      continue;
    else if (entry->is_directory(ignored))
      names.push_back(path_name(path.filename()));
    else
      left_out.add(path_name(path), "in no class folder");
  if (error)
    fail(folder, "cannot read the folder: " + error.message());
  std::sort(names.begin(), names.end());

  const auto path = [&](const std::string &name) { return path_name(file_path(folder) / file_path(name)); };
  std::vector<std::optional<int>> labels;
  labels.reserve(names.size());
  const ClassNames known(classes);
  for (const std::string &name : names)
    labels.push_back(known.has(name) ? std::optional(known.index(name, path(name))) : std::nullopt);
  const auto stranger = std::find(labels.begin(), labels.end(), std::nullopt) - labels.begin();
  if (stranger < std::ssize(labels)) {
    const std::string &name = names[static_cast<std::size_t>(stranger)];
    const bool none_is_named = std::all_of(labels.begin(), labels.end(), [](const auto &label) { return !label; });
    if (!none_is_named || names.size() != static_cast<std::size_t>(classes.count))
      fail(path(name), "\"" + name + "\" is not a label of the model" +
                           (none_is_named ? ", and there are " + std::to_string(names.size()) + " folders for " +
                                                std::to_string(classes.count) + " classes"
                                          : ", as other folders' names are"));
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (i > 0 && class_number(names[i]) && class_number(names[i - 1]) &&
          *class_number(names[i]) < *class_number(names[i - 1]))
        fail(path(names[i]),
             "the folders' names are numbers whose order is another as text; list the images in labels.csv");
      labels[i] = static_cast<int>(i);
    }
  }

  std::vector<LabelledImage> images;
  for (std::size_t i = 0; i < names.size(); ++i)
    for (std::string &image : list_images(path(names[i]), left_out))
      images.push_back({std::move(image), *labels[i]});
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

std::vector<std::string> for_each_image(std::span<const std::string> paths, const Recipe &recipe,
                                        const kernels::KernelTable &kernels, int threads,
                                        const std::function<void(std::size_t, Image, std::size_t)> &use,
                                        const std::function<bool(std::size_t)> &proceed) {
  std::vector<std::string> errors(paths.size());
  std::vector<ImageLoader> loaders(static_cast<std::size_t>(std::max(threads, 1)), ImageLoader(recipe, kernels));
  std::mutex mutex;
  std::size_t done = 0;
  std::atomic<bool> stopped = false;
  parallel_for(threads, paths.size(), [&](std::size_t i, std::size_t thread) {
    if (stopped)
      return;
    std::optional<Image> image;
    try {
      image = loaders[thread].load(paths[i]);
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
