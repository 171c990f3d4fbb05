#include "train/batches.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "train/random.hpp"

namespace intvit::train {

namespace {

constexpr std::size_t kAhead = 4;

// Copies size x size pixels from anywhere in a picture of side x side, perhaps mirrored.
void crop_and_flip(const std::uint8_t *from, int side, int size, bool flip, Random random, std::uint8_t *to) {
  const auto places = static_cast<std::uint32_t>(side - size + 1);
  const auto left = static_cast<std::ptrdiff_t>(random.below(places));
  const auto top = static_cast<std::ptrdiff_t>(random.below(places));
  const bool mirror = flip && random.below(2) == 1;
  for (std::ptrdiff_t y = 0; y < size; ++y)
    for (std::ptrdiff_t x = 0; x < size; ++x, to += 3)
      std::copy_n(from + ((y + top) * side + left + (mirror ? size - 1 - x : x)) * 3, 3, to);
}

// How a picture is mixed with its partner: outside the rectangle `weight` of its own, inside it none.
struct Mix {
  float weight = 1; // share of its own pixels in the blend
  int left = 0, top = 0, right = 0, bottom = 0;
  float label_share = 1; // share of its own label
};

Mix draw_mix(const Augmentation &augmentation, int size, Random random) {
  Mix mix;
  const float kind = random.uniform();
  const float share = random.uniform();
  if (kind < augmentation.mixup) {
    mix.weight = share;
    mix.label_share = share;
  } else if (kind < augmentation.mixup + augmentation.cutmix) {
    // A rectangle of area 1 - share around a random centre, clipped at the border.
    const int side = static_cast<int>(std::sqrt(1 - share) * static_cast<float>(size));
    const int x = static_cast<int>(random.below(static_cast<std::uint32_t>(size))) - side / 2;
    const int y = static_cast<int>(random.below(static_cast<std::uint32_t>(size))) - side / 2;
    mix.left = std::max(x, 0);
    mix.top = std::max(y, 0);
    mix.right = std::min(x + side, size);
    mix.bottom = std::min(y + side, size);
    const int area = (mix.right - mix.left) * (mix.bottom - mix.top);
    mix.label_share = 1 - static_cast<float>(area) / static_cast<float>(size * size);
  }
  return mix;
}

void write_planes(const std::uint8_t *own, const std::uint8_t *other, const Mix &mix, int size,
                  const Normalization &normalization, float *to) {
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(y) * size + x) * 3 + c;
        const bool pasted = x >= mix.left && x < mix.right && y >= mix.top && y < mix.bottom;
        const float weight = pasted ? 0 : mix.weight;
        const float byte = weight * static_cast<float>(own[at]) + (1 - weight) * static_cast<float>(other[at]);
        *to++ = normalization(c, byte);
      }
    }
  }
}

torch::Tensor image_tensor(std::size_t count, int size) {
  return torch::empty({static_cast<std::int64_t>(count), 3, size, size}, torch::kFloat32);
}

} // namespace

torch::Tensor plain_images(const Split &split, const Normalization &normalization, std::size_t first,
                           std::size_t count) {
  torch::Tensor images = image_tensor(count, split.side);
  auto *to = images.data_ptr<float>();
  for (std::size_t i = first; i < first + count; ++i, to += split.picture_bytes()) {
    const std::uint8_t *picture = split.pixels.data() + i * split.picture_bytes();
    write_planes(picture, picture, Mix{}, split.side, normalization, to);
  }
  return images;
}

std::vector<std::uint32_t> epoch_order(const BatchPlan &plan, std::uint64_t epoch) {
  std::vector<std::uint32_t> order(plan.dataset->train.size());
  std::iota(order.begin(), order.end(), 0U);
  Random random(plan.seed, Purpose::shuffle, epoch, 0);
  for (std::size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  return order;
}

Batch make_batch(const BatchPlan &plan, const std::vector<std::uint32_t> &order, std::uint64_t step) {
  const Dataset &dataset = *plan.dataset;
  const std::uint64_t epoch = step / plan.steps_per_epoch();
  const std::size_t first = static_cast<std::size_t>(step % plan.steps_per_epoch()) * plan.batch_size;
  const auto size = static_cast<std::size_t>(dataset.image_size);
  const std::size_t bytes = size * size * 3;
  const std::size_t classes = dataset.classes.size();

  std::vector<std::uint8_t> cropped(plan.batch_size * bytes);
  for (std::size_t i = 0; i < plan.batch_size; ++i) {
    const std::uint32_t sample = order[first + i];
    crop_and_flip(dataset.train.pixels.data() + sample * dataset.train.picture_bytes(), dataset.train.side,
                  dataset.image_size, plan.augmentation.flip, Random(plan.seed, Purpose::crop, epoch, sample),
                  cropped.data() + i * bytes);
  }

  Batch batch;
  batch.images = image_tensor(plan.batch_size, dataset.image_size);
  batch.targets = torch::full({static_cast<std::int64_t>(plan.batch_size), static_cast<std::int64_t>(classes)},
                              plan.augmentation.label_smoothing / static_cast<float>(std::max<std::size_t>(classes, 1)),
                              torch::kFloat32);
  auto *images = batch.images.data_ptr<float>();
  auto *targets = batch.targets.data_ptr<float>();
  for (std::size_t i = 0; i < plan.batch_size; ++i, images += bytes, targets += classes) {
    // The partner is the next picture of the batch, which the shuffle has made a random one.
    const std::size_t partner = (i + 1) % plan.batch_size;
    const std::uint32_t sample = order[first + i];
    const Mix mix = draw_mix(plan.augmentation, dataset.image_size, Random(plan.seed, Purpose::mix, epoch, sample));
    write_planes(cropped.data() + i * bytes, cropped.data() + partner * bytes, mix, dataset.image_size,
                 plan.normalization, images);
    if (classes == 0)
      continue;
    const float kept = 1 - plan.augmentation.label_smoothing;
    targets[dataset.train.labels[sample]] += kept * mix.label_share;
    targets[dataset.train.labels[order[first + partner]]] += kept * (1 - mix.label_share);
  }
  return batch;
}

BatchQueue::BatchQueue(BatchPlan plan, std::uint64_t first, std::uint64_t last)
    : plan_(plan), worker_([this, first, last] { work(first, last); }) {}

BatchQueue::~BatchQueue() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  worker_.join();
}

void BatchQueue::work(std::uint64_t first, std::uint64_t last) {
  try {
    std::vector<std::uint32_t> order;
    for (std::uint64_t step = first; step < last; ++step) {
      if (order.empty() || step % plan_.steps_per_epoch() == 0)
        order = epoch_order(plan_, step / plan_.steps_per_epoch());
      Batch batch = make_batch(plan_, order, step);
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stop_ || ready_.size() < kAhead; });
      if (stop_)
        return;
      ready_.push_back(std::move(batch));
      changed_.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    changed_.notify_all();
  }
}

Batch BatchQueue::pop() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return failure_ != nullptr || !ready_.empty(); });
  if (ready_.empty())
    std::rethrow_exception(failure_);
  Batch batch = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  return batch;
}

} // namespace intvit::train
