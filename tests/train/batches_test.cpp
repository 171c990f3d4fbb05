#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <set>
#include <torch/torch.h>

#include "train/batches.hpp"

using namespace intvit::train;

namespace {

constexpr int kSize = 6;
constexpr std::size_t kCount = 10;

// Every byte depends on its picture, row, column and channel; two pictures differ everywhere.
Dataset numbered_pictures(int border = 0) {
  Dataset dataset;
  dataset.image_size = kSize;
  dataset.classes = {"even", "odd", "none"};
  dataset.train.side = kSize + 2 * border;
  const auto side = static_cast<std::size_t>(dataset.train.side);
  for (std::size_t i = 0; i < kCount; ++i) {
    dataset.train.labels.push_back(static_cast<std::int32_t>(i % 2));
    for (std::size_t at = 0; at < side * side * 3; ++at)
      dataset.train.pixels.push_back(
          static_cast<std::uint8_t>((i * 23 + at / 3 / side * 31 + at / 3 % side * 7 + at % 3 * 3) % 251 + 1));
  }
  return dataset;
}

// Leaves bytes as they are.
const Normalization kBytesAsTheyAre{{{0, 0, 0}, {1.0F / 255, 1.0F / 255, 1.0F / 255}}};

BatchPlan plan_of(const Dataset &dataset, const Augmentation &augmentation) {
  return {&dataset, augmentation, kBytesAsTheyAre, 3, 5};
}

const Augmentation kNone{0, false, 0, 0, 0};

// Rows and columns count from the image's first, before which is the border.
float pixel(const Dataset &dataset, std::size_t sample, int c, int y, int x) {
  const int side = dataset.train.side;
  const int border = (side - kSize) / 2;
  const int at = ((y + border) * side + x + border) * 3 + c;
  return dataset.train.pixels[sample * dataset.train.picture_bytes() + static_cast<std::size_t>(at)];
}

} // namespace

TEST_CASE("without augmentation a batch holds the pictures of the epoch's order, planes of float") {
  const Dataset dataset = numbered_pictures();
  const BatchPlan plan = plan_of(dataset, kNone);
  const auto order = epoch_order(plan, 0);
  for (const std::uint64_t step : {0U, 1U}) {
    const Batch batch = make_batch(plan, order, step);
    const auto images = batch.images.accessor<float, 4>();
    const auto targets = batch.targets.accessor<float, 2>();
    for (std::size_t i = 0; i < 5; ++i) {
      const std::size_t sample = order[step * 5 + i];
      const auto at = static_cast<std::int64_t>(i);
      for (int c = 0; c < 3; ++c)
        for (int y = 0; y < kSize; ++y)
          for (int x = 0; x < kSize; ++x)
            REQUIRE(images[at][c][y][x] == Approx(pixel(dataset, sample, c, y, x)));
      CHECK(targets[at][static_cast<std::int64_t>(sample % 2)] == 1);
      CHECK(targets[at][2] == 0);
    }
  }
}

TEST_CASE("every epoch visits every picture once, each in an order of its own") {
  const Dataset dataset = numbered_pictures();
  const BatchPlan plan = plan_of(dataset, kNone);
  std::set<std::vector<std::uint32_t>> orders;
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    std::vector<std::uint32_t> order = epoch_order(plan, epoch);
    orders.insert(order);
    std::sort(order.begin(), order.end());
    for (std::uint32_t i = 0; i < kCount; ++i)
      CHECK(order[i] == i);
  }
  CHECK(orders.size() == 20);
}

TEST_CASE("crop and flip: every picture is a shifted, perhaps mirrored copy that reaches into the border") {
  const Dataset dataset = numbered_pictures(2);
  const BatchPlan plan = plan_of(dataset, {2, true, 0, 0, 0});
  std::set<std::tuple<int, int, bool>> seen;
  for (std::uint64_t epoch = 0; epoch < 120; ++epoch) {
    const auto order = epoch_order(plan, epoch);
    const Batch batch = make_batch(plan, order, epoch * 2);
    const auto images = batch.images.accessor<float, 4>();
    for (std::int64_t i = 0; i < 5; ++i) {
      int matches = 0;
      for (int dx = -2; dx <= 2; ++dx)
        for (int dy = -2; dy <= 2; ++dy)
          for (const bool mirror : {false, true}) {
            bool same = true;
            for (int y = 0; y < kSize; ++y)
              for (int x = 0; x < kSize; ++x) {
                const int from_x = (mirror ? kSize - 1 - x : x) + dx;
                const float want = pixel(dataset, order[static_cast<std::size_t>(i)], 1, y + dy, from_x);
                same = same && std::abs(images[i][1][y][x] - want) < 1e-3F;
              }
            if (same) {
              ++matches;
              seen.insert({dx, dy, mirror});
            }
          }
      CHECK(matches == 1);
    }
  }
  CHECK(seen.size() == 50);
}

