#include "models/quantize/quantize.hpp"

#include <stdexcept>
#include <string>

#include "models/overloaded.hpp"
#include "models/quantize/emit/importance.hpp"
#include "models/quantize/emit/parts.hpp"

namespace intvit {

namespace {

// The failures of a part name it.
template <typename Work> auto in_part(const std::string &part, const Work &work) {
  try {
    return work();
  } catch (const std::runtime_error &error) {
    throw std::runtime_error(part + ": " + error.what());
  }
}

} // namespace

std::vector<std::byte> quantize(const QuantizeInput &input, const QuantizeOptions &options, const Progress &progress) {
  validate(input.model);
  if (input.calibration.empty())
    throw std::runtime_error("calibration needs at least one image");
  if (all_of_one_colour(input.calibration))
    throw std::runtime_error("every calibration image is of one colour, from which no range can be learned: give "
                             "photographs like those to be classified, 100 or more");
  Network parts = network(input.model);
  merge_tokens(parts, options.tokens);
  if (options.patch_tokens)
    keep_patch_tokens(parts);
  Calibration calibration(input.calibration, options.threads);
  NodeWriter nodes(input, options);
  PartContext context{parts, options, calibration, nodes};

  // The embedding, the blocks, the end and the run that gives the golden logits.
  const int steps = parts.blocks() + 3;
  int step = 0;
  const auto tell = [&] {
    if (progress)
      progress(step++, steps);
  };
  tell();
  StreamNode stream =
      in_part("patch embedding", [&] { return quantize_embedding(context, importance_before(parts, 0)); });
  int block = 0;
  for (std::size_t i = 0; i < parts.body.size(); ++i) {
    const Eigen::ArrayXd next = importance_before(parts, i + 1);
    stream = std::visit(Overloaded{[&](const BlockPart &part) {
                                     tell();
                                     return in_part("block " + std::to_string(block++),
                                                    [&] { return quantize_block(context, part, stream, next); });
                                   },
                                   [&](const MergingPart &part) {
                                     return in_part("merging before block " + std::to_string(block),
                                                    [&] { return quantize_merging(context, part, stream, next); });
                                   }},
                        parts.body[i]);
  }
  tell();
  in_part("head", [&] { quantize_end(context, stream); });
  tell();
  return nodes.finish(input.calibration.front(), parts.end.outputs());
}

} // namespace intvit
