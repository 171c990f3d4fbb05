// intvit verify: the file is whole, and this machine gives its golden logits.
#include <algorithm>
#include <array>
#include <iostream>
#include <span>

#include "cli/options/model.hpp"
#include "cli/options/running.hpp"
#include "cli/process.hpp"
#include "engine/container/utf8.hpp"
#include "engine/runtime/session.hpp"

namespace intvit::cli {

namespace {

// Throws where `found` is not `expected`, the file's golden logits or features.
void check_equal(const ModelFile &file, const kernels::KernelTable &kernels, const char *what,
                 const std::vector<std::int32_t> &expected, std::span<const std::int32_t> found) {
  std::size_t different = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    different += found[i] != expected[i] ? 1U : 0U;
  if (different > 0)
    throw std::runtime_error(file.origin() + ": " + std::to_string(different) + " of " +
                             std::to_string(expected.size()) + " golden " + what + " differ with the " + kernels.name +
                             " kernels");
}

// Throws where the kernels do not give the file's golden logits and, where there are any, features.
void check_golden(const ModelFile &file, const kernels::KernelTable &kernels, int threads, std::int64_t max_work) {
  const std::shared_ptr<const Model> model = value_of(Model::create(file, kernels, max_work));
  Session session = value_of(Session::create(model, {.threads = threads, .max_batch = 1}));
  const std::array<const std::uint8_t *, 1> image{file.golden_image().data()};
  require(session.run(image));
  const std::vector<std::int32_t> logits = file.golden_logits();
  const std::vector<std::int32_t> features = file.golden_features();
  check_equal(file, kernels, "logits", logits, session.logits());
  check_equal(file, kernels, "features", features, session.features());
  std::string name = kernels.name;
  name.resize(std::max<std::size_t>(name.size(), 18), ' ');
  std::cout << "  " << name << " ok ("
            << (features.empty() ? "" : std::to_string(features.size()) + " golden features and ") << logits.size()
            << " golden logits, bit for bit)\n";
}

} // namespace

int verify(const Arguments &arguments) {
  Parser parser("verify", "Checks a model file's checksums and that this machine gives its golden logits, bit for bit, "
                          "with every instruction set it has.");
  add_model_option(parser);
  add_work_option(parser);
  add_threads_option(parser);
  add_isa_option(parser);
  if (!parser.parse(arguments))
    return exit_ok;

  const int thread_count = threads(parser);
  const std::int64_t most_work = max_work(parser);
  const std::span<const kernels::KernelTable> instruction_sets =
      parser.has("isa") ? std::span(&kernels_option(parser), 1) : kernels::available_kernels();
  const std::string path = model_path(parser);
  const ModelFile file = value_of(ModelFile::open(path));
  std::cout << printable(path) << "\n  checksums          ok (" << file.tensors().tensors().size()
            << " tensors and metadata)\n";
  for (const kernels::KernelTable &kernels : instruction_sets) {
    stop_if_interrupted();
    check_golden(file, kernels, thread_count, most_work);
  }
  return exit_ok;
}

} // namespace intvit::cli
