// One hash of logits for all machines, for each set of models: every instruction set, number of threads and batch must
// give it, and so must the evaluation of the graph that shares nothing with the engine.
//
// It changes only with docs/numerics.md, the models here or the pictures; after such a change
// `test_logits "golden hash*"` prints the new one.
#include <catch2/catch.hpp>

#include "engine/container/sha256.hpp"
#include "engine/runtime/session.hpp"
#include "kernels/dispatch.hpp"
#include "tests/engine/runtime/integer_model.hpp"
#include "tests/engine/runtime/integer_swin.hpp"
#include "tests/engine/runtime/naive_graph.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit {
namespace {

using kernels::CodeType;
using kernels::Softmax;

// Logits of several models and pictures, little-endian, one after the other.
class Logits {
public:
  void add(std::span<const std::int32_t> logits) {
    for (const std::int32_t logit : logits)
      for (int byte = 0; byte < 4; ++byte)
        bytes_.push_back(static_cast<std::byte>(static_cast<std::uint32_t>(logit) >> (8 * byte)));
  }
  std::string hash() const { return sha256_hex(bytes_); }

private:
  std::vector<std::byte> bytes_;
};

ModelFile parsed(const std::vector<std::byte> &bytes) {
  Result<ModelFile> file = ModelFile::parse(bytes, "integer model");
  INFO(file.status().message());
  REQUIRE(file.ok());
  return std::move(*file);
}

std::vector<ModelFile> class_token_models() {
  std::vector<ModelFile> files;
  for (const CodeType stream : {CodeType::int8, CodeType::int16})
    for (const auto &[softmax, renormalize] : {std::pair(Softmax::lis4, true),
                                               {Softmax::lis4, false},
                                               {Softmax::int8, true},
                                               {Softmax::int16, true},
                                               {Softmax::lis8, true},
                                               {Softmax::lis8, false}})
      files.push_back(parsed(test::integer_model({.stream = stream, .softmax = softmax, .renormalize = renormalize})));
  return files;
}

std::vector<ModelFile> head_models() {
  std::vector<ModelFile> files;
  for (const CodeType stream : {CodeType::int8, CodeType::int16})
    for (const test::IntegerHead head : {test::IntegerHead::distilled, test::IntegerHead::pooled,
                                         test::IntegerHead::registers, test::IntegerHead::features})
      files.push_back(parsed(test::integer_model({.stream = stream, .softmax = Softmax::int16, .head = head})));
  return files;
}

std::vector<ModelFile> swin_models() {
  std::vector<ModelFile> files;
  for (const CodeType stream : {CodeType::int8, CodeType::int16})
    for (const Softmax softmax : {Softmax::lis4, Softmax::lis8, Softmax::int8, Softmax::int16})
      files.push_back(parsed(test::integer_swin({.stream = stream, .softmax = softmax})));
  return files;
}

std::vector<ModelFile> stlq_models() {
  std::vector<ModelFile> files;
  for (const CodeType stream : {CodeType::int8, CodeType::int16})
    files.push_back(parsed(test::integer_model({.stream = stream, .softmax = Softmax::int16, .stlq = true})));
  return files;
}

struct Golden {
  std::vector<ModelFile> files;
  const char *hash;
};

std::vector<Golden> all_golden() {
  std::vector<Golden> golden;
  golden.push_back({class_token_models(), "aed0303a650a3c74f3829748447cd0e53e57150974c76e9f2b5c8b736d308cb0"});
  golden.push_back({head_models(), "41b945973c1f96e8e9676466b7a92d61e8ee3d78598007dcf950e4d7e216f245"});
  golden.push_back({swin_models(), "8dd65e16d99eb846115515a4d8996e3121265f263f02d4d0107927ddd390b552"});
  golden.push_back({stlq_models(), "690a94c3011cdaf169a14ec2adee4430ca416eb99ddf1286cc0b5bbf56c3ec18"});
  return golden;
}

// Of the size that the models want, which is the same for all.
std::vector<Image> pictures(const ModelFile &file) {
  const Graph &graph = file.description().graph;
  std::vector<Image> images = test::random_images(3, graph.image_width, graph.image_height, 7);
  const std::size_t bytes = images[0].rgb.size();
  images.push_back({images[0].width, images[0].height, std::vector<std::uint8_t>(bytes, 255)});
  Image gradient{images[0].width, images[0].height, std::vector<std::uint8_t>(bytes)};
  for (std::size_t i = 0; i < bytes; ++i)
    gradient.rgb[i] = static_cast<std::uint8_t>(i * 255 / bytes);
  images.push_back(std::move(gradient));
  return images;
}

TEST_CASE("golden hash: without the engine") {
  for (const Golden &golden : all_golden()) {
    const std::vector<Image> images = pictures(golden.files.front());
    Logits logits;
    for (const ModelFile &file : golden.files) {
      std::vector<std::vector<std::int32_t>> results;
      for (const Image &image : images) {
        results.push_back(test::naive_logits(file.tensors(), image));
        logits.add(results.back());
      }
      // Every picture has its own logits, and they are neither constant nor at the ends of their range.
      for (std::size_t i = 0; i < results.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j)
          CHECK(results[i] != results[j]);
        const auto [low, high] = std::minmax_element(results[i].begin(), results[i].end());
        CHECK(*high - *low > 100);
        CHECK(*high - *low < 100'000);
      }
    }
    CHECK(logits.hash() == golden.hash);
  }
}

TEST_CASE("golden hash: every instruction set, number of threads and batch") {
  for (const Golden &golden : all_golden()) {
    const std::vector<Image> images = pictures(golden.files.front());
    std::vector<const std::uint8_t *> pointers;
    for (const Image &image : images)
      pointers.push_back(image.rgb.data());
    for (const kernels::KernelTable &table : kernels::available_kernels())
      for (const int threads : {1, 2, 3})
        for (const std::size_t batch : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
          Logits logits;
          for (const ModelFile &file : golden.files) {
            const Result<std::shared_ptr<const Model>> model = Model::create(file, table);
            INFO(model.status().message());
            REQUIRE(model.ok());
            Result<Session> session =
                Session::create(*model, {.threads = threads, .max_batch = static_cast<int>(batch)});
            REQUIRE(session.ok());
            for (std::size_t first = 0; first < images.size(); first += batch) {
              const std::size_t count = std::min(batch, images.size() - first);
              REQUIRE(session->run({pointers.data() + first, count}).ok());
              logits.add(session->logits());
            }
          }
          CAPTURE(table.name, threads, batch);
          CHECK(logits.hash() == golden.hash);
        }
  }
}

// What makes the lower of two words another one; a word that is 0 may belong to no weight and must stay 0, and none may
// become -8.
std::byte disturb_word(std::byte words) {
  const std::byte word = words & std::byte{15};
  return word == std::byte{0} ? word : word == std::byte{9} ? std::byte{3} : std::byte{1};
}

// Changes every element of a constant by a small part of its range.
void disturb(test::ModelParts::Tensor &tensor, const std::string &name) {
  for (std::size_t i = 0; i < tensor.bytes.size(); i += element_size(tensor.dtype)) {
    std::byte *element = tensor.bytes.data() + i;
    if (tensor.dtype == DType::i64)
      element[5] ^= std::byte{1}; // of 37 to 49 bits
    else if (name.ends_with(".score_multiplier") || name.ends_with(".relative_bias"))
      element[1] ^= std::byte{1}; // of 11 and 13 bits
    else if (tensor.dtype == DType::i32)
      element[2] ^= std::byte{0x40}; // of 26 to 31 bits
    else if (name.ends_with(".stlq_first") || name.ends_with(".stlq_second"))
      element[0] ^= disturb_word(element[0]);
    else
      element[0] ^= std::byte{1};
  }
}

TEST_CASE("golden hash: sees a small change of any constant") {
  const auto run = [&](const std::vector<std::byte> &bytes) {
    const Result<ModelFile> file = ModelFile::parse(bytes, "disturbed model");
    REQUIRE(file.ok());
    const Result<std::shared_ptr<const Model>> model = Model::create(*file);
    INFO(model.status().message());
    REQUIRE(model.ok());
    Result<Session> session = Session::create(*model, {.threads = 1});
    REQUIRE(session.ok());
    Logits logits;
    for (const Image &image : pictures(*file)) {
      const std::uint8_t *pixels = image.rgb.data();
      REQUIRE(session->run({&pixels, 1}).ok());
      logits.add(session->logits());
    }
    return logits.hash();
  };
  using test::IntegerHead;
  for (const std::vector<std::byte> &file :
       {test::integer_model({.stream = CodeType::int8, .softmax = Softmax::lis4}),
        test::integer_model({.stream = CodeType::int16, .softmax = Softmax::int8}),
        test::integer_model({.stream = CodeType::int8, .softmax = Softmax::int16, .head = IntegerHead::distilled}),
        test::integer_model({.stream = CodeType::int16, .softmax = Softmax::int8, .head = IntegerHead::pooled}),
        test::integer_model({.stream = CodeType::int16, .softmax = Softmax::int16, .head = IntegerHead::features}),
        test::integer_swin({.stream = CodeType::int8, .softmax = Softmax::int16}),
        test::integer_swin({.stream = CodeType::int16, .softmax = Softmax::lis4}),
        test::integer_model({.softmax = Softmax::int16, .stlq = true})}) {
    const test::ModelParts original(file);
    const std::string hash = run(original.file());
    for (const auto &[name, tensor] : original.tensors) {
      // Another bit of a tile would take other second words with it.
      if (name.starts_with("golden.") || tensor.bytes.empty() || name.ends_with(".stlq_tiles"))
        continue;
      CAPTURE(name);
      test::ModelParts parts = original;
      disturb(parts.tensors.at(name), name);
      CHECK(run(parts.file()) != hash);
    }
  }
}

} // namespace
} // namespace intvit
