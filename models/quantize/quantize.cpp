#include "models/quantize/quantize.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "models/architectures/stlq_words.hpp"
#include "models/overloaded.hpp"
#include "models/quantize/emit/importance.hpp"
#include "models/quantize/emit/parts.hpp"
#include "models/quantize/linear/two_words.hpp"

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

// Whether the blocks' weights are words already, which stay as they are.
bool has_given_words(const Network &network) {
  return std::any_of(network.body.begin(), network.body.end(), [](const BodyPart &part) {
    const auto *block = std::get_if<BlockPart>(&part);
    return block != nullptr && stlq::has_words(block->weights->qkv);
  });
}

// Tells a caller of all steps of one or more walks over the network.
class Steps {
public:
  Steps(const Progress &progress, int total) : progress_(progress), total_(total) {}
  void next() {
    if (progress_)
      progress_(step_++, total_);
  }

private:
  const Progress &progress_;
  int total_;
  int step_ = 0;
};

// Of one walk: the embedding, the blocks, the end and the run that gives the golden logits.
int steps_of(const Network &network) {
  return network.blocks() + 3;
}

std::vector<std::byte> walk(const QuantizeInput &input, const Network &parts, const QuantizeOptions &options,
                            const ErrorCosts *costs, Steps &steps) {
  Calibration calibration(input.calibration, options.threads);
  NodeWriter nodes(input, options);
  PartContext context{parts, options, calibration, nodes, costs};
  steps.next();
  StreamNode stream =
      in_part("patch embedding", [&] { return quantize_embedding(context, importance_before(parts, 0)); });
  int block = 0;
  for (std::size_t i = 0; i < parts.body.size(); ++i) {
    const Eigen::ArrayXd next = importance_before(parts, i + 1);
    stream = std::visit(Overloaded{[&](const BlockPart &part) {
                                     steps.next();
                                     const int index = block++;
                                     return in_part("block " + std::to_string(index),
                                                    [&] { return quantize_block(context, part, index, stream, next); });
                                   },
                                   [&](const MergingPart &part) {
                                     return in_part("merging before block " + std::to_string(block),
                                                    [&] { return quantize_merging(context, part, stream, next); });
                                   }},
                        parts.body[i]);
  }
  steps.next();
  in_part("head", [&] { quantize_end(context, stream); });
  steps.next();
  return nodes.finish(input.calibration.front(), parts.end.outputs());
}

// The price of second words at which all maps together have as many as were asked for. Found by a walk that writes a
// model that nobody reads.
double find_word_price(const QuantizeInput &input, const Network &parts, QuantizeOptions options,
                       const ErrorCosts &costs, Steps &steps) {
  WordDemand demand;
  options.demand = &demand;
  options.rounding = Rounding::nearest;
  QuantizeInput draft = input;
  draft.report = {};
  walk(draft, parts, options, &costs, steps);
  return demand.price(options.two_word_ratio);
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
  const bool rounds_words = has_words(options.weight_levels) && !has_given_words(parts);
  QuantizeOptions chosen = options;
  chosen.error_measure = error_measure(options, rounds_words);
  if (chosen.error_measure != ErrorMeasure::model) {
    Steps steps(progress, steps_of(parts));
    return walk(input, parts, chosen, nullptr, steps);
  }
  const bool compete = rounds_words && options.two_word_ratio > 0 && options.two_word_ratio < 1;
  Steps steps(progress, (compete ? 2 : 1) * steps_of(parts));
  const ErrorCosts costs(network(input.model), input.calibration, options.threads);
  if (compete)
    chosen.word_price = find_word_price(input, parts, chosen, costs, steps);
  return walk(input, parts, chosen, &costs, steps);
}

} // namespace intvit
