// intvit classes: other words for a model that classifies by words.
#include <cstddef>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/options/model.hpp"
#include "cli/options/output.hpp"
#include "cli/options/running.hpp"
#include "cli/options/words.hpp"
#include "cli/text.hpp"
#include "engine/container/file_io.hpp"
#include "engine/container/utf8.hpp"
#include "engine/format/model_file.hpp"
#include "engine/runtime/model.hpp"
#include "models/words/other_words.hpp"

namespace intvit::cli {

int classes(const Arguments &arguments) {
  Parser parser("classes", "Gives other words to a model that was quantized with --classes; its tower stays as it is.");
  add_model_option(parser);
  add_threads_option(parser);
  add_work_option(parser);
  parser.option<std::string>("weights", "FOLDER",
                             "transformers' folder of the CLIP or SigLIP that the model came from");
  add_words_options(parser);
  parser.formats({"text", "json"});
  parser.option<std::string>("o,output", "FILE", "model file to write");
  if (!parser.parse(arguments))
    return exit_ok;

  parser.required("classes");
  const std::string output = parser.required("output");
  const std::string format = parser.format();
  check_words_options(parser);
  if (!parser.has("text-features"))
    parser.required("weights");
  const int thread_count = threads(parser);
  const std::string path = model_path(parser);
  check_output(output);
  check_not_read(output, {path});

  const ModelFile file = value_of(ModelFile::open(path));
  value_of(Model::create(file, kernels::default_kernels(), max_work(parser)));
  const std::map<std::string, std::string> &provenance = file.description().provenance;
  const auto source = provenance.find("source_sha256");
  const ClassWords words =
      *words_option(parser, {.weights = parser.has("weights") ? parser.get<std::string>("weights") : "",
                             .sha256 = source == provenance.end() ? "" : source->second,
                             .output = output,
                             .threads = thread_count,
                             .scale = score_scale_of(file)});
  if (words.scale.sigmoid != (file.description().graph.result_kind() == ResultKind::labels))
    throw std::runtime_error(file.origin() + ": gives " +
                             std::string(outputs_word(file.description().graph.result_kind())) +
                             ", the words' scores are of another kind of model");
  const std::vector<std::byte> bytes = with_other_words(file, words, words_provenance(words));
  require(write_file_atomically(output, bytes));
  if (format == "json")
    std::cout << json_text({{"model", path_text(output)}, {"bytes", bytes.size()}, {"classes", words.names.size()}})
              << "\n";
  else
    std::cout << printable(output) << ": " << bytes.size() << " bytes, " << words.names.size() << " classes\n";
  return exit_ok;
}

} // namespace intvit::cli
