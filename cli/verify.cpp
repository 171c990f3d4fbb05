// intvit verify: the file is whole, and this machine gives its golden logits.
#include <array>
#include <iostream>

#include "cli/models.hpp"
#include "engine/runtime/session.hpp"

namespace intvit::cli {

int verify(const Arguments &arguments) {
  Parser parser("verify",
                "Checks a model file's checksums and that this machine gives its golden logits, bit for bit.");
  add_model_option(parser);
  add_threads_option(parser);
  if (!parser.parse(arguments))
    return exit_ok;

  const std::string path = model_path(parser);
  const ModelFile file = value_of(ModelFile::open(path));
  const std::shared_ptr<const Model> model = value_of(Model::create(file));
  std::cout << path << "\n  checksums          ok (" << file.tensors().tensors().size() << " tensors and metadata)\n";

  Session session = value_of(Session::create(model, {.threads = threads(parser), .max_batch = 1}));
  const std::array<const std::uint8_t *, 1> image{file.golden_image().data()};
  require(session.run(image));
  const std::vector<std::int32_t> expected = file.golden_logits();
  const std::span<const std::int32_t> logits = session.logits();
  std::size_t different = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    different += logits[i] != expected[i] ? 1U : 0U;
  const std::string kernels = model->kernels().name;
  if (different > 0)
    throw std::runtime_error(path + ": " + std::to_string(different) + " of " + std::to_string(expected.size()) +
                             " golden logits differ with the " + kernels + " kernels");
  std::cout << "  " << kernels << std::string(kernels.size() < 18 ? 18 - kernels.size() : 0, ' ') << " ok ("
            << expected.size() << " golden logits, bit for bit)\n";
  return exit_ok;
}

} // namespace intvit::cli
