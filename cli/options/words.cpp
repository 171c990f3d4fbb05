#include "cli/options/words.hpp"

#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "cli/options/output.hpp"
#include "cli/process.hpp"
#include "cli/progress.hpp"
#include "engine/format/model_file.hpp"
#include "models/program/paths.hpp"
#include "models/words/npy.hpp"

namespace intvit::cli {

namespace {

// Of all trained CLIPs, which it may not exceed in training.
constexpr double clip_scale = 100;

ScoreScale given_scale(const Parser &parser, const WordsSetting &setting) {
  const std::optional<ScoreScale> known = setting.scale ? setting.scale : find_score_scale(setting.weights);
  if (!known && setting.sigmoid && !(parser.has("logit-scale") && parser.has("logit-bias")))
    throw UsageError("--text-features: the model is a SigLIP and its weights do not tell how its scores follow from "
                     "cosines; give --logit-scale and --logit-bias (exp(logit_scale) and logit_bias of the SigLIP)");
  ScoreScale scale = known.value_or(ScoreScale{.scale = clip_scale});
  if (parser.has("logit-scale"))
    scale.scale = parser.get<double>("logit-scale");
  if (parser.has("logit-bias")) {
    scale.bias = parser.get<double>("logit-bias");
    scale.sigmoid = true;
  }
  try {
    validate(scale);
  } catch (const std::runtime_error &error) {
    throw UsageError(std::string("--logit-scale, --logit-bias: ") + error.what());
  }
  return scale;
}

ClassWords embedded(const std::vector<std::string> &names, const Parser &parser, const WordsSetting &setting) {
  if (std::error_code ignored; !std::filesystem::is_directory(file_path(setting.weights), ignored))
    throw std::runtime_error(setting.weights +
                             ": is no folder of transformers' CLIPModel or SiglipModel, whose text tower turns "
                             "names into embeddings; make them elsewhere and give them with --text-features");
  const TextModel model = load_text_model(setting.weights, setting.sha256);
  check_not_read(setting.output, model.files);
  std::vector<std::string> prompts = parser.all("prompt");
  if (prompts.empty())
    prompts.push_back(default_prompt(model.scale));
  const std::size_t total = names.size() * prompts.size();
  ProgressBar progress("reading the classes' texts");
  ClassWords words = embed_words(
      model, names, prompts, setting.threads,
      [&](std::size_t done) {
        stop_if_interrupted();
        progress.show(done, total);
      },
      [&](const std::string &message) {
        progress.wipe();
        print_error("warning: " + message);
      });
  progress.wipe();
  return words;
}

} // namespace

void add_words_options(Parser &parser) {
  parser.option<std::string>("classes", "FILE|LIST",
                             "classes by name, of CLIP and SigLIP: a file with one a line, or a list like cat,dog");
  parser.option<std::string>("prompt", "TEXT",
                             "what is said of a class, {} being its name; may be given several times (default: \"a "
                             "photo of a {}.\", SigLIP: \"This is a photo of {}.\")");
  parser.option<std::string>(
      "text-features", "FILE",
      "embeddings of the classes made elsewhere, one a row (.npy), in place of the text tower's");
  parser.option<double>("logit-scale", "S",
                        "with --text-features: what cosines are multiplied by (default: the model's, else 100)");
  parser.option<double>(
      "logit-bias", "B",
      "with --text-features: what is added; each class then has a probability of its own (default: the "
      "model's, where it is a SigLIP)");
}

void check_words_options(const Parser &parser) {
  for (const char *option : {"prompt", "text-features"})
    if (parser.has(option) && !parser.has("classes"))
      throw UsageError(std::string("--") + option + " goes with --classes");
  for (const char *option : {"logit-scale", "logit-bias"})
    if (parser.has(option) && !parser.has("text-features"))
      throw UsageError(std::string("--") + option + " goes with --text-features");
  if (parser.has("prompt") && parser.has("text-features"))
    throw UsageError("--prompt does not go with --text-features, which holds the classes' embeddings already");
  for (const std::string &prompt : parser.all("prompt"))
    if (prompt.find("{}") == std::string::npos)
      throw UsageError("--prompt \"" + prompt + "\" has no {}, which stands for the name of a class");
}

std::optional<ClassWords> words_option(const Parser &parser, const WordsSetting &setting) {
  if (!parser.has("classes"))
    return std::nullopt;
  for (const char *option : {"classes", "text-features"})
    if (std::error_code ignored;
        parser.has(option) && std::filesystem::exists(file_path(parser.get<std::string>(option)), ignored))
      check_not_read(setting.output, {parser.get<std::string>(option)});
  const std::vector<std::string> names = class_name_list(parser.get<std::string>("classes"));
  require(check_labels(names));
  if (!parser.has("text-features"))
    return embedded(names, parser, setting);
  const ScoreScale scale = given_scale(parser, setting);
  const std::string path = parser.get<std::string>("text-features");
  const RowMatrix embeddings = read_npy(path);
  try {
    return given_words(names, embeddings, scale, path_name(file_path(path).filename()));
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

} // namespace intvit::cli
