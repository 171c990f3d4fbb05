// intvit compare: two models on the same images, where they agree and in which layer they part.
#include <algorithm>
#include <cstdio>
#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/options/images.hpp"
#include "cli/options/model.hpp"
#include "cli/options/running.hpp"
#include "cli/predictions.hpp"
#include "cli/process.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"
#include "engine/container/utf8.hpp"
#include "models/inspect/compare.hpp"

namespace intvit::cli {

namespace {

class ComparisonPrinter {
public:
  ComparisonPrinter(const Comparison &result, std::array<std::string, 2> models, const Model &model)
      : result_(result), models_(std::move(models)), labels_(model.labels()), kind_(model.result_kind()) {}

  void text() const {
    std::printf("images      %zu\n", result_.images.size());
    if (decides())
      std::printf("agreement   %.2f %%\n", result_.agreement);
    std::printf("cosine      %.6f\n", result_.cosine);
    if (result_.neighbours)
      std::printf("neighbours  %.2f %%\n", *result_.neighbours);
    if (kind_ == ResultKind::scores)
      std::printf("difference  %.6g\n", result_.difference);
    if (result_.first_top1)
      std::printf("top-1       %.2f %%, %.2f %%\n", *result_.first_top1, *result_.second_top1);
    text_layers();
    if (!has_classes() || result_.agreement == 100)
      return;
    std::printf("\nthey differ on\n");
    for (const ImageComparison &image : result_.images) {
      if (image.first.label == image.second.label)
        continue;
      std::printf("  %s\n    %s   %s", printable(image.path).c_str(), text(image.first).c_str(),
                  text(image.second).c_str());
      if (image.label)
        std::printf("   (it is %s)", printable(label(*image.label)).c_str());
      std::printf("\n");
    }
  }

  void json() const {
    nlohmann::json object = {{"first", path_text(models_[0])},
                             {"second", path_text(models_[1])},
                             {"images", result_.images.size()},
                             {"cosine", result_.cosine},
                             {"layers", nlohmann::json::array()}};
    if (result_.neighbours)
      object["neighbours"] = *result_.neighbours;
    if (result_.first_top1) {
      object["first_top1"] = *result_.first_top1;
      object["second_top1"] = *result_.second_top1;
    }
    for (const LayerComparison &layer : result_.layers)
      object["layers"].push_back(
          {{"name", layer.name}, {"cosine", layer.cosine}, {"lowest_cosine", layer.lowest_cosine}});
    if (kind_ != ResultKind::logits)
      object["outputs"] = outputs_word(kind_);
    if (decides())
      object["agreement"] = result_.agreement;
    if (has_classes())
      object["differences"] = differences();
    if (kind_ == ResultKind::scores)
      object["difference"] = result_.difference;
    std::cout << json_text(object, 2) << "\n";
  }

  // One line for each image; without classes the cells about them are empty. Of labels, "same" is a share.
  void csv() const {
    std::cout << "image,label,first_index,first_label,first_probability,second_index,second_label,second_probability,"
                 "same,cosine\n";
    for (const ImageComparison &image : result_.images) {
      std::vector<std::string> cells{image.path, image.label ? std::to_string(*image.label) : ""};
      for (const Opinion &opinion : {image.first, image.second})
        if (has_classes())
          cells.insert(cells.end(),
                       {std::to_string(opinion.label), label(opinion.label), csv_number(opinion.probability)});
        else
          cells.insert(cells.end(), 3, "");
      cells.push_back(decides() ? csv_number(image.agreement) : "");
      cells.push_back(csv_number(image.cosine));
      std::cout << csv_line(cells);
    }
  }

private:
  // On the images for which the two name different classes.
  nlohmann::json differences() const {
    nlohmann::json list = nlohmann::json::array();
    for (const ImageComparison &image : result_.images) {
      if (image.first.label == image.second.label)
        continue;
      nlohmann::json difference = {{"image", path_text(image.path)},
                                   {"first", to_json(image.first)},
                                   {"second", to_json(image.second)},
                                   {"cosine", image.cosine}};
      if (image.label)
        difference["label"] = {{"index", *image.label}, {"label", label(*image.label)}};
      list.push_back(std::move(difference));
    }
    return list;
  }

