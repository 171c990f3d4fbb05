#include "cli/named_images.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "cli/options/images.hpp"
#include "cli/process.hpp"
#include "cli/progress.hpp"
#include "engine/image/decode.hpp"
#include "models/evaluate/dataset.hpp"
#include "models/program/paths.hpp"

namespace intvit::cli {

namespace {

constexpr const char *standard_input = "-";

} // namespace

std::vector<std::string> named_images(const std::vector<std::string> &names, std::size_t &errors) {
  std::vector<std::string> paths;
  for (const std::string &name : names) {
    std::error_code ignored;
    if (name == standard_input || !std::filesystem::is_directory(file_path(name), ignored)) {
      paths.push_back(name);
      continue;
    }
    try {
      LeftOut left_out;
      const std::vector<std::string> images = list_images(name, left_out, [&](const std::string &message) {
        print_error(message);
        ++errors;
      });
      report_left_out(name, left_out);
      paths.insert(paths.end(), images.begin(), images.end());
    } catch (const std::runtime_error &error) {
      print_error(error.what());
      ++errors;
    }
  }
  return paths;
}

void run_named_images(const std::shared_ptr<const Model> &model, const Recipe &recipe,
                      const std::vector<std::string> &paths, int threads, int batch, const std::string &doing,
                      std::size_t &errors,
                      const std::function<void(std::size_t image, const FileOutputs &outputs)> &use) {
  ProgressBar progress(doing);
  std::size_t done = 0; // handed on or reported
  const auto take = [&](const FileOutputs &outputs) {
    if (interrupted())
      throw Interrupted("interrupted after " + std::to_string(done) + " of " + std::to_string(paths.size()) +
                        " images");
    progress.wipe(); // results and errors get lines of their own; drawn again below them
    if (outputs.error.empty()) {
      use(done, outputs);
    } else {
      print_error(outputs.error);
      ++errors;
    }
    ++done;
    if (done < paths.size())
      progress.show(done, paths.size());
  };
  while (done < paths.size()) {
    // What stands before standard input need not wait for it.
    Result<std::vector<std::byte>> input = std::vector<std::byte>();
    if (paths[done] == standard_input)
      input = read_standard_input(max_image_file_bytes);
    const std::size_t first = done;
    const auto end = std::find(paths.begin() + static_cast<std::ptrdiff_t>(first) + 1, paths.end(), standard_input);
    run_files(
        model, recipe, static_cast<std::size_t>(end - paths.begin()) - first,
        [&](std::size_t file, ImageLoader &loader) {
          if (paths[first + file] != standard_input)
            return loader.load(paths[first + file]);
          if (!input.ok())
            throw std::runtime_error(input.status().message());
          return loader.load(*input, "standard input");
        },
        threads, batch, take);
  }
}

} // namespace intvit::cli
