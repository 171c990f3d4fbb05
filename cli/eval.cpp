// intvit eval: how well a model does on labelled images, beside the float model it came from.
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/options/images.hpp"
#include "cli/options/model.hpp"
#include "cli/options/running.hpp"
#include "cli/process.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"
#include "models/evaluate/evaluate.hpp"
#include "models/evaluate/evaluate_features.hpp"
#include "models/evaluate/evaluate_labels.hpp"
#include "models/evaluate/evaluate_scores.hpp"
#include "models/evaluate/measures.hpp"
#include "models/program/text.hpp"

namespace intvit::cli {

namespace {

using nlohmann::json;

// Classes.

void print_text(const Evaluation &result, const Model &) {
  std::printf("images      %zu\ntop-1       %.2f %%\ntop-5       %.2f %%\nimages/s    %.2f\n", result.runs.images,
              result.top1, result.top5, result.runs.images_per_second);
  if (const auto &comparison = result.float_comparison)
    std::printf("float top-1 %.2f %%\nfloat top-5 %.2f %%\nagreement   %.2f %%\ncosine      %.4f\n", comparison->top1,
                comparison->top5, comparison->agreement, comparison->cosine);
}

json evaluation_json(const Evaluation &result, const Model &) {
  json object = {{"images", result.runs.images},
                 {"top1", result.top1},
                 {"top5", result.top5},
                 {"images_per_second", result.runs.images_per_second}};
  if (const auto &comparison = result.float_comparison) {
    object["float_top1"] = comparison->top1;
    object["float_top5"] = comparison->top5;
    object["agreement"] = comparison->agreement;
    object["cosine"] = comparison->cosine;
  }
  return object;
}

// A measure that there may not be.
std::string text_of(const std::optional<double> &value, int digits, const char *unit) {
  return value ? fixed(*value, digits) + unit : "none";
}

json json_of(const std::optional<double> &value) {
  return value ? json(*value) : json();
}

// Labels.

void print_measures(const LabelMeasures &measures, const char *prefix) {
  std::printf("%-12s%s\n", (std::string(prefix) + "mAP").c_str(),
              text_of(measures.mean_average_precision, 2, " %").c_str());
  std::printf("%-12s%s\n", (std::string(prefix) + "F1").c_str(), text_of(measures.f1, 2, " %").c_str());
  std::printf("%-12s%.2f %%\n", (std::string(prefix) + "right").c_str(), measures.right);
}

void print_text(const LabelEvaluation &result, const Model &model) {
  std::printf("images      %zu\nlabels      %d of %d occur\n", result.runs.images, result.occurring, model.classes());
  print_measures(result.measures, "");
  std::printf("images/s    %.2f\n", result.runs.images_per_second);
  if (const auto &comparison = result.float_comparison) {
    print_measures(comparison->measures, "float ");
    std::printf("agreement   %.2f %%\ncosine      %.4f\n", comparison->agreement, comparison->cosine);
  }
}

json evaluation_json(const LabelEvaluation &result, const Model &model) {
  json object = {{"outputs", outputs_word(ResultKind::labels)},
                 {"images", result.runs.images},
                 {"labels", model.classes()},
                 {"occurring_labels", result.occurring},
                 {"mean_average_precision", json_of(result.measures.mean_average_precision)},
                 {"f1", json_of(result.measures.f1)},
                 {"right", result.measures.right},
                 {"images_per_second", result.runs.images_per_second}};
  if (const auto &comparison = result.float_comparison) {
    object["float_mean_average_precision"] = json_of(comparison->measures.mean_average_precision);
    object["float_f1"] = json_of(comparison->measures.f1);
    object["float_right"] = comparison->measures.right;
    object["agreement"] = comparison->agreement;
    object["cosine"] = comparison->cosine;
  }
  return object;
}

// Scores.

void print_measures(const ScoreMeasures &measures, const char *prefix) {
  std::printf("%-18s%.6g\n", (std::string(prefix) + "MAE").c_str(), measures.mean_absolute_error);
  std::printf("%-18s%.6g\n", (std::string(prefix) + "RMSE").c_str(), measures.root_mean_square_error);
  std::printf("%-18s%s\n", (std::string(prefix) + "correlation").c_str(), text_of(measures.correlation, 4, "").c_str());
}

void print_text(const ScoreEvaluation &result, const Model &) {
  std::printf("images            %zu\n", result.runs.images);
  print_measures(result.measures, "");
  std::printf("images/s          %.2f\n", result.runs.images_per_second);
  if (const auto &comparison = result.float_comparison) {
    print_measures(comparison->measures, "float ");
    std::printf("difference        %.6g\ncosine            %.4f\n", comparison->difference, comparison->cosine);
  }
}

json evaluation_json(const ScoreEvaluation &result, const Model &model) {
  json object = {{"outputs", outputs_word(ResultKind::scores)},
                 {"images", result.runs.images},
                 {"scores", model.classes()},
                 {"mean_absolute_error", result.measures.mean_absolute_error},
                 {"root_mean_square_error", result.measures.root_mean_square_error},
                 {"correlation", json_of(result.measures.correlation)},
                 {"images_per_second", result.runs.images_per_second}};
  if (const auto &comparison = result.float_comparison) {
    object["float_mean_absolute_error"] = comparison->measures.mean_absolute_error;
    object["float_root_mean_square_error"] = comparison->measures.root_mean_square_error;
    object["float_correlation"] = json_of(comparison->measures.correlation);
    object["difference"] = comparison->difference;
    object["cosine"] = comparison->cosine;
  }
  return object;
}

// Features.

void print_text(const FeatureEvaluation &result, const Model &) {
  std::printf("images        %zu\nnearest       %s\nimages/s      %.2f\n", result.runs.images,
              text_of(result.nearest, 2, " %").c_str(), result.runs.images_per_second);
  if (const auto &comparison = result.float_comparison)
    std::printf("float nearest %s\nneighbours    %.2f %%\ncosine        %.6f\n",
                text_of(comparison->nearest, 2, " %").c_str(), comparison->neighbours, comparison->cosine);
}

json evaluation_json(const FeatureEvaluation &result, const Model &model) {
  json object = {{"outputs", outputs_word(ResultKind::embedding)},
                 {"images", result.runs.images},
                 {"features", model.features()},
                 {"nearest", json_of(result.nearest)},
                 {"images_per_second", result.runs.images_per_second}};
  if (const auto &comparison = result.float_comparison) {
    object["float_nearest"] = json_of(comparison->nearest);
    object["neighbours"] = comparison->neighbours;
    object["cosine"] = comparison->cosine;
  }
  return object;
}

// Whether there is enough to tell of.
template <class Result> void check_enough(const Result &) {}
void check_enough(const FeatureEvaluation &result) {
  if (result.runs.images < fewest_neighbours)
    throw std::runtime_error("neighbours of " + std::to_string(result.runs.images) + " images tell nothing, give more");
}

// The pictures below --data, if something can be told of their features: by the folders that they are in, or by the
// float model's features.
std::vector<GroupedImage> comparable_images(const Parser &parser) {
  std::vector<GroupedImage> images = grouped_images(parser);
  const bool one_group = std::all_of(images.begin(), images.end(),
                                     [&](const GroupedImage &image) { return image.group == images.front().group; });
  if (one_group && !parser.has("float") && images.size() >= fewest_neighbours)
    throw std::runtime_error(parser.get<std::string>("data") +
                             ": the model gives features, of which a single folder of pictures tells nothing: give "
                             "the float weights with --float, or a folder for each kind of picture");
  return images;
}

// One column for each entry of the JSON object; what there is not is an empty cell.
void print_csv(const json &object) {
  std::vector<std::string> names;
  std::vector<std::string> values;
  for (const auto &[name, value] : object.items()) {
    names.push_back(name);
    values.push_back(value.is_null() ? "" : value.is_string() ? value.get<std::string>() : value.dump());
  }
  std::cout << csv_line(names) << csv_line(values);
}

// Evaluates and prints, whatever the outputs mean.
template <class Image, class Result>
int run_evaluation(const Parser &parser, const std::shared_ptr<const Model> &model, const std::vector<Image> &images,
                   Result (*evaluate)(const std::shared_ptr<const Model> &, const FloatModel *, std::span<const Image>,
                                      const Recipe &, int, const std::function<bool(std::size_t)> &)) {
  const std::optional<ImportedModel> imported = float_option(parser, model->image_height(), model->image_width());
  stop_if_interrupted();
  ProgressBar progress("evaluating");
  const Result result = evaluate(model, imported ? &imported->model : nullptr, images, recipe_for(parser, *model),
                                 threads(parser), [&](std::size_t done) {
                                   progress.show(done, images.size());
                                   return !interrupted();
                                 });
  progress.wipe();
  const std::size_t done = result.runs.images + result.runs.errors.size();
  const bool stopped = interrupted(); // while images were run, or compared after that
  report_unread(parser, result.runs.errors, result.runs.images == 0 && !stopped);
  if (!stopped)
    check_enough(result);
  if (result.runs.images == 0) {
    // Interrupted before there was anything to tell.
  } else if (parser.format() == "json")
    std::cout << json_text(evaluation_json(result, *model)) << "\n";
  else if (parser.format() == "csv")
    print_csv(evaluation_json(result, *model));
  else
    print_text(result, *model);
  if (stopped)
    throw Interrupted("interrupted after " + std::to_string(done) + " of " + std::to_string(images.size()) + " images");
  return result.runs.errors.empty() ? exit_ok : exit_failure;
}

} // namespace

int eval(const Arguments &arguments) {
  Parser parser("eval",
                "Measures how well a model does on labelled images: a CSV file of \"file,label\" lines, or one folder "
                "a class. Of models that give labels, scores or features, see docs/command_line.md.");
  add_model_option(parser);
  add_run_options(parser);
  add_data_options(parser);
  add_float_options(parser);
  parser.formats({"text", "json", "csv"});
  if (!parser.parse(arguments))
    return exit_ok;

  parser.required("data");
  parser.format(); // told before the work if it makes no sense, as is the number of threads
  threads(parser);
  const std::shared_ptr<const Model> model = open_model(parser, model_path(parser));
  switch (model->result_kind()) {
  case ResultKind::labels:
    return run_evaluation(parser, model, multi_label_images(parser, *model), evaluate_labels);
  case ResultKind::scores:
    return run_evaluation(parser, model, scored_images(parser, *model), evaluate_scores);
  case ResultKind::embedding:
    return run_evaluation(parser, model, comparable_images(parser), evaluate_features);
  case ResultKind::logits:
    break;
  }
  return run_evaluation(parser, model, labelled_images(parser, *model), evaluate);
}

} // namespace intvit::cli
