// intvit eval: accuracy of a model on labelled images, beside the float model it came from.
#include <cstdio>
#include <filesystem>
#include <iostream>

#include <nlohmann/json.hpp>

#include "cli/models.hpp"
#include "cli/progress.hpp"
#include "models/evaluate/evaluate.hpp"
#include "models/import/load.hpp"
#include "models/import/position_embedding.hpp"

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

// A column an entry of the JSON object.
void print_csv(const nlohmann::json &object) {
  std::string names;
  std::string values;
  for (const auto &[name, value] : object.items()) {
    names += (names.empty() ? "" : ",") + name;
    values += (values.empty() ? "" : ",") + value.dump();
  }
  std::cout << names << "\n" << values << "\n";
}

} // namespace

int eval(const Arguments &arguments) {
  Parser parser("eval",
                "Measures a model's accuracy on labelled images: a CSV file of \"file,label\" lines, or one folder "
                "a class.");
  add_model_option(parser);
  add_threads_option(parser);
  add_isa_option(parser);
  add_preprocess_option(parser);
  parser.add()("data", "folder of images", cxxopts::value<std::string>(), "FOLDER")(
      "labels",
      "CSV file of file,label lines, files relative to --data (default: labels.csv in --data, else class "
      "folders)",
      cxxopts::value<std::string>(),
      "FILE")("count", "evaluate only the first N images", cxxopts::value<int>()->default_value("0"), "N")(
      "float",
      "float weights (as quantize takes them) to compare with on the same images, brought to the model's image size",
      cxxopts::value<std::string>(),
      "WEIGHTS")("arch", "architecture of the float weights, where they do not tell", cxxopts::value<std::string>(),
                 "NAME")("format", "text, json or csv", cxxopts::value<std::string>()->default_value("text"), "FORMAT");
  if (!parser.parse(arguments))
    return exit_ok;

  const std::string data = parser.required("data");
  const std::string format = parser.choice("format", {"text", "json", "csv"});
  const int count = parser.integer("count", 0, 1 << 30);
  const int thread_count = threads(parser);
  const std::optional<Recipe> recipe = preprocess_option(parser);
  const std::shared_ptr<const Model> model = value_of(Model::open(model_path(parser), kernels_option(parser)));

  const std::string beside = (std::filesystem::path(data) / "labels.csv").string();
  const std::string labels = parser.has("labels")              ? parser.get<std::string>("labels")
                             : std::filesystem::exists(beside) ? beside
                                                               : "";
  std::vector<LabelledImage> images = labels.empty() ? read_class_folders(data, model->labels(), model->classes())
                                                     : read_labels(data, labels, model->classes());
  if (count > 0 && static_cast<std::size_t>(count) < images.size())
    images.resize(static_cast<std::size_t>(count));

  std::optional<FloatModel> float_model;
  if (parser.has("float")) {
    ImportOptions options;
    if (parser.has("arch"))
      options.timm.architecture = parser.get<std::string>("arch");
    float_model = load_float_model(parser.get<std::string>("float"), options).model;
    // A model quantized with --image-size.
    if (const ModelConfig &config = common_config(*float_model);
        config.image_height != model->image_height() || config.image_width != model->image_width())
      set_image_size(*float_model, model->image_height(), model->image_width());
  }

  ProgressBar progress("evaluating");
  const Evaluation result =
      evaluate(model, float_model ? &*float_model : nullptr, images, recipe ? *recipe : model->recipe(), thread_count,
               [&](std::size_t done) { progress.show(done, images.size()); });
  progress.wipe();
  for (const std::string &error : result.errors)
    print_error(error);
  if (result.images == 0)
    throw std::runtime_error(data + ": no image could be read");
  if (format == "json")
    std::cout << to_json(result).dump() << "\n";
  else if (format == "csv")
    print_csv(to_json(result));
  else
    print_text(result);
  return result.errors.empty() ? exit_ok : exit_failure;
}

} // namespace intvit::cli
