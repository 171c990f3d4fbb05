// intvit features: the features of images, to be compared, searched or learned from.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <limits>
#include <memory>
#include <span>
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

// What is wanted of an image: a vector, or one for each patch of a grid.
struct Vectors {
  bool of_patches = false;
  int rows = 1;
  int columns = 1;
  int channels = 0;
  int fraction_bits = 0;

  int count() const { return rows * columns; }
};

Vectors wanted_vectors(const Parser &parser, const std::string &path, const Model &model) {
  if (parser.has("tokens")) {
    const PatchTokens &tokens = model.patch_tokens();
    if (tokens.value == 0)
      throw std::runtime_error(path + ": gives no patch tokens: quantize it with --patch-tokens");
    return {true, tokens.grid_height, tokens.grid_width, tokens.channels, tokens.fraction_bits};
  }
  if (model.features() == 0)
    throw std::runtime_error(path + ": gives no features: it was quantized by an early version");
  return {false, 1, 1, model.features(), model.feature_fraction_bits()};
}

const std::vector<std::int32_t> &codes_of(const Vectors &wanted, const Model &model, const FileOutputs &outputs) {
  return wanted.of_patches ? outputs.tokens : model.has_head() ? outputs.features : outputs.integers;
}

// In real numbers.
std::vector<double> real_vector(std::span<const std::int32_t> codes, int fraction_bits, bool unit_length) {
  std::vector<double> values;
  double squares = 0;
  for (const std::int32_t code : codes) {
    values.push_back(std::ldexp(code, -fraction_bits));
    squares += values.back() * values.back();
  }
  if (unit_length && squares > 0)
    for (double &value : values)
      value /= std::sqrt(squares);
  return values;
}

// An image's vectors in JSON, {"image": ..., "features": [...]} or {"image": ..., "tokens": [[[...], ...], ...]}.
void print_vectors_json(const Vectors &wanted, const std::string &path,
                        const std::vector<std::vector<double>> &vectors) {
  if (!wanted.of_patches) {
    std::cout << json_text({{"image", path_text(path)}, {"features", vectors.front()}}) << "\n";
    return;
  }
  nlohmann::json grid = nlohmann::json::array();
  for (auto row = vectors.begin(); row != vectors.end(); row += wanted.columns)
    grid.push_back(std::vector(row, row + wanted.columns));
  std::cout << json_text({{"image", path_text(path)}, {"tokens", std::move(grid)}}) << "\n";
}

void print_vectors_csv(const Vectors &wanted, const std::string &path,
                       const std::vector<std::vector<double>> &vectors) {
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    std::vector<std::string> cells{path};
    if (wanted.of_patches)
      for (const std::size_t place :
           {i / static_cast<std::size_t>(wanted.columns), i % static_cast<std::size_t>(wanted.columns)})
        cells.push_back(std::to_string(place));
    for (const double value : vectors[i])
      cells.push_back(nlohmann::json(value).dump());
    std::cout << csv_line(cells);
  }
}

void print_vectors_header(const Vectors &wanted) {
  std::vector<std::string> cells{"image"};
  if (wanted.of_patches)
    cells.insert(cells.end(), {"row", "column"});
  for (int i = 0; i < wanted.channels; ++i)
    cells.push_back((wanted.of_patches ? "token_" : "feature_") + std::to_string(i));
  std::cout << csv_line(cells);
}

// All vectors of all images, one a row; NaN until an image's are there.
class Array {
public:
  Array(const Vectors &wanted, std::int64_t images)
      : wanted_(wanted), images_(images), rows_(images * wanted.count(), wanted.channels) {
    rows_.setConstant(std::numeric_limits<float>::quiet_NaN());
  }

  void set(std::size_t image, const std::vector<std::vector<double>> &vectors) {
    Eigen::Index row = static_cast<Eigen::Index>(image) * wanted_.count();
    for (const std::vector<double> &vector : vectors) {
      for (std::size_t c = 0; c < vector.size(); ++c)
        rows_(row, static_cast<Eigen::Index>(c)) = static_cast<float>(vector[c]);
      ++row;
    }
  }

  void write(const std::string &path) const {
    std::vector<std::int64_t> shape{images_};
    if (wanted_.of_patches)
      shape.insert(shape.end(), {wanted_.rows, wanted_.columns});
    shape.push_back(wanted_.channels);
    require(write_file_atomically(path, npy_bytes(rows_, shape)));
    std::cout << printable(path) << ": ";
    for (std::size_t i = 0; i < shape.size(); ++i)
      std::cout << (i == 0 ? "" : " x ") << shape[i];
    std::cout << " float32\n";
  }

private:
  Vectors wanted_;
  std::int64_t images_;
  RowMatrix rows_;
};

void add_features_options(Parser &parser) {
  add_model_option(parser);
  add_run_options(parser);
  parser.flag("tokens",
              "a vector for each patch instead of one for the image, of models quantized with --patch-tokens");
  parser.flag("normalize", "bring each vector to length 1, so that products are cosines");
  parser.formats({"json", "csv", "npy"});
  parser.option<std::string>("o,output", "FILE",
                             "npy: file to write, float32, a row an image; NaN for one that could not be read");
}

} // namespace

int features(const Arguments &arguments) {
  Parser parser("features",
                "Prints the features of images: the angle between two images' features tells how alike they are.",
                "IMAGE|FOLDER|- ...");
  add_features_options(parser);
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
  const Vectors wanted = wanted_vectors(parser, path, *model);
  std::size_t errors = 0;
  const std::vector<std::string> paths = named_images(parser.positional(), errors);
  if (format == "npy") {
    check_output(output);
    check_not_read(output, paths);
    check_not_read(output, {path});
  }
  const Recipe recipe = recipe_for(parser, *model);
  Array array(wanted, format == "npy" ? std::ssize(paths) : 0);
  if (format == "csv")
    print_vectors_header(wanted);
  run_named_images(
      model, recipe, paths, thread_count, 1, "running", errors, [&](std::size_t image, const FileOutputs &outputs) {
        const std::span<const std::int32_t> codes = codes_of(wanted, *model, outputs);
        const auto channels = static_cast<std::size_t>(wanted.channels);
        std::vector<std::vector<double>> vectors;
        for (std::size_t first = 0; first < codes.size(); first += channels)
          vectors.push_back(real_vector(codes.subspan(first, channels), wanted.fraction_bits, parser.has("normalize")));
        if (format == "npy")
          return array.set(image, vectors);
        if (format == "json")
          print_vectors_json(wanted, paths[image], vectors);
        else
          print_vectors_csv(wanted, paths[image], vectors);
        flush_output();
      });
  if (format == "npy")
    array.write(output);
  return errors == 0 ? exit_ok : exit_failure;
}

} // namespace intvit::cli
