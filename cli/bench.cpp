// intvit bench: how fast a model runs, beside what this processor could do at most.
#include <utility>
#include <vector>

#include "cli/benchmark/against.hpp"
#include "cli/benchmark/compare.hpp"
#include "cli/benchmark/files.hpp"
#include "cli/benchmark/measure.hpp"
#include "cli/benchmark/memory.hpp"
#include "cli/benchmark/options.hpp"
#include "cli/benchmark/report.hpp"
#include "cli/benchmark/report_file.hpp"
#include "cli/benchmark/scheduling.hpp"
#include "cli/benchmark/throughput.hpp"
#include "cli/options/images.hpp"
#include "cli/options/model.hpp"
#include "cli/options/quantizer.hpp"
#include "cli/options/running.hpp"
#include "cli/process.hpp"
#include "cli/progress.hpp"
#include "models/architectures/registry.hpp"
#include "models/quantize/token_search.hpp"
#include "models/random/random_model.hpp"

namespace intvit::cli {

namespace {

constexpr std::uint32_t seed = 1; // of random weights

// The bytes of an architecture's file, made once for all instruction sets; of a model's file nothing.
std::vector<std::byte> random_bytes_of(const Source &source, RandomModelOptions options, double speed_up) {
  if (!source.is_architecture)
    return {};
  const ArchitectureConfig config = architecture(source.name);
  if (speed_up > 1)
    options.tokens = usual_schedule(network(config), speed_up);
  return random_model(config, options, seed);
}

LoadedModel load(const Source &source, const std::vector<std::byte> &random, const kernels::KernelTable &kernels,
                 std::int64_t max_work) {
  std::vector<std::byte> bytes = random;
  LoadedModel loaded;
  const PeakMemory memory;
  const Stopwatch stopwatch;
  const ModelFile file =
      value_of(source.is_architecture ? ModelFile::parse(std::move(bytes), source.name) : ModelFile::open(source.name));
  loaded.model = value_of(Model::create(file, kernels, source.is_architecture ? any_work : max_work));
  loaded.start.load_ms = stopwatch.elapsed().seconds * 1e3;
  loaded.start.peak_bytes = memory.bytes();
  loaded.start.file_bytes = file.tensors().bytes().size();
  loaded.start.packed_bytes = loaded.model->packed_bytes();
  return loaded;
}

Interrupted stopped_after(std::size_t measured, std::size_t total) {
  return Interrupted("interrupted after " + std::to_string(measured) + " of " + std::to_string(total) +
                     " measurements");
}

template <class Result> void show(const std::vector<Result> &results, const Presentation &shown) {
  if (results.empty())
    return;
  print_results(results, shown);
  flush_output(); // before what is said of it
  report_disturbed(results);
}

int bench_shapes(const Parser &parser, const Presentation &shown) {
  const std::vector<const kernels::KernelTable *> tables = kernels_list(parser);
  std::vector<ShapeList> lists;
  const std::vector<WeightChoice> choices = weight_choices(parser);
  const std::vector<std::string> paths = parser.all("shapes");
  try {
    for (const std::string &path : paths) {
      const std::vector<Shape> shapes = read_shapes(path);
      for (const kernels::KernelTable *kernels : tables)
        for (const WeightChoice &weights : choices)
          lists.push_back(
              {path, kernels->name, weights.text(), measure_shapes(shapes, weights, *kernels, shown.effort)});
    }
  } catch (const Interrupted &) {
    show(lists, shown);
    throw stopped_after(lists.size(), paths.size() * tables.size() * choices.size());
  }
  show(lists, shown);
  return exit_ok;
}

// Measures every combination of a plan, and shows the results; after an interruption those that are complete.
template <class Measure>
auto measure_all(const Parser &parser, const Plan &plan, const Presentation &shown, const Measure &measure_one) {
  using Result = decltype(measure_one(std::declval<const LoadedModel &>(), std::declval<const Combination &>()));
  const Numerics chosen = numerics(parser);
  std::vector<Result> results;
  try {
    ProgressBar progress("measuring");
    for (const Source &source : plan.models)
      for (const WeightChoice &weights : plan.weights) {
        const std::vector<std::byte> random = random_bytes_of(source,
                                                              {.residual = chosen.residual,
                                                               .softmax = chosen.softmax,
                                                               .renormalize = chosen.renormalize,
                                                               .weight_levels = weights.levels,
                                                               .two_word_ratio = weights.two_word_ratio},
                                                              plan.speed_up);
        for (const kernels::KernelTable *kernels : plan.kernels) {
          const LoadedModel loaded = load(source, random, *kernels, max_work(parser));
          const std::string weights_text = source.is_architecture ? weights.text() : "";
          for (const int sessions : plan.sessions)
            for (const int threads : plan.threads)
              for (const int batch : plan.batches) {
                progress.show(results.size(), plan.combinations());
                wait_seconds(plan.delay);
                results.push_back(measure_one(loaded, {source.name, source.is_architecture, weights_text, kernels->name,
                                                       threads, batch, sessions}));
              }
        }
      }
  } catch (const Interrupted &) {
    show(results, shown);
    throw stopped_after(results.size(), plan.combinations());
  }
  show(results, shown);
  return results;
}

void bench_files(const Parser &parser, const Plan &plan, const Presentation &shown) {
  const std::string folder = parser.get<std::string>("files");
  LeftOut left_out;
  const std::vector<std::string> paths = list_images(folder, left_out);
  report_left_out(folder, left_out);
  measure_all(parser, plan, shown, [&](const LoadedModel &loaded, const Combination &combination) {
    return measure_files(loaded.model, combination, paths, recipe_for(parser, *loaded.model), plan.effort);
  });
}

} // namespace

int bench(const Arguments &arguments) {
  Parser parser("bench",
                "Measures how fast models run: every combination of the models, instruction sets,\n"
                "numbers of threads and batch sizes given. Also what they take to load, until the\n"
                "first answer, and in memory.\n\n"
                "Runs that other programs disturbed are repeated. Where no quiet ones are left,\n"
                "the result is marked: \"lost\" is the part of the processors' time that others\n"
                "had; \"unsteady\": half of the runs took over 4 % longer than the fastest tenth.\n\n"
                "Columns: a run's time (median, mean, deviation, least, percentiles); images/s;\n"
                "GMAC/s, billions of multiply-accumulates a second of all the model (a ViT of 12\n"
                "blocks computes 6 % fewer: of the last block the class token alone; --profile\n"
                "counts what is done); sizes of the file, of packed weights and an arena, and\n"
                "what the process held at most; the time to load, and until the first answer;\n"
                "mJ/image, where energy counters can be read (RAPL, as root).\n"
                "docs/performance.md says how everything is measured.\n",
                "[MODEL ...]");
  add_bench_options(parser);
  if (!parser.parse(arguments) || lists_architectures(parser))
    return exit_ok;
  check_options(parser);
  use_scheduling(parser);
  const Presentation shown = presentation(parser, arguments);
  if (parser.has("shapes"))
    return bench_shapes(parser, shown);
  const Plan planned = plan(parser);
  if (parser.has("against")) {
    const std::string program = parser.get<std::string>("against");
    print_results(measure_against(program, arguments_for_others(parser, planned), parser.integer("pairs", 2, 10'000)),
                  program, shown);
    return exit_ok;
  }
  if (parser.has("files")) {
    bench_files(parser, planned, shown);
    return exit_ok;
  }
  if (parser.has("sessions")) {
    measure_all(parser, planned, shown, [&](const LoadedModel &loaded, const Combination &combination) {
      return measure_throughput(loaded, combination, planned.effort);
    });
    return exit_ok;
  }
  if (!shown.compare.empty())
    compare_with(shown.compare, {}); // before minutes of measuring
  const bool report = parser.has("report");
  const bool profile = report || parser.has("profile");
  const std::vector<ForwardResult> results =
      measure_all(parser, planned, shown, [&](const LoadedModel &loaded, const Combination &combination) {
        return measure_forward(loaded, combination, planned.effort, profile);
      });
  if (report)
    write_report(parser.get<std::string>("report"),
                 {shown.info, shown.percentiles, results, shown.compare,
                  shown.compare.empty() ? std::vector<Comparison>() : compare_with(shown.compare, results)});
  return exit_ok;
}

} // namespace intvit::cli
