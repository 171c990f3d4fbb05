// One hash of logits for all machines, for each set of models: every instruction set, number of threads and batch must
// give it, and so must the evaluation of the graph that shares nothing with the engine (runtime/golden_naive.cpp).
//
// It changes only with docs/numerics.md, the models here or the pictures; after such a change `test_golden` prints the
// new one. Links the engine alone, so that a build for another processor needs little else to be proven.
#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/engine/golden/golden_models.hpp"
#include "tests/engine/golden/integer_model.hpp"
#include "tests/engine/golden/integer_swin.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/run_model.hpp"
#include "tests/support/sanitizers.hpp"

namespace intvit {
namespace {

using kernels::ElementType;
using kernels::Softmax;

TEST_CASE("golden hash: every instruction set, number of threads and batch") {
  for (const test::Golden &golden : test::all_golden()) {
    const std::vector<Image> images = test::golden_pictures(golden.files.front());
    for (const kernels::KernelTable &table : kernels::available_kernels())
      for (const auto &[threads, batch] : test::session_shapes) {
        test::GoldenLogits logits;
        for (const ModelFile &file : golden.files) {
          Session session = test::start_session(test::load_model(file, table),
                                                {.threads = threads, .max_batch = static_cast<int>(batch)});
          for (std::size_t first = 0; first < images.size(); first += batch)
            logits.add(
                test::run_logits(session, std::span(images).subspan(first, std::min(batch, images.size() - first))));
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
    else if (name.ends_with(".score_multiplier") || name.ends_with(".relative_bias") || name.ends_with(".prefix_bias"))
      element[1] ^= std::byte{1}; // of 11 and 13 bits
    else if (name.ends_with(".cosine") || name.ends_with(".sine"))
      element[1] ^= std::byte{8}; // of 14 bits
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
    const ModelFile file = test::parse_model(bytes);
    Session session = test::start_session(test::load_model(file));
    test::GoldenLogits logits;
    for (const Image &image : test::golden_pictures(file))
      logits.add(test::run_logits(session, {&image, 1}));
    return logits.hash();
  };
  using test::IntegerHead;
  for (const std::vector<std::byte> &file :
       {test::integer_model({.stream = ElementType::int8, .softmax = Softmax::lis4}),
        test::integer_model({.stream = ElementType::int16, .softmax = Softmax::int8}),
        test::integer_model({.stream = ElementType::int8, .softmax = Softmax::int16, .head = IntegerHead::distilled}),
        test::integer_model({.stream = ElementType::int16, .softmax = Softmax::int8, .head = IntegerHead::pooled}),
        test::integer_model({.stream = ElementType::int16, .softmax = Softmax::int16, .head = IntegerHead::features}),
        test::integer_model({.stream = ElementType::int16, .softmax = Softmax::int16, .head = IntegerHead::words}),
        test::integer_model({.stream = ElementType::int16, .softmax = Softmax::int16, .rotated = true}),
        test::integer_model({.stream = ElementType::int16, .softmax = Softmax::int16, .gated = true}),
        test::integer_model(
            {.stream = ElementType::int16, .softmax = Softmax::int16, .head = IntegerHead::joined, .biased = true}),
        test::integer_swin({.stream = ElementType::int8, .softmax = Softmax::int16}),
        test::integer_swin({.stream = ElementType::int16, .softmax = Softmax::lis4}),
        test::integer_swin({.stream = ElementType::int16, .softmax = Softmax::int16, .v2 = true}),
        test::integer_model({.softmax = Softmax::int16, .stlq = true}),
        test::integer_model({.softmax = Softmax::int16, .merged = true})}) {
    const test::ModelParts original(file);
    const std::string hash = run(original.file());
    int index = 0;
    for (const auto &[name, tensor] : original.tensors) {
      // Another bit of a tile would take other second words with it. What a token's importance is seldom
      // changes which tokens merge.
      if (name.starts_with("golden.") || tensor.bytes.empty() || name.ends_with(".stlq_tiles") ||
          name.ends_with(".match.score_multiplier"))
        continue;
      if (index++ % test::one_in != 0)
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
