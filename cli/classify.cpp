// intvit classify: what is on these images.
#include <chrono>
#include <filesystem>

#include "cli/classified.hpp"
#include "cli/options/images.hpp"
#include "cli/options/model.hpp"
#include "cli/options/running.hpp"
#include "cli/process.hpp"
#include "cli/progress.hpp"
#include "engine/image/decode.hpp"
#include "engine/image/preprocess.hpp"
#include "engine/runtime/session.hpp"
#include "models/evaluate/dataset.hpp"

namespace intvit::cli {

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

// A batch: filled with images, run, printed.
class Classifier {
public:
  Classifier(Session &session, const Recipe &recipe, const Printer &printer, int count, int batch, bool raw_logits)
      : session_(session), recipe_(recipe), printer_(printer), count_(count), batch_(static_cast<std::size_t>(batch)),
        raw_logits_(raw_logits) {}

  void add(const std::string &path) {
    const Clock::time_point start = Clock::now();
    Result<Image> decoded = path == "-" ? decode_stdin() : load_image(path);
    const Clock::time_point read = Clock::now();
    Result<Image> image = decoded.ok() ? preprocess(*decoded, recipe_, session_.model().kernels()) : decoded.status();
    if (!image.ok()) {
      print_error(decoded.ok() ? image.status().in(path).message() : image.status().message());
      ++errors_;
      ++done_;
      return;
    }
    waiting_.push_back({path, {}, {}, {}, {milliseconds(start, read), milliseconds(read, Clock::now()), 0}});
    images_.push_back(std::move(*image));
    if (images_.size() == batch_)
      flush();
  }

  void flush() {
    if (images_.empty())
      return;
    std::vector<const std::uint8_t *> inputs;
    for (const Image &image : images_)
      inputs.push_back(image.rgb.data());
    const Clock::time_point start = Clock::now();
    require(session_.run(inputs));
    const double share = milliseconds(start, Clock::now()) / static_cast<double>(images_.size());
    const auto classes = static_cast<std::size_t>(session_.model().classes());
    for (std::size_t i = 0; i < images_.size(); ++i) {
      const auto logits = session_.logits().subspan(i * classes, classes);
      waiting_[i].timing.inference = share;
      if (session_.model().result_kind() == ResultKind::scores)
        waiting_[i].scores = real_scores(session_.model(), logits);
      else
        waiting_[i].top = top_predictions(session_.model(), logits, count_);
      if (raw_logits_)
        waiting_[i].logits.assign(logits.begin(), logits.end());
      printer_.print(waiting_[i]);
    }
    done_ += images_.size();
    images_.clear();
    waiting_.clear();
    flush_output(); // results are seen before the next batch runs, and a reader that is gone is noticed
  }

  std::size_t done() const { return done_; } // images whose results are printed, or that were reported
  std::size_t errors() const { return errors_; }

private:
  static Result<Image> decode_stdin() {
    const Result<std::vector<std::byte>> bytes = read_standard_input(max_image_file_bytes);
    return bytes.ok() ? decode_image(*bytes, "standard input") : bytes.status();
  }

  Session &session_;
  const Recipe &recipe_;
  const Printer &printer_;
  int count_;
  std::size_t batch_;
  bool raw_logits_;
  std::size_t done_ = 0;
  std::size_t errors_ = 0;
  std::vector<Image> images_;
  std::vector<Classified> waiting_; // one for each of images_
};

// Folders are replaced by the images in them. What they hold besides is reported. A folder that cannot be used is
// reported, and the rest still runs.
std::vector<std::string> expand(const std::vector<std::string> &names, std::size_t &errors) {
  std::vector<std::string> paths;
  for (const std::string &name : names) {
    std::error_code ignored;
    if (name == "-" || !std::filesystem::is_directory(name, ignored)) {
      paths.push_back(name);
      continue;
    }
    try {
      LeftOut left_out;
      const std::vector<std::string> images = list_images(name, left_out, [&](const std::string &message) {
        print_error(message);
        ++errors;
      });
      report_left_out(name, left_out);
      paths.insert(paths.end(), images.begin(), images.end());
    } catch (const std::runtime_error &error) {
      print_error(error.what());
      ++errors;
    }
  }
  return paths;
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
  parser.option<int>("b,batch", "N", "images run at once", "1");
  parser.formats({"text", "json", "csv"});
  parser.flag("timing", "also print milliseconds for decoding, preprocessing and inference");
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
  Session session = value_of(Session::create(model, {.threads = thread_count, .max_batch = batch}));
  const Recipe recipe = recipe_for(parser, *model);
  const Printer printer(format, *model, parser.has("timing"));
  Classifier classifier(session, recipe, printer, count, batch, parser.has("raw-logits"));

  std::size_t errors = 0;
  const std::vector<std::string> paths = expand(parser.positional(), errors);
  printer.header(parser.has("raw-logits"));
  ProgressBar progress("classifying");
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (interrupted())
      throw Interrupted("interrupted after " + std::to_string(classifier.done()) + " of " +
                        std::to_string(paths.size()) + " images");
    progress.show(i, paths.size());
    classifier.add(paths[i]);
  }
  classifier.flush();
  errors += classifier.errors();
  return errors == 0 ? exit_ok : exit_failure;
}

} // namespace intvit::cli
