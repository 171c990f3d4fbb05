#include "models/import/timm_source.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

#include "models/import/tensors.hpp"

namespace intvit::importer {

namespace {

std::string text(int value) {
  return std::to_string(value);
}

std::string text(const std::vector<int> &values) {
  return shape_text({values.begin(), values.end()});
}

template <typename T>
void agree(const TimmSource &source, const char *what, const T &actual, const std::optional<T> &configured,
           const std::optional<T> &architecture_value) {
  const auto refuse = [&](const T &declared, const std::string &by) {
    if (actual != declared)
      throw std::runtime_error(std::string(what) + " is " + text(actual) + " by the tensors, but " + text(declared) +
                               " by " + by);
  };
  if (configured)
    refuse(*configured, source.config_path);
  else if (architecture_value)
    refuse(*architecture_value, "architecture " + common_config(*source.architecture).architecture);
}

} // namespace

bool TimmSource::has_ending(std::string_view prefix, std::string_view suffix) const {
  return std::any_of(files.tensors().begin(), files.tensors().end(), [&](const auto &entry) {
    return entry.first.starts_with(prefix) && entry.first.ends_with(suffix);
  });
}

void TimmSource::refuse_foreign_parts() const {
  struct Part {
    std::string_view tensor; // a piece of its name
    const char *meaning;
  };
  static constexpr std::array parts = {
      Part{".attn.q_norm.", "queries and keys are normalized"},
      Part{".attn.rel_pos_", "attention within windows has relative positions"},
      Part{".meta_mlp.", "position biases are a network of another form"},
      Part{".attn.lambda_", "attention is differential"},
      Part{".attns.", "the branches of a block are parallel"},
      Part{".in_proj.", "the branches of a block are parallel"},
      Part{".mlp.w1.", "the MLP is gated (SwiGLU)"},
      Part{".mlp.w12.", "the MLP is gated (SwiGLU)"},
      Part{"patch_embed.backbone.", "patches are taken of a convolutional network's output"},
      Part{"patch_embed.mlp.", "patches are embedded by an MLP"},
  };
  for (const auto &[name, view] : files.tensors())
    for (const Part &part : parts)
      if (name.find(part.tensor) != std::string::npos)
        throw std::runtime_error("tensor " + name + " tells that " + part.meaning + ", which cannot be imported");
}

int TimmSource::dimension(const std::string &name, std::size_t rank, std::size_t index) const {
  const TensorView *tensor = files.find(name);
  if (tensor == nullptr)
    throw std::runtime_error("tensor " + name + " is missing: not a model under timm's names that can be imported");
  if (tensor->shape.size() != rank)
    throw std::runtime_error("tensor " + name + " has shape " + shape_text(tensor->shape) + ", must have " +
                             std::to_string(rank) + " dimensions");
  const std::int64_t size = tensor->shape[index];
  if (size < 1 || size > 1 << 24)
    throw std::runtime_error("tensor " + name + " has shape " + shape_text(tensor->shape) + ", which no model has");
  return static_cast<int>(size);
}

std::pair<int, int> TimmSource::patch_embedding() const {
  const std::string name = "patch_embed.proj.weight";
  const int colours = dimension(name, 4, 1);
  if (colours != 3 && colours != 1 && dimension(name, 4, 2) == dimension(name, 4, 3))
    throw std::runtime_error("tensor " + name + " has shape " + shape_text(files.find(name)->shape) +
                             ": the model takes pictures of " + std::to_string(colours) +
                             " channels; only models of RGB (3) and of grey pictures (1) can be imported");
  return {dimension(name, 4, 0), dimension(name, 4, 2)};
}

int TimmSource::colours() const {
  return has("patch_embed.proj.weight") && dimension("patch_embed.proj.weight", 4, 1) == 1 ? 1 : 3;
}

int TimmSource::count(const std::string &prefix) const {
  int result = 0;
  for (auto entry = files.tensors().lower_bound(prefix);
       entry != files.tensors().end() && entry->first.starts_with(prefix); ++entry) {
    const std::string &name = entry->first;
    int index = 0;
    if (std::from_chars(name.data() + prefix.size(), name.data() + name.size(), index).ec == std::errc() &&
        index < 1 << 16)
      result = std::max(result, index + 1);
  }
  return result;
}

void TimmSource::require_agreement(const char *what, int actual, const std::optional<int> &configured,
                                   const std::optional<int> &architecture_value) const {
  agree(*this, what, actual, configured, architecture_value);
}

void TimmSource::require_agreement(const char *what, const std::vector<int> &actual,
                                   const std::optional<std::vector<int>> &configured,
                                   const std::optional<std::vector<int>> &architecture_value) const {
  agree(*this, what, actual, configured, architecture_value);
}

int TimmSource::classes(const std::string &name) const {
  std::optional<int> declared = config.classes;
  if (!declared && architecture)
    declared = common_config(*architecture).classes;
  if (!has(name) && declared.value_or(0) == 0)
    return 0;
  const int classes = dimension(name, 2, 0);
  if (config.classes && *config.classes != classes)
    throw std::runtime_error("number of classes is " + std::to_string(classes) + " by the tensors, but " +
                             std::to_string(*config.classes) + " by " + config_path);
  return classes;
}

void TimmSource::read_preprocessing(ModelConfig &model) const {
  model.mean = config.mean.value_or(model.mean);
  model.std = config.std.value_or(model.std);
  model.crop_pct = config.crop_pct.value_or(model.crop_pct);
  model.crop_mode = config.crop_mode.value_or(model.crop_mode);
  model.interpolation = config.interpolation.value_or(model.interpolation);
  require_agreement("number of channels of pictures", colours(), config.colours, std::nullopt);
  if (colours() == 1) {
    model.color = Recipe::Color::grey;
    require_grey_pixels(model, "config.json beside the weights must give a number each, as in "
                               "{\"pretrained_cfg\": {\"mean\": [0.5], \"std\": [0.5]}}");
  }
}

} // namespace intvit::importer