  bool has_classes() const { return kind_ == ResultKind::logits; }
  bool decides() const { return has_classes() || kind_ == ResultKind::labels; }

  std::string label(int index) const { return output_name(kind_, labels_, index); }

  std::string text(const Opinion &opinion) const {
    char percent[32];
    std::snprintf(percent, sizeof percent, "%.2f %% ", 100 * opinion.probability);
    return percent + printable(label(opinion.label));
  }

  nlohmann::json to_json(const Opinion &opinion) const {
    return {{"index", opinion.label}, {"label", label(opinion.label)}, {"probability", opinion.probability}};
  }

  void text_layers() const {
    if (result_.layers.empty()) {
      std::printf("\nno layer can be compared: the models' layers have other shapes\n");
      return;
    }
    const std::string heading = "residual stream after";
    std::size_t width = heading.size();
    for (const LayerComparison &layer : result_.layers)
      width = std::max(width, printable(layer.name).size());
    std::printf("\n  %-*s  cosine    lowest\n", static_cast<int>(width), heading.c_str());
    for (const LayerComparison &layer : result_.layers)
      std::printf("  %-*s  %.6f  %.6f\n", static_cast<int>(width), printable(layer.name).c_str(), layer.cosine,
                  layer.lowest_cosine);
  }

  const Comparison &result_;
  std::array<std::string, 2> models_;
  const std::vector<std::string> &labels_;
  ResultKind kind_;
};

} // namespace

int compare(const Arguments &arguments) {
  Parser parser("compare",
                "Compares two models, or one with the float weights it came from (--float), on the same images, "
                "preprocessed as the first wants it: how often they say the same, how far their logits and, layer by "
                "layer, their residual streams point in the same direction, and the images on which they differ.",
                "MODEL [MODEL]");
  add_run_options(parser);
  add_data_options(parser);
  add_float_options(parser);
  parser.formats({"text", "json", "csv"});
  if (!parser.parse(arguments))
    return exit_ok;
  const std::vector<std::string> &paths = parser.positional();
  if (paths.size() + (parser.has("float") ? 1 : 0) != 2)
    throw UsageError("give two models, or one and --float (see intvit compare -h)");

  parser.required("data");
  const std::string format = parser.format();
  const int thread_count = threads(parser);
  std::vector<std::shared_ptr<const Model>> models;
  models.reserve(paths.size());
  for (const std::string &path : paths)
    models.push_back(open_model(parser, path));
  const Model &model = *models.front();
  if (const Model &last = *models.back(); last.result_kind() != model.result_kind())
    throw std::runtime_error(paths[0] + " gives " + std::string(outputs_word(model.result_kind())) + ", " + paths[1] +
                             " " + std::string(outputs_word(last.result_kind())) + ": they cannot be compared");
  const Recipe recipe = recipe_for(parser, model);
  const std::vector<ComparedImage> data = images(parser, model);
  const std::optional<ImportedModel> imported = float_option(parser, model.image_height(), model.image_width());
  const std::unique_ptr<ComparedModel> first = compared(models.front(), thread_count);
  const std::unique_ptr<ComparedModel> second =
      imported ? compared(imported->model) : compared(models.back(), thread_count);
  const std::string second_path = imported ? parser.get<std::string>("float") : paths[1];

  ProgressBar progress("comparing");
  Comparison result;
  try {
    result = compare(*first, *second, data, recipe, model.kernels(), thread_count, [&](std::size_t done) {
      stop_if_interrupted();
      progress.show(done, data.size());
    });
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(paths[0] + ", " + second_path + ": " + error.what());
  }
  progress.wipe();
  report_unread(parser, result.errors, result.images.empty());
  const ComparisonPrinter printer(result, {paths[0], second_path}, model);
  if (format == "json")
    printer.json();
  else if (format == "csv")
    printer.csv();
  else
    printer.text();
  return result.errors.empty() ? exit_ok : exit_failure;
}

} // namespace intvit::cli
