// intvit quantize: float weights and photographs in, an integer-only model file out.
#include <algorithm>
#include <array>
#include <cstdint>
#include <iostream>

#include "cli/layer_report.hpp"
#include "cli/options/images.hpp"
#include "cli/options/output.hpp"
#include "cli/options/quantizer.hpp"
#include "cli/options/running.hpp"
#include "cli/options/words.hpp"
#include "cli/process.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"
#include "engine/container/file_io.hpp"
#include "engine/container/utf8.hpp"
#include "engine/format/model_file.hpp"
#include "models/drawing/drawing.hpp"
#include "models/evaluate/dataset.hpp"
#include "models/import/load.hpp"
#include "models/program/csv.hpp"
#include "models/program/paths.hpp"
#include "models/program/text.hpp"
#include "models/program/text_file.hpp"
#include "models/quantize/calibration.hpp"
#include "models/quantize/quantize.hpp"
#include "models/quantize/token_search.hpp"
#include "models/words/other_words.hpp"

namespace intvit::cli {

namespace {

std::vector<std::string> read_label_names(const std::string &path, int classes) {
  std::vector<std::string> labels = text_lines(read_text_file(path));
  if (labels.size() != static_cast<std::size_t>(classes))
    throw std::runtime_error(path + ": has " + std::to_string(labels.size()) + " lines for " + std::to_string(classes) +
                             " classes");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (valid_utf8_prefix(labels[i]) != labels[i].size())
      throw std::runtime_error(path + ": line " + std::to_string(i + 1) + " is not UTF-8");
    labels[i] = line_cell(labels[i]);
  }
  return labels;
}

// Calibration images, those that could be read; the others are reported. `alone`: there are none besides.
std::vector<Image> load_calibration(const std::string &folder, int count, const Recipe &recipe, int threads,
                                    const std::string &output, bool alone) {
  LeftOut left_out;
  const std::vector<std::string> all = list_images(folder, left_out);
  report_left_out(folder, left_out);
  check_not_read(output, all);
  const std::vector<std::string> paths = spread(all, static_cast<std::size_t>(count));
  std::vector<Image> images(paths.size());
  ProgressBar progress("reading photographs");
  const std::vector<std::string> errors = for_each_image(
      paths, recipe, kernels::default_kernels(), threads,
      [&](std::size_t i, Image image, std::size_t) { images[i] = std::move(image); },
      [&](std::size_t done) {
        stop_if_interrupted();
        progress.show(done, paths.size());
        return true;
      });
  progress.wipe();
  for (const std::string &error : errors)
    if (!error.empty())
      print_error(error + " (left out of the calibration)");
  images.erase(std::remove_if(images.begin(), images.end(), [](const Image &image) { return image.rgb.empty(); }),
               images.end());
  if (images.empty())
    throw std::runtime_error(folder + ": no image could be read");
  if (alone && all_the_same(images))
    print_error(
        "warning: " + folder + ": " +
        (images.size() == 1 ? "one image" : "all " + std::to_string(images.size()) + " images are one picture") +
        "; the model will be less accurate than with different photographs, of which 16 are enough for most "
        "(deit_tiny: 67 instead of 80 % top-1)");
  return images;
}

// How many pictures are drawn: as many as asked for, else some where there are no photographs.
int drawn_count(const Parser &parser) {
  constexpr int enough = 64;
  if (!parser.has("draw"))
    return parser.has("calib") ? 0 : enough;
  const int count = parser.integer("draw", 0, 4096);
  if (count == 0 && !parser.has("calib"))
    throw UsageError("--draw: without photographs (--calib) there must be some");
  return count;
}

std::string no_photographs(int drawn) {
  return "no photographs (--calib): " + std::to_string(drawn) +
         " drawn pictures stand for them. A few photographs like those that the model will see are worth having: "
         "deit_tiny's logits have a cosine of 0.989 with the float model's, with 8 photographs besides (--calib "
         "FOLDER --draw 64) 0.995, with 64 photographs 0.997";
}

std::string calibration_text(std::size_t photographs, int drawn) {
  std::string text = photographs > 0 ? std::to_string(photographs) + " images" : "";
  if (drawn > 0)
    text += (text.empty() ? "" : " and ") + std::to_string(drawn) + " drawn pictures";
  return text;
}

ResultKind head_option(const Parser &parser) {
  constexpr std::array kinds = {ResultKind::logits, ResultKind::labels, ResultKind::scores};
  std::vector<std::string> words(kinds.size());
  std::transform(kinds.begin(), kinds.end(), words.begin(), outputs_word);
  const std::string word = parser.choice("outputs", words);
  return kinds[static_cast<std::size_t>(std::find(words.begin(), words.end(), word) - words.begin())];
}

// The schedule that --tokens gives, if it does.
TokenSchedule given_schedule(const Parser &parser) {
  try {
    return {parser.has("tokens") ? parse_token_pairs(parser.get<std::string>("tokens")) : std::vector<int>{}};
  } catch (const std::runtime_error &error) {
    throw UsageError(std::string("--tokens: ") + error.what());
  }
}

// Says what cannot be merged before any photograph is read.
void check_token_merging(const Parser &parser, const FloatModel &model) {
  Network parts = network(model);
  if (parser.has("speed-up"))
    usual_schedule(parts, parser.get<double>("speed-up"));
  else
    merge_tokens(parts, given_schedule(parser));
  if (parser.has("patch-tokens"))
    keep_patch_tokens(parts);
}

// The schedule by which tokens are merged, given or searched; the input's provenance tells about it.
TokenSchedule token_schedule(const Parser &parser, QuantizeInput &input, const QuantizeOptions &options) {
  TokenSchedule schedule = given_schedule(parser);
  if (parser.has("speed-up")) {
    ProgressBar progress("searching for tokens to merge");
    const TokenSearch found = search_tokens(input, options, parser.get<double>("speed-up"), [&](int step, int total) {
      stop_if_interrupted();
      progress.show(static_cast<std::size_t>(step), static_cast<std::size_t>(total));
    });
    schedule = found.schedule;
    input.provenance["merging_error"] = fixed(found.error, 5);
  }
  if (schedule.merges())
    input.provenance["merging"] = "pairs=" + to_string(schedule);
  return schedule;
}

void check_token_options(const Parser &parser) {
  if (parser.has("tokens") && parser.has("speed-up"))
    throw UsageError("--tokens says where tokens are merged; --speed-up would search for it");
  for (const char *option : {"tokens", "speed-up"})
    if (parser.has("patch-tokens") && parser.has(option))
      throw UsageError(std::string("--patch-tokens gives a vector for every patch, --") + option +
                       " merges patches: leave one of them out");
  if (parser.has("speed-up") && !(parser.get<double>("speed-up") > 1 && parser.get<double>("speed-up") <= 4))
    throw UsageError("--speed-up must be above 1 and at most 4");
}

void add_quantize_options(Parser &parser) {
  add_threads_option(parser);
  add_preprocess_option(parser);
  parser.option<std::string>("weights", "FILE|FOLDER",
                             "float weights: a safetensors file under timm's names, or a folder with config.json and "
                             "model.safetensors (or its shards) as timm or Hugging Face's transformers saves it");
  parser.option<std::string>("arch", "NAME",
                             "timm's name of the architecture, where neither file name nor config.json tells");
  parser.option<int>("image-size", "N",
                     "pixels a side of the model's input (default: as it was trained); positions are resampled", "0");
  parser.option<std::string>("calib", "FOLDER",
                             "folder of photographs to calibrate on (default: pictures that the program draws)");
  parser.option<int>("calib-count", "N", "how many of them to use", "250");
  parser.option<int>("draw", "N",
                     "how many drawn pictures to calibrate on, besides any photographs (default: 64 without --calib, "
                     "none with it)");
  parser.option<int>("draw-seed", "N", "which pictures are drawn", "0");
  parser.option<std::string>("labels", "FILE", "text file with one class name a line (default: those of config.json)");
  parser.option<std::string>("outputs", "NAME",
                             "what the outputs mean: classes, labels (each true or not by itself) or scores (numbers; "
                             "default: what config.json says, else classes)");
  add_words_options(parser);
  parser.option<double>("speed-up", "X",
                        "merge similar tokens so that the model has X times fewer multiply-accumulates (1.25, 1.5); "
                        "where is searched on the photographs");
  parser.option<std::string>("tokens", "N,N,...", "pairs of tokens that each block merges, instead of a search");
  parser.flag("patch-tokens",
              "the model also gives a vector for each patch, as the last norm leaves it (intvit features --tokens)");
  parser.flag("report", "print the quantization error of every layer");
  parser.formats({"text", "json"});
  parser.option<std::string>("o,output", "FILE", "model file to write");
  add_quantizer_options(parser); // last, because their groups come behind all others
}

} // namespace

