// Model files for tests of subcommands that look inside models.
#pragma once

#include <string>

#include "models/random/random_model.hpp"

namespace intvit::test {

// The model that ships (32 x 32 pixels, 6 blocks of 3 heads, LIS-4), and the float weights it was made of.
std::string shipped_model();
std::string shipped_weights();

// A ViT with random integer weights for 32 x 32 pixels, 10 classes, 2 blocks of 2 heads, written to a file of that
// name.
std::string random_vit_file(const std::string &name, const RandomModelOptions &options = {}, int prefix_tokens = 1,
                            int image_size = 32, int classes = 10);
std::string random_swin_file(const std::string &name);

// A model that gives features without one matrix product: the LayerNorm of a patch of 4 x 4 pixels.
std::string file_without_products(const std::string &name);

// Three different pictures made of the sample photograph, with and without labels.csv: 0, 1, 2 are the labels.
std::string picture_folder(bool labelled);

} // namespace intvit::test