TEST_CASE("cutmix pastes a rectangle of the next picture and shares the label by area") {
  const Dataset dataset = numbered_pictures();
  const BatchPlan plan = plan_of(dataset, {0, false, 0, 1, 0});
  std::set<int> areas;
  for (std::uint64_t epoch = 0; epoch < 40; ++epoch) {
    const auto order = epoch_order(plan, epoch);
    const Batch batch = make_batch(plan, order, epoch * 2);
    const auto images = batch.images.accessor<float, 4>();
    const auto targets = batch.targets.accessor<float, 2>();
    for (std::size_t i = 0; i < 5; ++i) {
      const std::size_t own = order[i];
      const std::size_t other = order[(i + 1) % 5];
      int pasted = 0;
      int left = kSize, right = -1, top = kSize, bottom = -1;
      for (int y = 0; y < kSize; ++y)
        for (int x = 0; x < kSize; ++x) {
          const float value = images[static_cast<std::int64_t>(i)][2][y][x];
          if (value == Approx(pixel(dataset, own, 2, y, x)))
            continue;
          REQUIRE(value == Approx(pixel(dataset, other, 2, y, x)));
          ++pasted;
          left = std::min(left, x), right = std::max(right, x);
          top = std::min(top, y), bottom = std::max(bottom, y);
        }
      if (pasted > 0)
        CHECK(pasted == (right - left + 1) * (bottom - top + 1));
      areas.insert(pasted);
      const float share = 1 - static_cast<float>(pasted) / (kSize * kSize);
      const auto at = static_cast<std::int64_t>(i);
      const float own_target = targets[at][static_cast<std::int64_t>(own % 2)];
      CHECK(own_target == Approx(own % 2 == other % 2 ? 1 : share).margin(1e-6));
    }
  }
  CHECK(areas.size() > 8);
}

TEST_CASE("mixup blends with the next picture and shares the label by the same weight") {
  const Dataset dataset = numbered_pictures();
  const BatchPlan plan = plan_of(dataset, {0, false, 1, 0, 0});
  const auto order = epoch_order(plan, 0);
  const Batch batch = make_batch(plan, order, 0);
  for (std::int64_t i = 0; i < 5; ++i) {
    const std::size_t own = order[static_cast<std::size_t>(i)];
    const std::size_t other = order[static_cast<std::size_t>((i + 1) % 5)];
    const auto images = batch.images.accessor<float, 4>();
    const float a = pixel(dataset, own, 0, 2, 2);
    const float b = pixel(dataset, other, 0, 2, 2);
    const float weight = (images[i][0][2][2] - b) / (a - b);
    CHECK(weight > 0);
    CHECK(weight < 1);
    CHECK(images[i][0][4][5] ==
          Approx(weight * pixel(dataset, own, 0, 4, 5) + (1 - weight) * pixel(dataset, other, 0, 4, 5)).epsilon(1e-3));
    const float target = batch.targets.accessor<float, 2>()[i][static_cast<std::int64_t>(own % 2)];
    CHECK(target == Approx(own % 2 == other % 2 ? 1 : weight).margin(1e-3));
  }
}

TEST_CASE("label smoothing spreads its share evenly and targets sum to one") {
  const Dataset dataset = numbered_pictures(1);
  const BatchPlan plan = plan_of(dataset, {1, true, 0.3F, 0.3F, 0.3F});
  const Batch batch = make_batch(plan, epoch_order(plan, 4), 8);
  CHECK(torch::allclose(batch.targets.sum(1), torch::ones({5})));
  CHECK(torch::allclose(batch.targets.select(1, 2), torch::full({5}, 0.1)));
}

TEST_CASE("pictures without labels have the same batches, without targets") {
  const Dataset labelled = numbered_pictures(1);
  Dataset dataset = labelled;
  dataset.classes.clear();
  const Augmentation augmentation{1, true, 0.3F, 0.3F, 0.1F};
  const Batch batch = make_batch(plan_of(dataset, augmentation), epoch_order(plan_of(dataset, augmentation), 0), 1);
  const Batch same = make_batch(plan_of(labelled, augmentation), epoch_order(plan_of(dataset, augmentation), 0), 1);
  CHECK(torch::equal(batch.images, same.images));
  CHECK(batch.targets.sizes() == torch::IntArrayRef({5, 0}));
}

TEST_CASE("the queue gives the batches of its steps, from wherever it starts") {
  const Dataset dataset = numbered_pictures(1);
  const BatchPlan plan = plan_of(dataset, {1, true, 0.3F, 0.3F, 0.1F});
  BatchQueue queue(plan, 3, 9);
  for (std::uint64_t step = 3; step < 9; ++step) {
    const Batch direct = make_batch(plan, epoch_order(plan, step / 2), step);
    const Batch queued = queue.pop();
    CHECK(torch::equal(direct.images, queued.images));
    CHECK(torch::equal(direct.targets, queued.targets));
  }
  BatchQueue abandoned(plan, 0, 1000); // its worker waits for room and must end with it
}

TEST_CASE("evaluation sees the pictures unchanged and normalized") {
  Dataset dataset = numbered_pictures();
  const Normalization normalization{{{0.5F, 0.25F, 0}, {0.5F, 0.1F, 1}}};
  const torch::Tensor images = plain_images(dataset.train, normalization, 7, 2);
  REQUIRE(images.sizes() == torch::IntArrayRef({2, 3, kSize, kSize}));
  const auto values = images.accessor<float, 4>();
  CHECK(values[1][0][3][2] == Approx((pixel(dataset, 8, 0, 3, 2) / 255 - 0.5F) / 0.5F));
  CHECK(values[1][1][3][2] == Approx((pixel(dataset, 8, 1, 3, 2) / 255 - 0.25F) / 0.1F));
  CHECK(values[0][2][0][5] == Approx(pixel(dataset, 7, 2, 0, 5) / 255));
}
