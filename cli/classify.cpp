// intvit classify: what is on these images.
#include "cli/classified.hpp"
#include "cli/named_images.hpp"
#include "cli/options/model.hpp"
#include "cli/options/output.hpp"
#include "cli/options/running.hpp"
#include "cli/process.hpp"

namespace intvit::cli {

namespace {

Classified classified(const std::string &path, const Model &model, const FileOutputs &outputs, int count,
                      bool raw_logits) {
  constexpr double milliseconds = 1e3;
  Classified result{.path = path, .top = {}, .scores = {}, .logits = {}, .timing = {}};
  result.timing = {(outputs.load.read + outputs.load.decode) * milliseconds, outputs.load.preprocess * milliseconds,
                   outputs.run * milliseconds};
  if (model.result_kind() == ResultKind::scores)
    result.scores = real_scores(model, outputs.integers);
  else
    result.top = top_predictions(model, outputs.integers, count);
  if (raw_logits)
    result.logits = outputs.integers;
  return result;
}

} // namespace

int classify(const Arguments &arguments) {
  Parser parser(
      "classify",
      "Tells what is on images: the most likely classes of each, or the labels or scores that the model gives.",
      "IMAGE|FOLDER|- ...");
  add_model_option(parser);
  add_run_options(parser);
  parser.option<int>("k,top", "K", "how many classes or labels to print", "5");
  parser.option<int>("b,batch", "N", "images in the network at once; every thread runs one at least if there are many",
                     "1");
  parser.formats({"text", "json", "csv"});
  parser.flag("timing",
              "also print the milliseconds that decoding, preprocessing and inference took an image's thread");
  parser.flag("raw-logits", "also print all logits, the integers that the engine gives");
  if (!parser.parse(arguments))
    return exit_ok;
  if (parser.positional().empty())
    throw UsageError("no image is given (see intvit classify -h)");

  const int count = parser.integer("top", 1, 1 << 20);
  const int batch = parser.integer("batch", 1, 4096);
  const std::string format = parser.format();
  const int thread_count = threads(parser);

  const std::shared_ptr<const Model> model = open_model_with_head(parser, model_path(parser));
  if (model->result_kind() == ResultKind::scores && parser.has("top"))
    throw UsageError("--top: the model gives scores, which are all printed");
  const Recipe recipe = recipe_for(parser, *model);
  const Printer printer(format, *model, parser.has("timing"));

  std::size_t errors = 0;
  const std::vector<std::string> paths = named_images(parser.positional(), errors);
  printer.header(parser.has("raw-logits"));
  run_named_images(model, recipe, paths, thread_count, batch, "classifying", errors,
                   [&](std::size_t image, const FileOutputs &outputs) {
                     printer.print(classified(paths[image], *model, outputs, count, parser.has("raw-logits")));
                     flush_output(); // results are seen as they come, and a reader that is gone is noticed
                   });
  return errors == 0 ? exit_ok : exit_failure;
}

} // namespace intvit::cli
