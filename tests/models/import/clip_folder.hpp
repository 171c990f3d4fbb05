// Folders of transformers' CLIPModel and SiglipModel, written by tests.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/models/import/transformers_folder.hpp"

namespace intvit::test {

// Images of 20 x 20 pixels in patches of 8, which do not cover them; towers of 2 blocks of 2 heads, 12 channels for
// images and 8 for texts of at most 7 tokens; features of 6, SigLIP's of 12.
nlohmann::json clip_config();
TransformersTensors clip_tensors();
nlohmann::json siglip_config();
TransformersTensors siglip_tensors();

// A CLIPImageProcessor for these images.
nlohmann::json clip_processor();

// With vocab.json and merges.txt: the bytes and nothing else.
std::string clip_folder(const TransformersTensors &tensors = clip_tensors(),
                        const nlohmann::json &config = clip_config());

// With the small spiece.model of tests/models/text/goldens. Nothing, after printing "[skipped] reason", where no
// sentencepiece was found that reads it.
std::optional<std::string> siglip_folder();

// The vocabulary of these files: 256 bytes inside words, 256 at their ends, begin and end of a text.
inline constexpr int clip_vocabulary = 514;

} // namespace intvit::test