int quantize(const Arguments &arguments) {
  Parser parser("quantize", "Makes an integer-only model of float weights, with photographs to calibrate on.");
  add_quantize_options(parser);
  if (!parser.parse(arguments))
    return exit_ok;

  const std::string weights = parser.required("weights");
  const std::string output = parser.required("output");
  const std::string format = parser.format();
  const int count = parser.integer("calib-count", 1, 1 << 20);
  const int drawn = drawn_count(parser);
  const auto seed = static_cast<std::uint32_t>(parser.integer("draw-seed", 0, 1 << 30));
  QuantizeOptions options = quantizer_options(parser);
  options.threads = threads(parser);
  const std::optional<Recipe> recipe_option = preprocess_option(parser);

  check_token_options(parser);
  check_output(output);
  if (parser.has("labels"))
    check_not_read(output, {parser.get<std::string>("labels")});
  ImportOptions import;
  if (parser.has("arch"))
    import.timm.architecture = parser.get<std::string>("arch");
  if (parser.has("outputs"))
    import.head = head_option(parser);
  import.hash_files = true;
  import.image_size = parser.integer("image-size", 0, 16384);
  for (const char *option : {"labels", "outputs"})
    if (parser.has(option) && parser.has("classes"))
      throw UsageError(std::string("--") + option + " does not go with --classes, which tells them");
  check_words_options(parser);
  ImportedModel imported = load_float_model(weights, import);
  check_not_read(output, imported.files);
  std::map<std::string, std::string> of_words;
  const auto *vit = std::get_if<VitModel>(&imported.model);
  if (const std::optional<ClassWords> words =
          words_option(parser, {.weights = weights,
                                .output = output,
                                .threads = options.threads,
                                .sigmoid = vit != nullptr && vit->config.pool == Pool::attention})) {
    add_words(*words, imported.model);
    of_words = words_provenance(*words);
  }
  const FloatModel &model = imported.model;
  const ModelConfig &config = common_config(model);
  const bool words_are_given = has_stlq_words(model);
  for (const char *option : {"two-word-ratio", "two-word-groups"})
    if (parser.has(option) && words_are_given)
      throw UsageError(std::string("--") + option + ": " + weights + " was trained with its STLQ words, which stay");
  check_token_merging(parser, model);
  const Recipe recipe = recipe_option ? *recipe_option : imported.recipe;
  const std::vector<std::string> labels = parser.has("labels")
                                              ? read_label_names(parser.get<std::string>("labels"), config.classes)
                                              : intvit::labels(model);
  require(check_labels(labels));
  std::vector<Image> images;
  if (parser.has("calib"))
    images = load_calibration(parser.get<std::string>("calib"), count, recipe, options.threads, output, drawn == 0);
  else
    print_error(no_photographs(drawn));
  const std::string calibration = calibration_text(images.size(), drawn);
  for (Image &picture : draw_pictures(drawn, config.image_width, config.image_height, seed, options.threads))
    images.push_back(std::move(picture));

  if (drawn > 0)
    options.margins = margins_of_drawn_pictures;
  options.patch_tokens = parser.has("patch-tokens");
  std::vector<LayerReport> layers;
  QuantizeInput input{.model = model,
                      .calibration = images,
                      .recipe = recipe,
                      .labels = labels,
                      .provenance = {{"architecture", config.architecture},
                                     {"source", path_name(file_path(weights).filename())},
                                     {"source_sha256", imported.sha256},
                                     {"calibration", calibration},
                                     {"settings", settings_text(options, words_are_given)},
                                     {"generator", "intvit " INTVIT_VERSION}},
                      .report = [&](const LayerReport &layer) { layers.push_back(layer); }};
  input.provenance.merge(of_words);
  options.tokens = token_schedule(parser, input, options);
  std::vector<std::byte> file;
  {
    ProgressBar progress("quantizing");
    file = intvit::quantize(input, options, [&](int step, int total) {
      stop_if_interrupted();
      progress.show(static_cast<std::size_t>(step), static_cast<std::size_t>(total));
    });
  }
  require(write_file_atomically(output, file));
  if (format == "json") {
    nlohmann::json summary = {{"model", path_text(output)},
                              {"bytes", file.size()},
                              {"architecture", config.architecture},
                              {"calibration_images", images.size()}};
    if (parser.has("report"))
      summary["layers"] = report_json(layers);
    std::cout << json_text(summary) << "\n";
    return exit_ok;
  }
  if (parser.has("report"))
    std::cout << report_text(layers);
  std::cout << printable(output) << ": " << file.size() << " bytes, " << printable(config.architecture)
            << ", calibrated on " << calibration
            << (labels.empty() && config.classes > 0 ? ", without class names (--labels gives it some)" : "") << "\n";
  return exit_ok;
}

} // namespace intvit::cli
