// intvit inspect: how the values inside a model are spread, in figures and diagrams.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/options/images.hpp"
#include "cli/options/model.hpp"
#include "cli/options/output.hpp"
#include "cli/options/running.hpp"
#include "cli/picture/diagrams.hpp"
#include "cli/process.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"
#include "engine/container/file_io.hpp"
#include "engine/container/utf8.hpp"
#include "models/program/paths.hpp"

namespace intvit::cli {

namespace {

// Weights at most 2^-this become 0 in uniform codes of 4 and 8 bits.
constexpr std::size_t zero_in_4_bits = 5;
constexpr std::size_t zero_in_8_bits = 9;

int channels_with(const StreamRanges &stream, int alpha) {
  return static_cast<int>(std::count(stream.alpha.begin(), stream.alpha.end(), alpha));
}

void print_spreads(const Distribution &result) {
  const std::string stream_heading = "residual stream after";
  std::size_t width = stream_heading.size();
  for (const StreamRanges &stream : result.streams)
    width = std::max(width, printable(stream.name).size());
  const int column = static_cast<int>(width);
  std::printf("images  %zu\n\n  %-*s  widest / median channel", result.images, column, stream_heading.c_str());
  const bool factors = !result.streams.empty() && !result.streams.front().alpha.empty();
  std::printf(factors ? "   channels with factor 1, 2, 4 ...\n" : "\n");
  for (const StreamRanges &stream : result.streams) {
    std::printf("  %-*s  %23.1f", column, printable(stream.name).c_str(), stream.spread());
    const auto largest = std::max_element(stream.alpha.begin(), stream.alpha.end());
    for (int alpha = 0; largest != stream.alpha.end() && alpha <= *largest; ++alpha)
      std::printf("%s%d", alpha == 0 ? "   " : ", ", channels_with(stream, alpha));
    std::printf("\n");
  }
  const auto at_most = [](std::size_t bin) { return "at most 2^-" + std::to_string(bin); };
  std::printf("\n  %-*s  %8s  %12s  %12s\n", column, "attention weights of", "0", at_most(zero_in_8_bits).c_str(),
              at_most(zero_in_4_bits).c_str());
  for (const WeightHistogram &block : result.blocks)
    std::printf("  %-*s  %6.2f %%  %10.2f %%  %10.2f %%\n", column, printable(block.name).c_str(),
                100 * static_cast<double>(block.zeros) / static_cast<double>(block.total()),
                100 * block.share_below(zero_in_8_bits), 100 * block.share_below(zero_in_4_bits));
}

nlohmann::json spreads_json(const Distribution &result) {
  nlohmann::json object = {
      {"images", result.images}, {"streams", nlohmann::json::array()}, {"attention", nlohmann::json::array()}};
  for (const StreamRanges &stream : result.streams) {
    nlohmann::json entry = {{"name", stream.name}, {"low", stream.low}, {"high", stream.high}};
    if (std::isfinite(stream.spread()))
      entry["spread"] = stream.spread();
    if (!stream.alpha.empty())
      entry["alpha"] = std::vector<int>(stream.alpha.begin(), stream.alpha.end());
    object["streams"].push_back(std::move(entry));
  }
  for (const WeightHistogram &block : result.blocks) {
    std::vector<double> sums;
    for (const std::uint64_t sum : block.sum)
      sums.push_back(std::ldexp(static_cast<double>(sum), -32));
    object["attention"].push_back(
        {{"name", block.name}, {"zeros", block.zeros}, {"log2_counts", block.count}, {"log2_sums", sums}});
  }
  return object;
}

const StreamRanges &chosen_stream(const Parser &parser, const Distribution &result) {
  if (!parser.has("layer"))
    return *std::max_element(result.streams.begin(), result.streams.end(),
                             [](const auto &one, const auto &other) { return one.spread() < other.spread(); });
  const auto name = parser.get<std::string>("layer");
  for (const StreamRanges &stream : result.streams)
    if (stream.name == name)
      return stream;
  throw UsageError("--layer: no residual stream is written by \"" + name + "\"; the first is written by " +
                   result.streams.front().name);
}

constexpr const char *channel_ranges_name = "channel_ranges.svg";
constexpr const char *layers_name = "layers.svg";
constexpr const char *attention_weights_name = "attention_weights.svg";

// Makes the folder for diagrams and checks that they can be written without replacing what is read.
void prepare_diagrams(const std::filesystem::path &folder, const std::vector<std::string> &inputs) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw std::runtime_error(path_name(folder) + ": cannot be made: " + error.message());
  for (const char *name : {channel_ranges_name, layers_name, attention_weights_name}) {
    check_output(path_name(folder / name));
    check_not_read(path_name(folder / name), inputs);
  }
}

void write_diagrams(const Parser &parser, const Distribution &result) {
  const std::filesystem::path folder = file_path(parser.get<std::string>("output"));
  const auto write = [&](const char *name, const std::string &svg) {
    const std::string path = path_name(folder / name);
    require(write_file_atomically(path, std::as_bytes(std::span(svg))));
  };
  write(channel_ranges_name, channel_ranges_svg(chosen_stream(parser, result)));
  write(layers_name, layers_svg(result));
  write(attention_weights_name, attention_weights_svg(result));
}

} // namespace

int inspect(const Arguments &arguments) {
  Parser parser("inspect",
                "Tells how the values inside a model are spread over the images of a folder: the ranges of the "
                "residual stream's channels, their Power-of-Two Factors, and the attention weights.");
  add_model_option(parser);
  add_run_options(parser);
  add_data_options(parser);
  parser.option<std::string>("o,output", "FOLDER",
                             "folder for diagrams: channel_ranges.svg, layers.svg, attention_weights.svg");
  parser.option<std::string>(
      "layer", "NAME",
      "channel_ranges.svg: the node that writes the stream (default: the one with the widest channel)");
  parser.formats({"text", "json"});
  if (!parser.parse(arguments))
    return exit_ok;

  parser.required("data");
  if (parser.has("layer") && !parser.has("output"))
    throw UsageError("--layer goes with --output");
  const std::string format = parser.format();
  const int thread_count = threads(parser);
  const std::string path = model_path(parser);
  const std::shared_ptr<const Model> model = open_model(parser, path);
  const Recipe recipe = recipe_for(parser, *model);
  std::vector<std::string> data;
  for (ComparedImage &image : images(parser, *model))
    data.push_back(std::move(image.path));
  if (parser.has("output")) {
    std::vector<std::string> inputs = data;
    inputs.push_back(path);
    if (const std::string labels = labels_file(parser); !labels.empty())
      inputs.push_back(labels);
    prepare_diagrams(parser.get<std::string>("output"), inputs);
  }

  ProgressBar progress("inspecting");
  const Distribution result = distribution(model, data, recipe, thread_count, [&](std::size_t done) {
    stop_if_interrupted();
    progress.show(done, data.size());
  });
  progress.wipe();
  report_unread(parser, result.errors, result.images == 0);
  if (result.streams.empty())
    throw std::runtime_error(path + ": has no LayerNorm, so there is nothing to tell");
  if (parser.has("output"))
    write_diagrams(parser, result);
  if (format == "json")
    std::cout << json_text(spreads_json(result)) << "\n";
  else
    print_spreads(result);
  return result.errors.empty() ? exit_ok : exit_failure;
}

} // namespace intvit::cli
