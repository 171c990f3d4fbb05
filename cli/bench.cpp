// intvit bench: how fast a model runs, beside what this processor could do at most.
#include <iostream>

#include "cli/benchmark/files.hpp"
#include "cli/benchmark/measure.hpp"
#include "cli/benchmark/report.hpp"
#include "cli/benchmark/report_file.hpp"
#include "cli/options/images.hpp"
#include "cli/options/model.hpp"
#include "cli/options/output.hpp"
#include "cli/options/quantizer.hpp"
#include "cli/options/running.hpp"
#include "cli/process.hpp"
#include "cli/progress.hpp"
#include "engine/threads/default_threads.hpp"
#include "models/architectures/registry.hpp"
#include "models/random/random_model.hpp"

namespace intvit::cli {

namespace {

constexpr std::uint32_t seed = 1; // of random weights

// A model file, however it came about.
struct Source {
  std::string name;
  bool is_architecture = false;
};

std::vector<Source> sources(const Parser &parser) {
  if (parser.has("model") && parser.has("arch"))
    throw UsageError("give -m or --arch, not both");
  if (!parser.has("arch"))
    return {{model_path(parser), false}};
  std::vector<Source> result;
  for (const std::string &name : parser.list("arch")) {
    try {
      architecture(name);
    } catch (const std::runtime_error &error) {
      throw UsageError(std::string("--arch: ") + error.what());
    }
    result.push_back({name, true});
  }
  return result;
}

ModelFile load(const Source &source, const RandomModelOptions &options) {
  if (!source.is_architecture)
    return value_of(ModelFile::open(source.name));
  return value_of(ModelFile::parse(random_model(architecture(source.name), options, seed), source.name));
}

std::vector<const kernels::KernelTable *> kernels_list(const Parser &parser) {
  if (!parser.has("isa"))
    return {&kernels_option(parser)};
  std::vector<const kernels::KernelTable *> result;
  if (parser.get<std::string>("isa") == "all") {
    for (const kernels::KernelTable &table : kernels::available_kernels())
      result.push_back(&table);
    return result;
  }
  for (const std::string &name : parser.list("isa"))
    result.push_back(&kernels_named(name, "--isa"));
  return result;
}

Effort effort(const Parser &parser) {
  Effort result;
  if (parser.has("warmup"))
    result.warmup = parser.integer("warmup", 0, 1'000'000);
  else if (parser.has("files"))
    result.warmup = 1;
  result.roofline = parser.has("roofline") || parser.has("report");
  if (parser.has("runs") && parser.has("seconds"))
    throw UsageError("give --runs or --seconds, not both");
  if (parser.has("runs"))
    result.runs = parser.integer("runs", 1, 10'000'000);
  result.seconds = parser.get<double>("seconds");
  if (!(result.seconds > 0 && result.seconds <= 86400))
    throw UsageError("--seconds must be above 0 and at most 86400");
  return result;
}

Interrupted stopped_after(std::size_t measured, std::size_t total) {
  return Interrupted("interrupted after " + std::to_string(measured) + " of " + std::to_string(total) +
                     " measurements");
}

void add_bench_options(Parser &parser) {
  add_model_option(parser);
  add_work_option(parser);
  add_numerics_options(parser);
  add_renormalize_option(parser);
  add_weight_lists(parser);
  parser.option<std::string>("arch", "NAME,...",
                             "timm's names of architectures to run with random weights, instead of a model");
  parser.option<std::string>("t,threads", "N,...", "numbers of threads (default: what this process may use)");
  parser.option<std::string>("b,batch", "N,...", "batch sizes (default: 1)");
  parser.option<std::string>("isa", "NAME,...", "instruction sets, or all (default: $INTVIT_ISA, else the fastest)");
  parser.option<int>("warmup", "N", "runs that are not counted, with --files passes (default: 3, with --files 1)");
  parser.option<int>("runs", "N", "runs to measure");
  parser.option<double>("seconds", "S", "without --runs: measure each for so long, and 5 runs at least", "2");
  parser.flag("profile", "time of every kind of operation");
  parser.flag("roofline", "the processor's peak in the same seconds, and the share of it that is reached");
  parser.option<std::string>(
      "shapes", "FILE",
      "instead of models: the matrix products alone that a file lists (lines of rows, out, in, count); may be given "
      "several times");
  parser.option<std::string>(
      "files", "FOLDER",
      "instead of random images: the pictures in a folder, from their bytes to the logits: files "
      "a second, and what reading, decoding, resizing and the network take of it");
  add_preprocess_option(parser);
  parser.option<std::string>(
      "report", "FILE",
      "also write a page with drawings (a name in .html) or a text (.md): latencies, operations, "
      "roofline, machine; measures what --profile and --roofline do");
  parser.formats({"md", "json", "csv"});
  parser.hidden("o,output");
}

int bench_shapes(const Parser &parser, ReportFormat format) {
  for (const char *option : {"model", "arch", "batch", "threads", "profile", "report", "softmax", "no-renormalize",
                             "residual", "files", "preprocess"})
    if (parser.has(option))
      throw UsageError(std::string("--") + option +
                       " does not go with --shapes, which times matrix products alone on "
                       "one thread");
  const Effort how = effort(parser);
  const std::vector<const kernels::KernelTable *> tables = kernels_list(parser);
  std::vector<ShapeList> lists;
  const std::vector<WeightChoice> choices = weight_choices(parser);
  const std::vector<std::string> paths = parser.all("shapes");
  const std::size_t total = paths.size() * tables.size() * choices.size();
  try {
    for (const std::string &path : paths) {
      const std::vector<Shape> shapes = read_shapes(path);
      for (const kernels::KernelTable *kernels : tables)
        for (const WeightChoice &weights : choices)
          lists.push_back({path, kernels->name, weights.text(), measure_shapes(shapes, weights, *kernels, how)});
    }
  } catch (const Interrupted &) {
    if (!lists.empty())
      print_shape_results(lists, format);
    throw stopped_after(lists.size(), total);
  }
  print_shape_results(lists, format);
  return exit_ok;
}

} // namespace

int bench(const Arguments &arguments) {
  Parser parser(
      "bench",
      "Measures how fast models run: every combination of the models, instruction sets, numbers of threads "
      "and batch sizes given.\n\n"
      "GMAC/s counts the multiply-accumulates of all matrix products of the full model (patch embedding, "
      "linear maps and attention of all tokens in all blocks, head) over the median time, though the last "
      "block computes no more than the class token's row.\n\n"
      "--roofline measures the peak, a loop of the dot-product instruction on registers alone, on as many "
      "threads, before and after every tenth of a second of runs. Such a sample is the fastest of 20 bursts "
      "of a quarter of a millisecond; shares are of the samples' median. Of models it also measures, before and "
      "after the runs, how fast as many threads read a block of memory that no cache holds.");
  add_bench_options(parser);
  if (!parser.parse(arguments))
    return exit_ok;

  if (parser.has("output"))
    throw UsageError("-o is no option of bench: results go to standard output, --format md, json or csv says how, and "
                     "--report FILE also writes a page");
  const std::string word = parser.format();
  const ReportFormat format = word == "json"  ? ReportFormat::json
                              : word == "csv" ? ReportFormat::csv
                                              : ReportFormat::markdown;
  if (parser.has("shapes"))
    return bench_shapes(parser, format);

  const std::vector<Source> models = sources(parser);
  if (!models.front().is_architecture)
    for (const char *option : {"softmax", "no-renormalize", "residual", "weight-format", "two-word-ratio"})
      if (parser.has(option))
        throw UsageError(std::string("--") + option + " goes with --arch; a model file has its own");
  const Numerics chosen = numerics(parser);
  RandomModelOptions options{.residual = chosen.residual, .softmax = chosen.softmax, .renormalize = chosen.renormalize};
  const std::vector<const kernels::KernelTable *> tables = kernels_list(parser);
  const std::vector<int> threads =
      parser.has("threads") ? parser.integers("threads", 1, max_threads) : std::vector<int>{default_threads()};
  const std::vector<int> batches = parser.has("batch") ? parser.integers("batch", 1, 4096) : std::vector<int>{1};
  const Effort how = effort(parser);
  const std::vector<WeightChoice> choices = weight_choices(parser);
  const bool report = parser.has("report");
  const bool profile = report || parser.has("profile");
  if (parser.has("files"))
    for (const char *option : {"profile", "roofline", "report"})
      if (parser.has(option))
        throw UsageError(std::string("--") + option + " goes with random images, not with --files");
  if (!parser.has("files") && parser.has("preprocess"))
    throw UsageError("--preprocess goes with --files; random images have the model's size");
  if (report) {
    check_report_path(parser.get<std::string>("report"));
    if (!models.front().is_architecture)
      check_not_read(parser.get<std::string>("report"), {models.front().name});
  }

  const std::size_t total = models.size() * choices.size() * tables.size() * threads.size() * batches.size();
  const auto measure_all = [&](auto &results, const auto &measure, const auto &print) {
    try {
      ProgressBar progress("measuring");
      for (const Source &source : models)
        for (const WeightChoice &weights : choices) {
          options.weight_levels = weights.levels;
          options.two_word_ratio = weights.two_word_ratio;
          const ModelFile file = load(source, options);
          for (const kernels::KernelTable *kernels : tables) {
            const std::shared_ptr<const Model> model =
                value_of(Model::create(file, *kernels, source.is_architecture ? any_work : max_work(parser)));
            for (const int thread_count : threads)
              for (const int batch : batches) {
                progress.show(results.size(), total);
                results.push_back(measure(model, Combination{source.name, source.is_architecture,
                                                             source.is_architecture ? weights.text() : "",
                                                             model->kernels().name, thread_count, batch}));
              }
          }
        }
    } catch (const Interrupted &) {
      if (!results.empty())
        print(results, format);
      throw stopped_after(results.size(), total);
    }
    print(results, format);
  };

  if (parser.has("files")) {
    const std::string folder = parser.get<std::string>("files");
    LeftOut left_out;
    const std::vector<std::string> paths = list_images(folder, left_out);
    report_left_out(folder, left_out);
    std::vector<FilesResult> results;
    measure_all(
        results,
        [&](const std::shared_ptr<const Model> &model, const Combination &combination) {
          return measure_files(model, combination, paths, recipe_for(parser, *model), how);
        },
        print_files_results);
    return exit_ok;
  }
  std::vector<ForwardResult> results;
  measure_all(
      results,
      [&](const std::shared_ptr<const Model> &model, const Combination &combination) {
        ForwardResult result{combination, {}, {}};
        result.samples =
            measure_forward(model, combination.threads, combination.batch, how, profile ? &result.profile : nullptr);
        return result;
      },
      print_forward_results);
  if (report)
    write_report(parser.get<std::string>("report"), arguments, results);
  return exit_ok;
}

} // namespace intvit::cli
