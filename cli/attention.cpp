// intvit attention: where on an image a model looks, as a picture.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>

#include "cli/options/model.hpp"
#include "cli/options/output.hpp"
#include "cli/options/running.hpp"
#include "cli/picture/canvas.hpp"
#include "cli/picture/heat_map.hpp"
#include "cli/picture/png.hpp"
#include "cli/picture/token_mosaic.hpp"
#include "cli/predictions.hpp"
#include "engine/container/utf8.hpp"
#include "engine/image/decode.hpp"
#include "engine/image/preprocess.hpp"
#include "models/inspect/class_attention.hpp"
#include "models/inspect/token_groups.hpp"
#include "models/program/paths.hpp"
#include "models/program/text.hpp"

namespace intvit::cli {

namespace {

// One of the pictures side by side.
struct Panel {
  std::string caption;
  std::string label; // the class or label that the model finds most likely; empty where it gives others
  double probability = 0;
  ClassAttention attention;
  Image photograph; // what the model sees, at the size of the panel
};

void add_prediction(Panel &panel, ResultKind kind, const std::vector<std::string> &labels) {
  if (kind != ResultKind::logits && kind != ResultKind::labels)
    return;
  const std::vector<double> &logits = panel.attention.logits;
  const auto largest = std::max_element(logits.begin(), logits.end());
  double sum = 0;
  if (kind == ResultKind::labels)
    sum = 1 + std::exp(-*largest);
  else
    for (const double logit : logits)
      sum += std::exp(logit - *largest);
  panel.probability = 1 / sum;
  panel.label = output_name(kind, labels, static_cast<int>(largest - logits.begin()));
}

// The same part of the photograph in `scale` times as many pixels a side.
Recipe enlarged(Recipe recipe, int scale) {
  for (int *side : {&recipe.resize_width, &recipe.resize_height, &recipe.crop_width, &recipe.crop_height})
    *side *= scale;
  return recipe;
}

Image preprocessed(const std::string &path, const Image &decoded, const Recipe &recipe) {
  Result<Image> image = preprocess(decoded, recipe);
  if (!image.ok())
    throw std::runtime_error(path + ": " + image.status().message());
  return std::move(*image);
}

// A recipe that does not resize crops the photograph's own pixels, so there is no finer version of them to show.
Image photograph(const std::string &path, const Image &decoded, const Recipe &recipe, int scale) {
  if (recipe.fit != Recipe::Fit::none)
    return preprocessed(path, decoded, enlarged(recipe, scale));
  return preprocessed(path, preprocessed(path, decoded, recipe),
                      squash_recipe(recipe.crop_width * scale, recipe.crop_height * scale, ResizeFilter::bicubic));
}

// Names the model at fault.
ClassAttention attention_of(const std::string &path, const std::function<ClassAttention()> &compute) {
  try {
    return compute();
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

std::string softmax_caption(const Model &model) {
  for (const BoundNode &node : model.program().nodes)
    if (const auto *attention = node.as<BoundAttention>())
      switch (attention->softmax) {
      case kernels::Softmax::lis4:
        return "LIS-4";
      case kernels::Softmax::lis8:
        return "LIS-8";
      case kernels::Softmax::int8:
      case kernels::Softmax::int16:
        return kernels::softmax_name(attention->softmax) + std::string(" softmax");
      }
  return "integer";
}

// A file's name without its folder and endings: "models/deit.intvit.safetensors" gives "deit".
std::string short_name(const std::string &path) {
  const std::string name = path_name(file_path(path).filename());
  return name.substr(0, name.find('.'));
}

// Captions tell models apart by their softmax, or where two have the same, by their files' names.
std::vector<std::string> captions(const std::vector<std::shared_ptr<const Model>> &models,
                                  const std::vector<std::string> &paths) {
  std::vector<std::string> result;
  result.reserve(models.size());
  for (const std::shared_ptr<const Model> &model : models)
    result.push_back(softmax_caption(*model));
  for (std::size_t i = 1; i < result.size(); ++i)
    if (std::find(result.begin(), result.begin() + static_cast<std::ptrdiff_t>(i), result[i]) !=
        result.begin() + static_cast<std::ptrdiff_t>(i)) {
      std::transform(paths.begin(), paths.end(), result.begin(), short_name);
      break;
    }
  return result;
}

double brightest(const Panel &panel) {
  return *std::max_element(panel.attention.weights.begin(), panel.attention.weights.end());
}

// The scale of colours with the numbers at its ends, `width` pixels wide, of a line's height.
void draw_scale(Canvas &canvas, Region region, HeatScale scale, int text_scale, Colour ink) {
  const std::string low = percent(scale.low, 1);
  const std::string high = percent(scale.high, 1);
  const int space = 4 * text_scale;
  const int first = region.left + text_width(low, text_scale) + space;
  const int last = region.left + region.width - text_width(high, text_scale) - space;
  canvas.text(low, region.left, region.top + 2 * text_scale, text_scale, ink);
  canvas.text(high, last + space, region.top + 2 * text_scale, text_scale, ink);
  for (int x = first; x < last; ++x)
    canvas.fill({x, region.top + 2 * text_scale, 1, region.height - 5 * text_scale},
                heat_colour((x - first + 0.5) / (last - first)));
}

// The photograph and every panel's heat map, all on one scale of colours, which stands below the photograph.
Image draw(const std::vector<Panel> &panels) {
  constexpr Colour paper{255, 255, 255};
  constexpr Colour ink{32, 32, 32};
  constexpr Colour faint_ink{110, 110, 110};
  const int width = panels[0].photograph.width;
  const int height = panels[0].photograph.height;
  const int text_scale = std::max(1, (width + 70) / 140);
  const int line = 12 * text_scale; // a line of text
  const int gap = 4 * text_scale;   // between panels
  HeatScale scale{brightest(panels[0]), 0};
  for (const Panel &panel : panels) {
    scale.high = std::max(scale.high, brightest(panel));
    for (const double weight : panel.attention.weights)
      scale.low = std::min(scale.low, weight);
  }

  const int count = static_cast<int>(panels.size()) + 1;
  Canvas canvas(count * width + (count - 1) * gap, line + height + line + gap / 2, paper);
  const auto centred = [&](const std::string &text, int left, int top, Colour colour) {
    const std::string shown = fitted(text, width, text_scale);
    canvas.text(shown, left + (width - text_width(shown, text_scale)) / 2, top, text_scale, colour);
  };
  centred("photograph", 0, gap / 2, ink);
  canvas.paste(panels[0].photograph, 0, line);
  draw_scale(canvas, {gap, line + height + gap / 2, width - 2 * gap, line}, scale, text_scale, faint_ink);
  for (int i = 1; i < count; ++i) {
    const Panel &panel = panels[static_cast<std::size_t>(i) - 1];
    const ClassAttention &attention = panel.attention;
    const int left = i * (width + gap);
    centred(panel.caption, left, gap / 2, ink);
    canvas.paste(heat_map(panel.photograph, attention.weights, attention.grid_width, attention.grid_height, scale),
                 left, line);
    if (panel.label.empty())
      continue;
    const std::string share = " " + percent(panel.probability, 0);
    // ImageNet's labels are lists of synonyms; the first is enough.
    const std::string label = panel.label.substr(0, panel.label.find(','));
    centred(fitted(label, width - text_width(share, text_scale), text_scale) + share, left, line + height + gap,
            faint_ink);
  }
  return canvas.image();
}

void print(const std::string &output, const Image &picture, const std::vector<Panel> &panels) {
  std::cout << printable(output) << ": " << picture.width << " x " << picture.height << " pixels\n";
  std::size_t width = 0;
  for (const Panel &panel : panels)
    width = std::max(width, printable(panel.caption).size());
  for (const Panel &panel : panels) {
    const std::string caption = printable(panel.caption);
    std::cout << "  " << caption << std::string(width - caption.size(), ' ') << "  brightest patch "
              << percent(brightest(panel), 2)
              << (panel.label.empty() ? "" : ", " + percent(panel.probability, 2) + " " + printable(panel.label))
              << "\n";
  }
}

// The photograph beside what each model's last tokens are made of.
void draw_tokens(const Parser &parser, const std::vector<std::shared_ptr<const Model>> &models,
                 const std::vector<std::string> &paths, const Image &decoded, int scale) {
  const std::string &path = parser.positional().front();
  const std::string output = parser.required("output");
  std::vector<Image> pictures;
  std::string text;
  for (std::size_t i = 0; i < models.size(); ++i) {
    const Recipe recipe = recipe_for(parser, *models[i]);
    const Image shown = photograph(path, decoded, recipe, scale);
    if (pictures.empty())
      pictures.push_back(shown);
    PatchGroups groups;
    try {
      groups = patch_groups(models[i], preprocessed(path, decoded, recipe));
    } catch (const std::runtime_error &error) {
      throw std::runtime_error(paths[i] + ": " + error.what());
    }
    pictures.push_back(token_mosaic(shown, groups.group, groups.grid_width, groups.grid_height));
    text += "  " + printable(short_name(paths[i])) + "  " + std::to_string(groups.tokens) + " tokens left of " +
            std::to_string(groups.grid_width * groups.grid_height) + " patches\n";
  }
  constexpr Colour paper{255, 255, 255};
  const int gap = std::max(4, pictures[0].width / 50);
  const int width = pictures[0].width;
  const int count = static_cast<int>(pictures.size());
  Canvas canvas(count * width + (count - 1) * gap, pictures[0].height, paper);
  for (int i = 0; i < count; ++i)
    canvas.paste(pictures[static_cast<std::size_t>(i)], i * (width + gap), 0);
  write_png(output, canvas.image());
  std::cout << printable(output) << ": " << canvas.image().width << " x " << canvas.image().height << " pixels\n"
            << text;
}

} // namespace

int attention(const Arguments &arguments) {
  Parser parser("attention",
                "Draws where on an image a model looks: its class token's attention to the patches, as a heat map over "
                "the photograph. With several models, and with --float, side by side, on one scale of colours.",
                "IMAGE");
  add_model_option(parser);
  add_run_options(parser);
  add_float_options(parser);
  parser.option<std::string>("o,output", "FILE", "the picture, a PNG file");
  parser.option<int>("block", "N", "attention of this block, from 0 (default: the middle one)");
  parser.option<int>("head", "N", "of this head, from 0 (default: the mean of all)");
  parser.flag("rollout", "attention rollout through all blocks, instead of one block's attention");
  parser.flag("tokens", "instead: which patches have become one token, in a model that merges them");
  parser.option<int>("scale", "N", "draw images at N times the model's size (default: about 400 pixels wide)");
  if (!parser.parse(arguments))
    return exit_ok;
  if (parser.positional().size() != 1)
    throw UsageError(std::string(parser.positional().empty() ? "no image is given" : "only one image can be drawn") +
                     " (see intvit attention -h)");

  const std::string output = parser.required("output");
  check_output(output);
  AttentionChoice choice;
  choice.rollout = parser.has("rollout");
  if (parser.has("block"))
    choice.block = parser.integer("block", 0, 1 << 20);
  if (parser.has("head"))
    choice.head = parser.integer("head", 0, 1 << 20);
  if (choice.rollout && choice.block)
    throw UsageError("--rollout goes through all blocks: --block makes no sense beside it");
  if (parser.has("tokens"))
    for (const char *option : {"block", "head", "rollout", "float"})
      if (parser.has(option))
        throw UsageError(std::string("--") + option + " does not go with --tokens, which draws no attention");
  const int thread_count = threads(parser);
  std::vector<std::string> paths = parser.all("model");
  if (paths.empty())
    paths.push_back(model_path(parser));
  check_not_read(output, paths);
  check_not_read(output, parser.positional());
  std::vector<std::shared_ptr<const Model>> models;
  models.reserve(paths.size());
  for (const std::string &path : paths)
    models.push_back(open_model(parser, path));
  const Model &first = *models.front();
  for (std::size_t i = 1; i < models.size(); ++i)
    if (models[i]->image_width() != first.image_width() || models[i]->image_height() != first.image_height())
      throw std::runtime_error(paths[i] + ": takes images of another size than " + paths[0]);
  const int scale = parser.has("scale") ? parser.integer("scale", 1, 64)
                                        : std::max(1, (400 + first.image_width() / 2) / first.image_width());

  const std::string &path = parser.positional().front();
  const Image decoded = value_of(load_image(path));
  if (parser.has("tokens")) {
    draw_tokens(parser, models, paths, decoded, scale);
    return exit_ok;
  }
  std::vector<Panel> panels;
  const auto add = [&](Panel panel, const Recipe &recipe, ResultKind kind, const std::vector<std::string> &labels) {
    panel.photograph = photograph(path, decoded, recipe, scale);
    add_prediction(panel, kind, labels);
    panels.push_back(std::move(panel));
  };
  if (const std::optional<ImportedModel> imported = float_option(parser, first.image_height(), first.image_width())) {
    check_not_read(output, imported->files);
    const FloatModel &model = imported->model;
    const Recipe recipe = recipe_for(parser, first);
    const Image image = preprocessed(path, decoded, recipe);
    Panel panel{.caption = "float", .attention = attention_of(parser.get<std::string>("float"), [&] {
                                      return class_attention(model, image, choice);
                                    })};
    // What its logits mean is told by the integer model of it, if that has any.
    const ResultKind own = common_config(model).result_kind();
    add(std::move(panel), recipe, own == ResultKind::embedding || !first.has_head() ? own : first.result_kind(),
        labels(model).empty() ? first.labels() : labels(model));
  }
  const std::vector<std::string> names = captions(models, paths);
  for (std::size_t i = 0; i < models.size(); ++i) {
    const Recipe recipe = recipe_for(parser, *models[i]);
    const Image image = preprocessed(path, decoded, recipe);
    Panel panel{.caption = names[i], .attention = attention_of(paths[i], [&] {
                                       return class_attention(models[i], image, choice, thread_count);
                                     })};
    add(std::move(panel), recipe, models[i]->result_kind(), models[i]->labels());
  }
  const Image picture = draw(panels);
  write_png(output, picture);
  print(output, picture, panels);
  return exit_ok;
}

} // namespace intvit::cli
