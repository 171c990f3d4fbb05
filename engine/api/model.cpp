// The functions of intvit.h about models, versions and instruction sets.
#include <cstddef>
#include <cstdlib>

#include "engine/api/handles.hpp"
#include "engine/api/options.hpp"
#include "engine/api/status.hpp"
#include "engine/container/file_io.hpp"

namespace intvit::api {

namespace {

#define INTVIT_TEXT_OF(number) #number
#define INTVIT_TEXT(number) INTVIT_TEXT_OF(number)
constexpr const char *version =
    INTVIT_TEXT(INTVIT_VERSION_MAJOR) "." INTVIT_TEXT(INTVIT_VERSION_MINOR) "." INTVIT_TEXT(INTVIT_VERSION_PATCH);

std::string available() {
  std::string names;
  for (const kernels::KernelTable &table : kernels::available_kernels())
    names += (names.empty() ? "" : ", ") + std::string(table.name);
  return names;
}

Result<const kernels::KernelTable *> choose_kernels(const char *isa, const Log &log) {
  if (isa != nullptr) {
    if (const kernels::KernelTable *table = kernels::find_kernels(isa))
      return table;
    return Status(StatusCode::unsupported,
                  "instruction set \"" + std::string(isa) + "\" is not available here; there are: " + available());
  }
  if (const char *asked = std::getenv("INTVIT_ISA");
      asked != nullptr && *asked != '\0' && kernels::find_kernels(asked) == nullptr)
    log(INTVIT_LOG_WARNING,
        "INTVIT_ISA: \"" + std::string(asked) + "\" is not available here; there are: " + available());
  return &kernels::default_kernels();
}

// A model file, either at a path or in memory.
struct Source {
  const char *path;
  const void *bytes;
  std::size_t size;

  Result<ModelFile> read() const {
    if (path != nullptr)
      return ModelFile::open(path);
    if (bytes == nullptr)
      return Status(StatusCode::bad_argument, "the model's path, or the place of its bytes, is null");
    if (std::uint64_t{size} > std::uint64_t{max_file_size})
      return Status(StatusCode::bad_format, "model in memory: " + std::to_string(size) + " bytes, at most " +
                                                std::to_string(max_file_size) + " are read");
    const auto *first = static_cast<const std::byte *>(bytes);
    return ModelFile::parse({first, first + size}, "model in memory");
  }
};

Status load(const Source &source, const intvit_model_options *given, intvit_model **result) {
  if (result == nullptr)
    return Status(StatusCode::bad_argument, "there is no place for the model: the pointer to it is null");
  *result = nullptr;
  intvit_model_options options = intvit_default_model_options();
  if (Status status =
          take_options(given, offsetof(intvit_model_options, max_work), "intvit_default_model_options()", options);
      !status.ok())
    return status;
  const Log log{options.log, options.log_context};
  const Result<const kernels::KernelTable *> kernels = choose_kernels(options.isa, log);
  if (!kernels.ok())
    return kernels.status();
  Result<ModelFile> file = source.read();
  if (!file.ok())
    return file.status();
  if (options.max_work < 0)
    return Status(StatusCode::bad_argument, "max_work is below 0");
  Result<std::shared_ptr<const Model>> model =
      Model::create(*file, **kernels, options.max_work == 0 ? default_max_work : options.max_work);
  if (!model.ok())
    return model.status();
  const auto &loaded = *model;
  log(INTVIT_LOG_INFO, file->origin() + ": loaded for " + loaded->kernels().name + ", " +
                           std::to_string(loaded->packed_bytes()) + " bytes of weights");
  *result = new intvit_model{loaded, to_string(loaded->recipe()), log};
  return {};
}

} // namespace

} // namespace intvit::api

using namespace intvit;

extern "C" {

const char *intvit_version(void) {
  return api::version;
}

int intvit_isa_count(void) {
  return static_cast<int>(kernels::available_kernels().size());
}

const char *intvit_isa_name(int index) {
  return index >= 0 && index < intvit_isa_count() ? kernels::available_kernels()[static_cast<std::size_t>(index)].name
                                                  : nullptr;
}

intvit_status intvit_model_open(const char *path, const intvit_model_options *options, intvit_model **model,
                                intvit_error *error) {
  return api::guarded(error, [&] { return api::load({path, nullptr, 0}, options, model); });
}

intvit_status intvit_model_from_memory(const void *bytes, size_t size, const intvit_model_options *options,
                                       intvit_model **model, intvit_error *error) {
  return api::guarded(error, [&] { return api::load({nullptr, bytes, size}, options, model); });
}

void intvit_model_free(intvit_model *model) {
  delete model;
}

int intvit_model_width(const intvit_model *model) {
  return model->model->image_width();
}

int intvit_model_height(const intvit_model *model) {
  return model->model->image_height();
}

intvit_outputs intvit_model_outputs(const intvit_model *model) {
  switch (model->model->result_kind()) {
  case ResultKind::labels:
    return INTVIT_OUTPUTS_LABELS;
  case ResultKind::scores:
    return INTVIT_OUTPUTS_SCORES;
  case ResultKind::embedding:
    return INTVIT_OUTPUTS_FEATURES;
  case ResultKind::logits:
    break;
  }
  return INTVIT_OUTPUTS_CLASSES;
}

int intvit_model_classes(const intvit_model *model) {
  return model->model->has_head() ? model->model->classes() : 0;
}

int intvit_model_features(const intvit_model *model) {
  return model->model->features();
}

int intvit_model_token_rows(const intvit_model *model) {
  return model->model->patch_tokens().grid_height;
}

int intvit_model_token_columns(const intvit_model *model) {
  return model->model->patch_tokens().grid_width;
}

int intvit_model_token_channels(const intvit_model *model) {
  return model->model->patch_tokens().channels;
}

int intvit_model_token_fraction_bits(const intvit_model *model) {
  return model->model->patch_tokens().fraction_bits;
}

int intvit_model_fraction_bits(const intvit_model *model) {
  return model->model->logit_fraction_bits();
}

int intvit_model_feature_fraction_bits(const intvit_model *model) {
  return model->model->feature_fraction_bits();
}

const char *intvit_model_label(const intvit_model *model, int index) {
  const std::vector<std::string> &labels = model->model->labels();
  return index >= 0 && static_cast<std::size_t>(index) < labels.size() ? labels[static_cast<std::size_t>(index)].c_str()
                                                                       : nullptr;
}

const char *intvit_model_recipe(const intvit_model *model) {
  return model->recipe.c_str();
}

const char *intvit_model_isa(const intvit_model *model) {
  return model->model->kernels().name;
}

int64_t intvit_model_work(const intvit_model *model) {
  return work_of(model->model->program());
}

size_t intvit_model_weight_bytes(const intvit_model *model) {
  return model->model->packed_bytes();
}

} // extern "C"
