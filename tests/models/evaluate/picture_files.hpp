// Random pictures as files, and what a model gives for them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/image/image.hpp"
#include "engine/runtime/model.hpp"

namespace intvit::test {

struct PictureFile {
  std::string path;
  Image pixels;
};

std::vector<PictureFile> picture_files(int count, int side);

std::vector<std::int32_t> logits_of(const std::shared_ptr<const Model> &model, const Image &pixels);

} // namespace intvit::test
