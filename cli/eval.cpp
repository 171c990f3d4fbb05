// intvit eval: accuracy of a model on labelled images, beside the float model it came from.
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

namespace intvit::cli {

namespace {

void print_text(const Evaluation &result) {
  std::printf("images      %zu\ntop-1       %.2f %%\ntop-5       %.2f %%\nimages/s    %.2f\n", result.images,
              result.top1, result.top5, result.images_per_second);
  if (const auto &comparison = result.float_comparison)
    std::printf("float top-1 %.2f %%\nfloat top-5 %.2f %%\nagreement   %.2f %%\ncosine      %.4f\n", comparison->top1,
                comparison->top5, comparison->agreement, comparison->cosine);
}

nlohmann::json to_json(const Evaluation &result) {
  nlohmann::json object = {{"images", result.images},
                           {"top1", result.top1},
                           {"top5", result.top5},
                           {"images_per_second", result.images_per_second}};
  if (const auto &comparison = result.float_comparison) {
    object["float_top1"] = comparison->top1;
    object["float_top5"] = comparison->top5;
    object["agreement"] = comparison->agreement;
    object["cosine"] = comparison->cosine;
  }
  return object;
}

// One column for each entry of the JSON object.
void print_csv(const nlohmann::json &object) {
  std::vector<std::string> names;
  std::vector<std::string> values;
  for (const auto &[name, value] : object.items()) {
    names.push_back(name);
    values.push_back(value.dump());
  }
  std::cout << csv_line(names) << csv_line(values);
}

} // namespace

int eval(const Arguments &arguments) {
  Parser parser("eval",
                "Measures a model's accuracy on labelled images: a CSV file of \"file,label\" lines, or one folder "
                "a class.");
  add_model_option(parser);
  add_run_options(parser);
  add_data_options(parser);
  add_float_options(parser);
  parser.formats({"text", "json", "csv"});
  if (!parser.parse(arguments))
    return exit_ok;

  parser.required("data");
  const std::string format = parser.format();
  const int thread_count = threads(parser);
  const std::shared_ptr<const Model> model = open_model_with_head(parser, model_path(parser));

  const std::vector<LabelledImage> images = labelled_images(parser, *model);
  const std::optional<ImportedModel> imported = float_option(parser, model->image_height(), model->image_width());

  stop_if_interrupted();
  ProgressBar progress("evaluating");
  const Evaluation result = evaluate(model, imported ? &imported->model : nullptr, images, recipe_for(parser, *model),
                                     thread_count, [&](std::size_t done) {
                                       progress.show(done, images.size());
                                       return !interrupted();
                                     });
  progress.wipe();
  const std::size_t done = result.images + result.errors.size();
  const bool stopped = done < images.size();
  report_unread(parser, result.errors, result.images == 0 && !stopped);
  if (result.images == 0) {
    // Interrupted before there was anything to tell.
  } else if (format == "json")
    std::cout << json_text(to_json(result)) << "\n";
  else if (format == "csv")
    print_csv(to_json(result));
  else
    print_text(result);
  if (stopped)
    throw Interrupted("interrupted after " + std::to_string(done) + " of " + std::to_string(images.size()) + " images");
  return result.errors.empty() ? exit_ok : exit_failure;
}

} // namespace intvit::cli
