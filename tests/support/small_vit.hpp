// Small Vision Transformers for tests.
#pragma once

#include <string>

#include "models/architectures/vit.hpp"

namespace intvit::test {

// What a test may choose of one; the rest is VitConfig's default.
struct SmallVit {
  int height = 16; // pixels
  int width = 16;
  int patch = 8;
  int channels = 16;
  int depth = 2;
  int heads = 2;
  int hidden = 32;
  int classes = 5;
  int prefix_tokens = 1;
  Pool pool = Pool::token;
  std::string architecture = "small";
};

VitConfig small_vit_config(const SmallVit &vit = {});

} // namespace intvit::test
