#include "tests/engine/golden/golden_models.hpp"

#include <utility>

#include <catch2/catch.hpp>

#include "engine/container/sha256.hpp"
#include "tests/engine/golden/integer_model.hpp"
#include "tests/engine/golden/integer_swin.hpp"
#include "tests/support/model_parts.hpp"

namespace intvit::test {
namespace {

using kernels::ElementType;
using kernels::Softmax;

ModelFile parsed(const std::vector<std::byte> &bytes) {
  Result<ModelFile> file = ModelFile::parse(bytes, "integer model");
  INFO(file.status().message());
  REQUIRE(file.ok());
  return std::move(*file);
}

std::vector<ModelFile> class_token_models() {
  std::vector<ModelFile> files;
  for (const ElementType stream : {ElementType::int8, ElementType::int16})
    for (const auto &[softmax, renormalize] : {std::pair(Softmax::lis4, true),
                                               {Softmax::lis4, false},
                                               {Softmax::int8, true},
                                               {Softmax::int16, true},
                                               {Softmax::lis8, true},
                                               {Softmax::lis8, false}})
      files.push_back(parsed(integer_model({.stream = stream, .softmax = softmax, .renormalize = renormalize})));
  return files;
}

std::vector<ModelFile> head_models() {
  std::vector<ModelFile> files;
  for (const ElementType stream : {ElementType::int8, ElementType::int16})
    for (const IntegerHead head :
         {IntegerHead::distilled, IntegerHead::pooled, IntegerHead::registers, IntegerHead::features})
      files.push_back(parsed(integer_model({.stream = stream, .softmax = Softmax::int16, .head = head})));
  return files;
}

std::vector<ModelFile> swin_models() {
  std::vector<ModelFile> files;
  for (const ElementType stream : {ElementType::int8, ElementType::int16})
    for (const Softmax softmax : {Softmax::lis4, Softmax::lis8, Softmax::int8, Softmax::int16})
      files.push_back(parsed(integer_swin({.stream = stream, .softmax = softmax})));
  return files;
}

std::vector<ModelFile> swin_v2_models() {
  std::vector<ModelFile> files;
  for (const ElementType stream : {ElementType::int8, ElementType::int16})
    for (const Softmax softmax : {Softmax::lis4, Softmax::lis8, Softmax::int8, Softmax::int16})
      files.push_back(parsed(integer_swin({.stream = stream, .softmax = softmax, .v2 = true})));
  return files;
}

std::vector<ModelFile> stlq_models() {
  std::vector<ModelFile> files;
  for (const ElementType stream : {ElementType::int8, ElementType::int16})
    files.push_back(parsed(integer_model({.stream = stream, .softmax = Softmax::int16, .stlq = true})));
  return files;
}

std::vector<ModelFile> words_models() {
  std::vector<ModelFile> files;
  for (const ElementType stream : {ElementType::int8, ElementType::int16})
    files.push_back(parsed(integer_model({.stream = stream, .softmax = Softmax::int16, .head = IntegerHead::words})));
  return files;
}

std::vector<ModelFile> merging_models() {
  std::vector<ModelFile> files;
  for (const ElementType stream : {ElementType::int8, ElementType::int16})
    for (const auto &[head, softmax] : {std::pair(IntegerHead::class_token, Softmax::lis4),
                                        {IntegerHead::class_token, Softmax::int16},
                                        {IntegerHead::distilled, Softmax::lis8},
                                        {IntegerHead::registers, Softmax::int8},
                                        {IntegerHead::pooled, Softmax::int16}})
      files.push_back(parsed(integer_model({.stream = stream, .softmax = softmax, .head = head, .merged = true})));
  return files;
}

std::vector<ModelFile> rotated_models() {
  std::vector<ModelFile> files;
  for (const ElementType stream : {ElementType::int8, ElementType::int16})
    files.push_back(parsed(
        integer_model({.stream = stream, .softmax = Softmax::int16, .head = IntegerHead::registers, .rotated = true})));
  return files;
}

std::vector<ModelFile> gated_models() {
  std::vector<ModelFile> files;
  for (const ElementType stream : {ElementType::int8, ElementType::int16})
    files.push_back(parsed(integer_model({.stream = stream, .softmax = Softmax::int16, .gated = true})));
  return files;
}

std::vector<ModelFile> biased_models() {
  std::vector<ModelFile> files;
  for (const ElementType stream : {ElementType::int8, ElementType::int16})
    for (const auto &[head, softmax] : {std::pair(IntegerHead::joined, Softmax::int16),
                                        {IntegerHead::class_token, Softmax::lis4},
                                        {IntegerHead::pooled, Softmax::lis8}})
      files.push_back(parsed(integer_model({.stream = stream, .softmax = softmax, .head = head, .biased = true})));
  return files;
}

std::vector<ModelFile> rms_models() {
  std::vector<ModelFile> files;
  for (const ElementType stream : {ElementType::int8, ElementType::int16})
    files.push_back(parsed(integer_model({.stream = stream, .softmax = Softmax::int16, .rms = true})));
  return files;
}

} // namespace

void GoldenLogits::add(std::span<const std::int32_t> logits) {
  for (const std::int32_t logit : logits)
    for (int byte = 0; byte < 4; ++byte)
      bytes_.push_back(static_cast<std::byte>(static_cast<std::uint32_t>(logit) >> (8 * byte)));
}

std::string GoldenLogits::hash() const {
  return sha256_hex(bytes_);
}

std::vector<Golden> all_golden() {
  std::vector<Golden> golden;
  golden.push_back({class_token_models(), "4612b81a9bb87e79165e6e08ecd018922688c7e0416038ac5d478fe1ee032577"});
  golden.push_back({head_models(), "d7b2609196a2d787958935e8e2fa37c84e8e7302d18a25107f2d80428a645608"});
  golden.push_back({swin_models(), "fa53755240fbebd8f41ad26a0041805a111b8c05a61c9d102cf60e06cb8f8135"});
  golden.push_back({stlq_models(), "fa7bb94284c4d227af1d9a18702770ac3c6f0e9f2a5c4a053f18e4b73eb81a22"});
  golden.push_back({words_models(), "00468730dbe671480d90bb61463a0c09d96413b1a43bf406fdb442f63c3be3de"});
  golden.push_back({merging_models(), "aad57fe7e8353ce73d563f95848563a8e1bfe22b1cfef57d89ca7e33385d6104"});
  golden.push_back({rotated_models(), "6621ca9642c8b402f490e2c7a69e4f00d295846ef8d978caa777e75b8ddbac61"});
  golden.push_back({gated_models(), "369293dcfbee9bd2ee2805442b320609a2a36f03adbf7fc002ebb06fffa6b4ec"});
  golden.push_back({biased_models(), "06070f9c62a49c42deabc13328d7fb24b3a6f36e73e4af920f96b8d64d28c4cd"});
  golden.push_back({rms_models(), "028d8bc3f6428c277b78afc05b2b552d4222295f80a59ce1ab56d87b297a9773"});
  golden.push_back({swin_v2_models(), "e630fa4c178e9ac43b1e4d05b35ff22329efd2c64916be5830253741d30a86a8"});
  return golden;
}

std::vector<Image> golden_pictures(const ModelFile &file) {
  const Graph &graph = file.description().graph;
  std::vector<Image> images = random_images(3, graph.image_width, graph.image_height, 7);
  const std::size_t bytes = images[0].rgb.size();
  images.push_back({images[0].width, images[0].height, std::vector<std::uint8_t>(bytes, 255)});
  Image gradient{images[0].width, images[0].height, std::vector<std::uint8_t>(bytes)};
  for (std::size_t i = 0; i < bytes; ++i)
    gradient.rgb[i] = static_cast<std::uint8_t>(i * 255 / bytes);
  images.push_back(std::move(gradient));
  return images;
}

} // namespace intvit::test
