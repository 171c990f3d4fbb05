// intvit features: the features of images, to be compared, searched or learned from.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/named_images.hpp"
#include "cli/options/model.hpp"
#include "cli/options/output.hpp"
#include "cli/options/running.hpp"
#include "cli/process.hpp"
#include "cli/text.hpp"
#include "engine/container/file_io.hpp"
#include "engine/container/utf8.hpp"
#include "models/words/npy.hpp"

namespace intvit::cli {

namespace {

// Of an image, in real numbers.
std::vector<double> real_features(const Model &model, const FileOutputs &outputs, bool unit_length) {
  const bool alone = !model.has_head(); // they are the result
  const std::vector<std::int32_t> &codes = alone ? outputs.integers : outputs.features;
  const int bits = alone ? model.logit_fraction_bits() : model.feature_fraction_bits();
  std::vector<double> values;
  double squares = 0;
  for (const std::int32_t code : codes) {
    values.push_back(std::ldexp(code, -bits));
    squares += values.back() * values.back();
  }
  if (unit_length && squares > 0)
    for (double &value : values)
      value /= std::sqrt(squares);
  return values;
}

void print_features(const std::string &format, const std::string &path, const std::vector<double> &values) {
  if (format == "json") {
    std::cout << json_text({{"image", path_text(path)}, {"features", values}}) << "\n";
    return;
  }
  std::vector<std::string> cells{path};
  for (const double value : values)
    cells.push_back(nlohmann::json(value).dump());
  std::cout << csv_line(cells);
}

} // namespace

int features(const Arguments &arguments) {
  Parser parser("features",
                "Prints the features of images: the angle between two images' features tells how alike they are.",
                "IMAGE|FOLDER|- ...");
  add_model_option(parser);
  add_run_options(parser);
  parser.flag("normalize", "bring each image's features to length 1, so that products are cosines");
  parser.formats({"json", "csv", "npy"});
  parser.option<std::string>("o,output", "FILE",
                             "npy: file to write, float32, a row an image; NaN for one that could not be read");
  if (!parser.parse(arguments))
    return exit_ok;
  if (parser.positional().empty())
    throw UsageError("no image is given (see intvit features -h)");
  const std::string format = parser.format();
  const std::string output = format == "npy" ? parser.required("output") : "";
  if (format != "npy" && parser.has("output"))
    throw UsageError("--output goes with --format npy");
  const int thread_count = threads(parser);

  const std::string path = model_path(parser);
  const std::shared_ptr<const Model> model = open_model(parser, path);
  if (model->features() == 0)
    throw std::runtime_error(path + ": gives no features: it was quantized by an early version");
  std::size_t errors = 0;
  const std::vector<std::string> paths = named_images(parser.positional(), errors);
  if (format == "npy") {
    check_output(output);
    check_not_read(output, paths);
    check_not_read(output, {path});
  }
  const Recipe recipe = recipe_for(parser, *model);
  RowMatrix rows(format == "npy" ? std::ssize(paths) : 0, model->features());
  rows.setConstant(std::numeric_limits<float>::quiet_NaN());
  if (format == "csv") {
    std::vector<std::string> cells{"image"};
    for (int i = 0; i < model->features(); ++i)
      cells.push_back("feature_" + std::to_string(i));
    std::cout << csv_line(cells);
  }
  run_named_images(
      model, recipe, paths, thread_count, 1, "running", errors, [&](std::size_t image, const FileOutputs &outputs) {
        const std::vector<double> values = real_features(*model, outputs, parser.has("normalize"));
        if (format == "npy") {
          for (std::size_t c = 0; c < values.size(); ++c)
            rows(static_cast<Eigen::Index>(image), static_cast<Eigen::Index>(c)) = static_cast<float>(values[c]);
          return;
        }
        print_features(format, paths[image], values);
        flush_output();
      });
  if (format == "npy") {
    require(write_file_atomically(output, npy_bytes(rows)));
    std::cout << printable(output) << ": " << rows.rows() << " x " << rows.cols() << " float32\n";
  }
  return errors == 0 ? exit_ok : exit_failure;
}

} // namespace intvit::cli
