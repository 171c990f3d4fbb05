#include "train/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <torch/torch.h>
#include <utility>
#include <zlib.h>

#include "engine/container/file_io.hpp"
#include "models/program/text.hpp"

namespace intvit::train {

namespace {

constexpr const char *kLogHeader = "epoch,step,learning_rate,train_loss,train_top1,test_loss,test_top1,seconds\n";

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::optional<Teacher> teacher_for(const Options &options) {
  if (!options.distil)
    return std::nullopt;
  return load_teacher(options.init);
}

Dataset dataset_for(const Options &options, const std::optional<Teacher> &teacher) {
  const int border = options.augmentation.padding;
  if (!teacher)
    return load_dataset(options.data, options.model.image_height, border);
  const VitConfig &config = teacher->model.config();
  if (border >= config.image_height)
    throw std::runtime_error("--crop-padding must be below the image size, " + std::to_string(config.image_height));
  Dataset dataset = load_dataset(options.data, config.image_height, border, Labels::optional);
  const auto classes = static_cast<std::size_t>(config.classes);
  const bool same = teacher->labels.empty() ? dataset.classes.size() == classes : dataset.classes == teacher->labels;
  if (!dataset.classes.empty() && !same)
    throw std::runtime_error(options.data + ": the folders in train/ are not the " + std::to_string(classes) +
                             " classes of " + options.init +
                             ": give a folder of pictures without train/CLASS/, such as train/ itself");
  return dataset;
}

VitConfig config_for(const Options &options, const std::optional<Teacher> &teacher, const Dataset &dataset) {
  if (teacher)
    return teacher->model.config();
  VitConfig config = options.model;
  config.classes = static_cast<int>(dataset.classes.size());
  const ChannelStatistics statistics = channel_statistics(dataset);
  config.mean = statistics.mean;
  config.std = statistics.deviation;
  config.crop_pct = 1;
  return config;
}

BatchPlan plan_for(const Options &options, const Dataset &dataset, const Normalization &normalization) {
  if (options.batch_size > dataset.train.size())
    throw std::runtime_error("--batch " + std::to_string(options.batch_size) + ": there are only " +
                             std::to_string(dataset.train.size()) + " training pictures");
  return {&dataset, options.augmentation, normalization, options.seed, options.batch_size};
}

Schedule schedule_for(const Options &options, std::uint64_t steps_per_epoch) {
  const auto steps = [&](double epochs) {
    return static_cast<std::uint64_t>(std::llround(epochs * static_cast<double>(steps_per_epoch)));
  };
  return {options.schedule, options.learning_rate, steps(options.warmup_epochs), steps(options.cooldown_epochs),
          options.epochs * steps_per_epoch};
}

template <class Values> std::uint64_t crc(const Values &values) {
  const auto bytes = std::as_bytes(std::span(values));
  return crc32_z(0, reinterpret_cast<const Bytef *>(bytes.data()), bytes.size());
}

// Of all weights together.
std::uint64_t crc_of(const Vit &model) {
  std::vector<std::uint64_t> of_tensors;
  for (const StateTensor &parameter : model.parameters())
    of_tensors.push_back(
        crc(std::span(parameter.value.data_ptr<float>(), static_cast<std::size_t>(parameter.value.numel()))));
  return crc(of_tensors);
}

// All that decides what a run computes, as a flat object. A wsd run may be given another length until it cools down, so
// its length is not part of it.
nlohmann::json recipe(const Options &o, const VitConfig &m, const std::optional<Teacher> &teacher,
                      const Dataset &dataset) {
  nlohmann::json json = {{"image_size", m.image_height},
                         {"patch", m.patch},
                         {"width", m.channels},
                         {"depth", m.depth},
                         {"heads", m.heads},
                         {"mlp_hidden", m.mlp_hidden},
                         {"classes", dataset.classes},
                         {"train_pictures", dataset.train.size()},
                         {"train_crc32", {crc(dataset.train.pixels), crc(dataset.train.labels)}},
                         {"crop_padding", o.augmentation.padding},
                         {"flip", o.augmentation.flip},
                         {"mixup", o.augmentation.mixup},
                         {"cutmix", o.augmentation.cutmix},
                         {"label_smoothing", o.augmentation.label_smoothing},
                         {"optimizer", o.optimizer == OptimizerKind::muon ? "muon" : "adamw"},
                         {"schedule", o.schedule == ScheduleKind::wsd ? "wsd" : "cosine"},
                         {"lr", o.learning_rate},
                         {"warmup", o.warmup_epochs},
                         {"weight_decay", o.weight_decay},
                         {"clip", o.clip},
                         {"ema", o.ema_decay},
                         {"batch", o.batch_size},
                         {"seed", o.seed},
                         {"precision", o.precision == Precision::bf16 ? "bf16" : "f32"}};
  if (o.schedule == ScheduleKind::cosine)
    json["epochs"] = o.epochs;
  if (o.stlq) {
    json["stlq_ratio"] = o.stlq->ratio;
    json["stlq_lambda"] = o.stlq->lambda;
    json["stlq_fixed"] = o.stlq->fixed;
  }
  if (teacher)
    json["teacher_crc32"] = crc_of(teacher->model);
  return json;
}

// Some of the first training pictures, in batches.
std::vector<torch::Tensor> first_images(const BatchPlan &plan) {
  constexpr std::size_t kEnough = 64;
  const std::vector<std::uint32_t> order = epoch_order(plan, 0);
  std::vector<torch::Tensor> batches;
  while (batches.size() < plan.steps_per_epoch() && batches.size() * plan.batch_size < kEnough)
    batches.push_back(make_batch(plan, order, batches.size()).images);
  return batches;
}

std::vector<StateTensor> trained_weights(const Options &options, const Vit &model) {
  return options.stlq ? weights_behind(model) : model.parameters();
}

} // namespace

torch::Tensor cross_entropy(const torch::Tensor &logits, const torch::Tensor &targets) {
  return -(targets * torch::log_softmax(logits, 1)).sum(1).mean();
}

Score evaluate(const Vit &model, const Split &split, const Normalization &normalization, Precision precision) {
  constexpr std::size_t kBatch = 500;
  const torch::NoGradGuard no_grad;
  Score sum;
  for (std::size_t first = 0; first < split.size(); first += kBatch) {
    const std::size_t count = std::min(kBatch, split.size() - first);
    const std::vector<std::int64_t> labels(split.labels.begin() + static_cast<std::ptrdiff_t>(first),
                                           split.labels.begin() + static_cast<std::ptrdiff_t>(first + count));
    const torch::Tensor label = torch::tensor(labels, torch::kInt64);
    const torch::Tensor logits = model.forward(plain_images(split, normalization, first, count), precision);
    sum.loss -= torch::log_softmax(logits, 1).gather(1, label.unsqueeze(1)).sum().item<double>();
    sum.top1 += logits.argmax(1).eq(label).sum().item<double>();
  }
  const auto count = static_cast<double>(split.size());
  return {sum.loss / count, 100 * sum.top1 / count};
}

Trainer::Trainer(const Options &options, Console &console)
    : options_(options), console_(console), teacher_(teacher_for(options)), dataset_(dataset_for(options, teacher_)),
      config_(config_for(options, teacher_, dataset_)), normalization_{{config_.mean, config_.std}},
      plan_(plan_for(options, dataset_, normalization_)), schedule_(schedule_for(options, plan_.steps_per_epoch())),
      model_(config_, options.seed), average_(config_, options.seed), weights_(trained_weights(options, model_)),
      averages_(trained_weights(options, average_)), optimizer_(weights_, options.optimizer, options.weight_decay) {
  for (const std::vector<StateTensor> *tensors : {&weights_, &averages_}) {
    // What is no matrix of a block is the model's own.
    if (teacher_)
      copy_weights(*teacher_, *tensors);
    else if (!options_.init.empty())
      read_weights(options_.init, config_, *tensors);
  }
  progress_.log = kLogHeader;
  if (options_.stlq)
    stlq_.emplace(*options_.stlq, schedule_, weights_, model_, first_images(plan_));
  if (!options_.resume.empty())
    resume();
  if (stlq_)
    stlq_->write_final_words(averages_, average_);
  progress_.cooldown_start = schedule_.cooldown_start();
  progress_.total_steps = schedule_.total_steps;
}

void Trainer::resume() {
  progress_ = read_checkpoint(options_.resume, checkpoint());
  const bool same_plan =
      progress_.cooldown_start == schedule_.cooldown_start() && progress_.total_steps == schedule_.total_steps;
  if (!same_plan && progress_.step > std::min(progress_.cooldown_start, schedule_.cooldown_start()))
    throw std::runtime_error(
        options_.resume +
        ": --epochs and --cooldown cannot change once the learning rate falls: it was to fall from step " +
        std::to_string(progress_.cooldown_start) + " on, now from " + std::to_string(schedule_.cooldown_start()) +
        ", and " + std::to_string(progress_.step) + " are done (cooldown-start.safetensors is from before)");
}

Checkpoint Trainer::checkpoint() const {
  Checkpoint checkpoint{recipe(options_, config_, teacher_, dataset_), {}};
  const auto add = [&](const std::string &prefix, const std::vector<StateTensor> &tensors) {
    for (const StateTensor &tensor : tensors)
      checkpoint.tensors.push_back({prefix + tensor.name, tensor.value});
  };
  add("weights/", weights_);
  add("average/", averages_);
  add("optimizer/", optimizer_.state());
  if (stlq_)
    add("stlq/", stlq_->state());
  return checkpoint;
}

std::vector<StateTensor> Trainer::result() const {
  std::vector<StateTensor> tensors = average_.parameters();
  if (stlq_)
    for (const StateTensor &unit : stlq_->units())
      tensors.push_back(unit);
  return tensors;
}

void Trainer::save(const char *name) const {
  write_checkpoint(options_.out + "/" + name, checkpoint(), progress_);
}

bool Trainer::run(const std::atomic<bool> &interrupted) {
  std::filesystem::create_directories(options_.out);
  std::int64_t parameters = 0;
  for (const StateTensor &parameter : model_.parameters())
    parameters += parameter.value.numel();
  console_.line(std::to_string(dataset_.train.size()) + " training and " + std::to_string(dataset_.test.size()) +
                " test pictures, " + std::to_string(config_.classes) + " classes; " + std::to_string(parameters) +
                " parameters; " + std::to_string(schedule_.total_steps) + " steps, " + std::to_string(progress_.step) +
                " done");

  const std::uint64_t steps_per_epoch = plan_.steps_per_epoch();
  const auto wanted =
      static_cast<std::uint64_t>(std::llround(options_.stop_after * static_cast<double>(steps_per_epoch)));
  const std::uint64_t stop = options_.stop_after == 0 ? schedule_.total_steps : std::min(schedule_.total_steps, wanted);
  BatchQueue queue(plan_, progress_.step, stop);
  auto last_save = std::chrono::steady_clock::now();
  while (progress_.step < stop && !interrupted) {
    if (schedule_.kind == ScheduleKind::wsd && progress_.step == schedule_.cooldown_start())
      save("cooldown-start.safetensors");
    train_step(queue);
    show();
    const bool epoch_ends = progress_.step % steps_per_epoch == 0;
    if (epoch_ends)
      finish_epoch();
    if (epoch_ends || seconds_since(last_save) > 60 * options_.checkpoint_minutes) {
      save("checkpoint.safetensors");
      last_save = std::chrono::steady_clock::now();
    }
  }
  if (progress_.step % steps_per_epoch != 0)
    save("checkpoint.safetensors");
  if (progress_.step < stop) {
    console_.line("interrupted at step " + std::to_string(progress_.step) + "; go on with --resume " + options_.out +
                  "/checkpoint.safetensors");
    return false;
  }
  if (progress_.step == schedule_.total_steps) {
    if (dataset_.test.size() > 0) {
      const Score last = evaluate(average_, dataset_.test, normalization_, Precision::f32);
      console_.line("in float32: test loss " + fixed(last.loss, 3) + ", top-1 " + fixed(last.top1, 2) + " %");
    }
    if (stlq_ && stlq_->remaining_v() > 0)
      console_.line("v is not 0 yet in " + std::to_string(stlq_->remaining_v()) +
                    " weights, whose second words were cut off in what is written: raise --stlq-lambda");
  }
  return true;
}

void Trainer::train_step(BatchQueue &queue) {
  const auto start = std::chrono::steady_clock::now();
  const Batch batch = queue.pop();
  if (stlq_)
    stlq_->write_words();
  const torch::Tensor targets = teacher_ ? teacher_->probabilities(batch.images, options_.precision) : batch.targets;
  const torch::Tensor logits = model_.forward(batch.images, options_.precision);
  const torch::Tensor loss = cross_entropy(logits, targets);
  const double loss_value = loss.item<double>();
  if (!std::isfinite(loss_value))
    throw std::runtime_error("the loss is no longer finite at step " + std::to_string(progress_.step) +
                             ": lower --lr or lengthen --warmup; the last checkpoint is from before");
  loss.backward();
  if (stlq_)
    stlq_->take_gradients(schedule_.rate(progress_.step));
  optimizer_.clip_gradients(options_.clip);
  optimizer_.update(schedule_.rate(progress_.step), progress_.step);

  const torch::NoGradGuard no_grad;
  const auto done = static_cast<double>(progress_.step);
  // A young average follows faster, so that it forgets the random weights of the start.
  const double decay = std::min(options_.ema_decay, (1 + done) / (10 + done));
  for (std::size_t i = 0; i < weights_.size(); ++i)
    averages_[i].value.lerp_(weights_[i].value, 1 - decay);
  progress_.loss_sum += loss_value;
  progress_.correct += logits.argmax(1).eq(targets.argmax(1)).sum().item<double>();
  ++progress_.step;
  const double seconds = seconds_since(start);
  progress_.seconds += seconds;
  seconds_a_step_ = seconds_a_step_ == 0 ? seconds : 0.95 * seconds_a_step_ + 0.05 * seconds;
}

void Trainer::show() const {
  const std::uint64_t steps_per_epoch = plan_.steps_per_epoch();
  const std::uint64_t in_epoch = (progress_.step - 1) % steps_per_epoch + 1;
  const auto count = static_cast<double>(in_epoch);
  Console::Position position;
  position.epoch = (progress_.step - 1) / steps_per_epoch + 1;
  position.epochs = options_.epochs;
  position.done = count / static_cast<double>(steps_per_epoch);
  position.loss = progress_.loss_sum / count;
  position.top1 = 100 * progress_.correct / (count * static_cast<double>(options_.batch_size));
  position.images_per_second = static_cast<double>(options_.batch_size) / seconds_a_step_;
  position.remaining_seconds = seconds_a_step_ * static_cast<double>(schedule_.total_steps - progress_.step);
  console_.bar(position);
}

void Trainer::finish_epoch() {
  const std::uint64_t steps = plan_.steps_per_epoch();
  const std::uint64_t epoch = progress_.step / steps;
  const double train_loss = progress_.loss_sum / static_cast<double>(steps);
  const double train_top1 = 100 * progress_.correct / static_cast<double>(steps * options_.batch_size);
  progress_.loss_sum = 0;
  progress_.correct = 0;

  if (stlq_)
    stlq_->write_final_words(averages_, average_);
  std::string test = ",";
  std::string text;
  if (dataset_.test.size() > 0 && (epoch % options_.eval_every == 0 || epoch == options_.epochs)) {
    const Score evaluation = evaluate(average_, dataset_.test, normalization_, options_.precision);
    test = fixed(evaluation.loss, 4) + "," + fixed(evaluation.top1, 2);
    text = ", test loss " + fixed(evaluation.loss, 3) + ", top-1 " + fixed(evaluation.top1, 2) + " %";
  }
  const double rate = schedule_.rate(progress_.step - 1);
  progress_.log += std::to_string(epoch) + "," + std::to_string(progress_.step) + "," + fixed(rate, 7) + "," +
                   fixed(train_loss, 4) + "," + fixed(train_top1, 2) + "," + test + "," + fixed(progress_.seconds, 0) +
                   "\n";
  console_.line("epoch " + std::to_string(epoch) + "/" + std::to_string(options_.epochs) + ": loss " +
                fixed(train_loss, 3) + ", top-1 " + fixed(train_top1, 1) + " %" + text +
                (stlq_ ? ", mean v " + fixed(stlq_->mean_v(), 4) : "") + ", " + clock_text(progress_.seconds));
  check(write_file_atomically(options_.out + "/log.csv", std::as_bytes(std::span(progress_.log))));
  write_model(options_.out, config_, result(), labels());
}

} // namespace intvit::train
