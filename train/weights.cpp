#include "train/weights.hpp"

#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <utility>

#include "engine/container/file_io.hpp"

namespace intvit::train {

namespace {

std::string text(const std::vector<std::int64_t> &shape) {
  return nlohmann::json(shape).dump();
}

nlohmann::ordered_json config_json(const VitConfig &config, const std::vector<std::string> &labels) {
  nlohmann::ordered_json json = {{"architecture", "vit_custom"},
                                 {"num_classes", config.classes},
                                 {"model_args",
                                  {{"img_size", config.image_height},
                                   {"patch_size", config.patch},
                                   {"embed_dim", config.channels},
                                   {"depth", config.depth},
                                   {"num_heads", config.heads},
                                   {"mlp_ratio", static_cast<double>(config.mlp_hidden) / config.channels}}},
                                 {"pretrained_cfg",
                                  {{"input_size", {3, config.image_height, config.image_height}},
                                   {"mean", config.mean},
                                   {"std", config.std},
                                   {"crop_pct", config.crop_pct},
                                   {"interpolation", config.interpolation}}}};
  if (config.crop_mode == CropMode::squash)
    json["pretrained_cfg"]["crop_mode"] = "squash";
  if (!labels.empty())
    json["label_names"] = labels;
  return json;
}

} // namespace

void check(const Status &status) {
  if (!status.ok())
    throw std::runtime_error(status.message());
}

SafetensorsFile open_safetensors(const std::string &path) {
  auto file = SafetensorsFile::open(path);
  check(file.status());
  return std::move(*file);
}

void add_tensor(SafetensorsWriter &writer, const std::string &prefix, const StateTensor &tensor) {
  const torch::Tensor value = tensor.value.detach().contiguous();
  const std::span<const float> values(value.data_ptr<float>(), static_cast<std::size_t>(value.numel()));
  check(writer.add_tensor(prefix + tensor.name, DType::f32, value.sizes().vec(), std::as_bytes(values)));
}

void copy_tensor(const SafetensorsFile &file, const std::string &path, const std::string &prefix,
                 const StateTensor &tensor) {
  const std::string name = prefix + tensor.name;
  const TensorView *view = file.find(name);
  if (view == nullptr)
    throw std::runtime_error(path + ": has no tensor " + name);
  if (view->dtype != DType::f32)
    throw std::runtime_error(path + ": " + name + " is not float32");
  if (view->shape != tensor.value.sizes().vec())
    throw std::runtime_error(path + ": " + name + " has shape " + text(view->shape) + ", the model needs " +
                             text(tensor.value.sizes().vec()));
  // Parameters and optimizer state are contiguous from their creation on.
  std::memcpy(tensor.value.data_ptr<float>(), view->bytes.data(), view->bytes.size());
}

void write_model(const std::string &folder, const VitConfig &config, const std::vector<StateTensor> &weights,
                 const std::vector<std::string> &labels) {
  SafetensorsWriter writer;
  for (const StateTensor &weight : weights)
    add_tensor(writer, "", weight);
  const std::string json = config_json(config, labels).dump(2) + "\n";
  check(write_file_atomically(folder + "/config.json", std::as_bytes(std::span(json))));
  check(writer.write(folder + "/model.safetensors"));
}

void read_weights(const std::string &path, const VitConfig &config, const std::vector<StateTensor> &weights) {
  const SafetensorsFile file = open_safetensors(path);
  const TensorView *head = file.find("head.weight");
  const bool other_classes = head != nullptr && !head->shape.empty() && head->shape.front() != config.classes;
  for (const StateTensor &parameter : weights)
    if (!other_classes || parameter.name.rfind("head.", 0) != 0)
      copy_tensor(file, path, "", parameter);
}

} // namespace intvit::train
