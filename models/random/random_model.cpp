#include "models/random/random_model.hpp"

#include "models/overloaded.hpp"
#include "models/random/random_network.hpp"

namespace intvit {

std::vector<std::byte> random_model(const ArchitectureConfig &config, const RandomModelOptions &options,
                                    std::uint32_t seed) {
  validate(config);
  Network parts = network(config);
  merge_tokens(parts, options.tokens);
  if (options.patch_tokens)
    keep_patch_tokens(parts);
  RandomNetwork generator(parts.common, options, seed);
  if (parts.embedding.normalized)
    generator.normalized_patch_embed(parts.embedding.channels);
  else
    generator.patch_embed(parts.embedding.channels, parts.embedding.prefix_tokens, parts.embedding.normed_patches);
  if (parts.embedding.pre_norm)
    generator.pre_norm("norm_pre");
  for (const BodyPart &part : parts.body)
    std::visit(Overloaded{[&](const BlockPart &block) { generator.block(block); },
                          [&](const MergingPart &merging) { generator.merge(merging); }},
               part);
  generator.end(parts.end);
  return generator.finish(parts.end.outputs());
}

} // namespace intvit
