#include "cli/benchmark/options.hpp"

#include <cmath>
#include <cstdlib>
#include <iostream>

#include "cli/benchmark/report_file.hpp"
#include "cli/benchmark/scheduling.hpp"
#include "cli/options/model.hpp"
#include "cli/options/output.hpp"
#include "cli/options/quantizer.hpp"
#include "cli/options/running.hpp"
#include "cli/process.hpp"
#include "engine/threads/default_threads.hpp"
#include "models/architectures/registry.hpp"

namespace intvit::cli {

namespace {

std::vector<Source> sources(const Parser &parser) {
  std::vector<Source> result;
  for (const std::string &path : parser.all("model"))
    result.push_back({path});
  for (const std::string &path : parser.positional())
    result.push_back({path});
  if (!result.empty() && parser.has("arch"))
    throw UsageError("give models or --arch, not both");
  if (parser.has("arch"))
    for (const std::string &name : parser.list("arch")) {
      if (!find_architecture(name))
        throw UsageError("--arch: unknown architecture \"" + name + "\"; intvit bench --arch list names those known");
      result.push_back({name, true});
    }
  if (result.empty())
    result.push_back({model_path(parser)});
  return result;
}

std::vector<double> percentiles(const Parser &parser) {
  std::vector<double> result;
  for (const std::string &word : parser.list("percentiles")) {
    char *end = nullptr;
    const double value = std::strtod(word.c_str(), &end);
    if (*end != '\0' || !(value > 0 && value <= 100))
      throw UsageError("--percentiles: \"" + word + "\" is not a number above 0 and at most 100");
    result.push_back(value);
  }
  return result;
}

// What an architecture is known for, in the order of the list.
std::string family(const std::string &name) {
  struct Family {
    const char *part;
    const char *title;
  };
  for (const Family known : {Family{"siglip", "SigLIP"},
                             {"clip", "CLIP"},
                             {"dinov2", "DINOv2"},
                             {"deit3", "DeiT III"},
                             {"deit", "DeiT"},
                             {"swin", "Swin"}})
    if (name.find(known.part) != std::string::npos)
      return known.title;
  return "ViT";
}

} // namespace

void add_bench_options(Parser &parser) {
  parser.option<std::string>("m,model", "FILE",
                             "model file, as one given without -m; may be given several times (default: $INTVIT_MODEL, "
                             "else the model that ships)");
  parser.option<std::string>("arch", "NAME,...",
                             "timm's names of architectures to run with random weights, instead of models; \"list\" "
                             "prints the names");
  parser.option<double>("speed-up", "X",
                        "with --arch: merge tokens so that the model has X times fewer multiply-accumulates");
  parser.option<std::string>("t,threads", "N,...", "numbers of threads (default, and 0: what this process may use)");
  parser.option<std::string>("b,batch", "N,...", "batch sizes (default: 1)");
  parser.option<std::string>("sessions", "N,...",
                             "throughput: so many sessions side by side, each with the threads of -t (then 1 by "
                             "default): images a second of all, and how long a run takes meanwhile; of several "
                             "settings it names the best");
  parser.option<std::string>("isa", "NAME,...", "instruction sets, or all (default: $INTVIT_ISA, else the fastest)");
  parser.flag("profile", "time of every kind of operation");
  parser.flag(
      "roofline",
      "the processor's peak, a loop of its dot product on registers alone, measured between the runs on as many "
      "threads, and the share of it that is reached; and how fast memory is read");
  parser.option<std::string>(
      "files", "FOLDER",
      "instead of random images: the pictures in a folder, from their bytes to the logits: files a second, and what "
      "reading, decoding, resizing and the network take of it");
  add_preprocess_option(parser);
  parser.option<std::string>("shapes", "FILE",
                             "instead of models: the matrix products alone that a file lists (lines of rows, out, in, "
                             "count); may be given several times");
  add_work_option(parser);

  parser.group("How it is measured");
  parser.option<double>("seconds", "S",
                        "measure each for so long, and 5 runs at least; disturbed runs are repeated for as long again",
                        "2");
  parser.option<int>("runs", "N", "instead: so many runs, disturbed or not");
  parser.option<int>("warmup", "N",
                     "runs after the first that are not counted; with --files passes (default: 3, with --files 1)");

  parser.option<std::string>("cpu-mask", "LIST", "run on these processors alone: 0,2-5 or 0x2d");
  parser.option<std::string>("priority", "NAME",
                             "normal, high, or realtime, before which other programs have to wait; the last two need "
                             "root's rights (default: normal)");
  parser.option<double>("delay", "S", "wait so long before each measurement, for the processor to cool", "0");

  parser.group("How it is shown");
  parser.formats({"text", "md", "json", "csv"}, "text in a terminal, else md");
  parser.option<std::string>("percentiles", "P,...", "percentiles of the times", "90,99");
  parser.flag("samples", "with --format csv: a line a run instead of a line a result");
  parser.option<std::string>("report", "FILE",
                             "also write a page with drawings (a name in .html) or a text (.md): latencies, "
                             "operations, roofline, machine; measures what --profile and --roofline do");
  parser.hidden("o,output");

  parser.group("Comparing");
  parser.option<std::string>(
      "compare", "OLD.json",
      "beside earlier results that --format json printed: is it faster, as far as noise lets one "
      "tell?");
  parser.option<std::string>("against", "PROGRAM",
                             "beside another build of intvit, the two in turns until the difference is known to 0.4 % "
                             "(default for --seconds: 0.2)");
  parser.option<int>("pairs", "N", "with --against: so many turns at most", "40");

  parser.group("What the random models of --arch are");
  add_numerics_options(parser);
  add_renormalize_option(parser);
  add_weight_lists(parser);
}

bool lists_architectures(const Parser &parser) {
  if (!parser.has("arch") || parser.get<std::string>("arch") != "list")
    return false;
  std::string last;
  std::string line;
  for (const ArchitectureConfig &config : known_architectures()) {
    const std::string &name = common_config(config).architecture;
    if (const std::string title = family(name); title != last) {
      std::cout << line << (last.empty() ? "" : "\n\n") << title << "\n";
      line.clear();
      last = title;
    }
    if (!line.empty() && line.size() + 2 + name.size() > 80) {
      std::cout << line << "\n";
      line.clear();
    }
    line += "  " + name;
  }
  std::cout << line << "\n";
  return true;
}

Effort effort_option(const Parser &parser) {
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

void check_options(const Parser &parser) {
  if (parser.has("output"))
    throw UsageError(
        "-o is no option of bench: results go to standard output, --format text, md, json or csv says how, "
        "and --report FILE also writes a page");
  if (parser.has("pairs") && !parser.has("against"))
    throw UsageError("--pairs goes with --against");
  for (const char *comparing : {"compare", "against"})
    if (parser.has(comparing))
      for (const char *option : {"shapes", "files", "sessions", "samples"})
        if (parser.has(option))
          throw UsageError(std::string("--") + option + " does not go with --" + comparing);
  if (parser.has("against"))
    for (const char *option : {"compare", "profile", "roofline", "report", "delay"})
      if (parser.has(option))
        throw UsageError(std::string("--") + option + " does not go with --against");
  if (parser.has("shapes")) {
    for (const char *option : {"model", "arch", "batch", "threads", "profile", "report", "softmax", "no-renormalize",
                               "residual", "files", "preprocess", "sessions", "delay", "speed-up"})
      if (parser.has(option))
        throw UsageError(std::string("--") + option +
                         " does not go with --shapes, which times matrix products alone on one thread");
    if (!parser.positional().empty())
      throw UsageError("a model does not go with --shapes, which times matrix products alone");
    return;
  }
  if (parser.has("sessions"))
    for (const char *option : {"profile", "roofline", "report", "files"})
      if (parser.has(option))
        throw UsageError(std::string("--") + option + " does not go with --sessions, which measures throughput");
  if (!parser.has("arch"))
    for (const char *option : {"softmax", "no-renormalize", "residual", "weight-format", "two-word-ratio", "speed-up"})
      if (parser.has(option))
        throw UsageError(std::string("--") + option + " goes with --arch; a model file has its own");
  if (parser.has("speed-up") && !(parser.get<double>("speed-up") >= 1 && parser.get<double>("speed-up") <= 4))
    throw UsageError("--speed-up must be from 1 to 4");
  if (parser.has("files"))
    for (const char *option : {"profile", "roofline", "report"})
      if (parser.has(option))
        throw UsageError(std::string("--") + option + " goes with random images, not with --files");
  if (!parser.has("files") && parser.has("preprocess"))
    throw UsageError("--preprocess goes with --files; random images have the model's size");
}

Plan plan(const Parser &parser) {
  Plan result;
  if (parser.has("speed-up"))
    result.speed_up = parser.get<double>("speed-up");
  result.models = sources(parser);
  result.kernels = kernels_list(parser);
  result.threads = parser.has("threads") ? parser.integers("threads", 0, max_threads) : std::vector<int>{0};
  if (parser.has("sessions")) {
    result.sessions = parser.integers("sessions", 1, max_threads);
    if (!parser.has("threads"))
      result.threads = {1};
  }
  result.delay = parser.get<double>("delay");
  if (!(result.delay >= 0 && result.delay <= 86400))
    throw UsageError("--delay must be from 0 to 86400");
  for (int &threads : result.threads)
    threads = threads == 0 ? default_threads() : threads;
  result.batches = parser.has("batch") ? parser.integers("batch", 1, 4096) : std::vector<int>{1};
  result.effort = effort_option(parser);
  result.weights = weight_choices(parser);
  if (parser.has("report")) {
    check_report_path(parser.get<std::string>("report"));
    for (const Source &source : result.models)
      if (!source.is_architecture)
        check_not_read(parser.get<std::string>("report"), {source.name});
  }
  return result;
}

void use_scheduling(const Parser &parser) {
  if (parser.has("cpu-mask"))
    use_processors(processor_list(parser.get<std::string>("cpu-mask")));
  if (!parser.has("priority"))
    return;
  const std::string name = parser.choice("priority", {"normal", "high", "realtime"});
  use_priority(name == "realtime" ? Priority::realtime : name == "high" ? Priority::high : Priority::normal);
}

std::vector<std::string> arguments_for_others(const Parser &parser, const Plan &plan) {
  std::vector<std::string> arguments{"bench", "--format", "json"};
  for (const Source &source : plan.models)
    if (!source.is_architecture)
      arguments.insert(arguments.end(), {"-m", source.name});
  for (const char *option :
       {"arch", "threads", "batch", "isa", "warmup", "runs", "softmax", "residual", "weight-format", "two-word-ratio"})
    if (parser.has(option))
      arguments.insert(arguments.end(), {std::string("--") + option, parser.all(option).back()});
  if (parser.has("no-renormalize"))
    arguments.push_back("--no-renormalize");
  if (!parser.has("runs"))
    arguments.insert(arguments.end(), {"--seconds", parser.has("seconds") ? parser.all("seconds").back() : "0.2"});
  return arguments;
}

Presentation presentation(const Parser &parser, const Arguments &arguments) {
  Presentation result;
  const std::string word = parser.has("format") ? parser.format() : output_is_terminal() ? "text" : "md";
  result.format = word == "json"  ? ReportFormat::json
                  : word == "csv" ? ReportFormat::csv
                  : word == "md"  ? ReportFormat::markdown
                                  : ReportFormat::text;
  result.percentiles = percentiles(parser);
  result.samples = parser.has("samples");
  if (result.format == ReportFormat::csv && (parser.has("compare") || parser.has("against")))
    throw UsageError("comparisons are printed as text, md or json");
  if (parser.has("compare"))
    result.compare = parser.get<std::string>("compare");
  if (result.samples && result.format != ReportFormat::csv)
    throw UsageError("--samples goes with --format csv; --format json has all samples");
  result.info = run_info(arguments);
  result.effort = effort_option(parser);
  return result;
}

} // namespace intvit::cli
