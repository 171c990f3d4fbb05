#include "engine/runtime/model.hpp"

#include <algorithm>

namespace intvit {

namespace {

// Every value's lifetime in steps, a step being a node. The image is the caller's and takes no place.
std::vector<Lifetime> lifetimes(const Program &program) {
  std::vector<Lifetime> result(program.values.size());
  for (std::size_t i = 0; i < program.nodes.size(); ++i) {
    const int step = static_cast<int>(i);
    const BoundNode &node = program.nodes[i];
    Lifetime &output = result[i + 1];
    output = {program.values[i + 1].bytes(), step, step};
    for (const int input : node.inputs)
      result[static_cast<std::size_t>(input)].last_step = step;
  }
  result.front().bytes = 0;
  for (const int value : {program.features, program.patch_tokens.value})
    if (value != 0) // read after the run
      result[static_cast<std::size_t>(value)].last_step = static_cast<int>(program.nodes.size()) - 1;
  return result;
}

// Whether all values at once are within max_planned_bytes. The elements of a value are below 2^62, and its bytes are
// compared with what is left before they are computed.
bool can_be_planned(const Program &program) {
  std::uint64_t left = max_planned_bytes;
  for (const ValueInfo &value : program.values) {
    const std::uint64_t elements = static_cast<std::uint64_t>(value.rows) * static_cast<std::uint64_t>(value.columns);
    const std::uint64_t size = kernels::element_size(value.type);
    if (left < buffer_alignment || elements > (left - buffer_alignment) / size)
      return false;
    left -= elements * size + buffer_alignment;
  }
  return true;
}

// Panels are whole, so the packed weights of a map with few outputs are many times those of the file. A model of which
// they are most is no model, but a small file that fills the memory.
constexpr std::uint64_t packed_times_file = 8;
constexpr std::uint64_t packed_besides = std::uint64_t{1} << 28;

std::uint64_t packed_bytes_of(const Program &program, const kernels::LinearKernel &kernel) {
  std::uint64_t bytes = 0;
  for (const BoundNode &node : program.nodes)
    if (const std::optional<LinearMap> &map = node.operation->linear_map; map.has_value()) {
      const kernels::WeightsView weights = map->weights.view();
      bytes += kernel.formats[weights.format].packed_bytes(weights);
    }
  return bytes;
}

// False where there is no memory for them.
bool pack(const LinearMap &map, const kernels::LinearKernel &kernel, AlignedBuffer &packed) {
  const kernels::WeightsView weights = map.weights.view();
  const kernels::PackedFormat &format = kernel.formats[weights.format];
  packed = AlignedBuffer(format.packed_bytes(weights));
  if (packed.data() == nullptr)
    return false;
  format.pack(weights, map.requantization.view(), packed.data());
  return true;
}

} // namespace

bool fits_batch(const Program &program, int batch) {
  return std::all_of(program.values.begin(), program.values.end(), [&](const ValueInfo &value) {
    return std::max(static_cast<long long>(value.rows) * 1024, static_cast<long long>(value.columns)) * batch <=
           std::numeric_limits<int>::max();
  });
}

std::int64_t work_of(const Program &program) {
  constexpr std::int64_t per_element = 16;
  std::int64_t work = 0;
  // A count is at most that of one node, below 2^62 by the loader's limits on rows and columns.
  const auto add = [&work](std::int64_t count) { work = count > any_work - work ? any_work : work + count; };
  for (std::size_t i = 0; i < program.nodes.size(); ++i) {
    const ValueInfo &output = program.values[i + 1];
    add(program.nodes[i].operation->multiply_accumulates(output.rows));
    add(per_element * output.rows * output.columns);
  }
  return work;
}

int Model::feature_value() const {
  return has_head() ? program_.features : static_cast<int>(program_.values.size()) - 1;
}

int Model::features() const {
  return feature_value() == 0 ? 0 : program_.values[static_cast<std::size_t>(feature_value())].columns;
}

int Model::feature_fraction_bits() const {
  return has_head() ? program_.feature_fraction_bits : program_.logit_fraction_bits;
}

std::size_t Model::packed_bytes() const {
  std::size_t bytes = 0;
  for (const AlignedBuffer &packed : packed_)
    bytes += packed.size();
  return bytes;
}

Result<std::shared_ptr<const Model>> Model::open(const std::string &path, const kernels::KernelTable &kernels,
                                                 std::int64_t max_work) {
  Result<ModelFile> file = ModelFile::open(path);
  if (!file.ok())
    return file.status();
  return create(*file, kernels, max_work);
}

Result<std::shared_ptr<const Model>> Model::create(const ModelFile &file, const kernels::KernelTable &kernels,
                                                   std::int64_t max_work) {
  Result<Program> program = file.bind();
  if (!program.ok())
    return program.status();
  if (const std::int64_t work = work_of(*program); work > max_work)
    return Status(StatusCode::unsupported, file.origin() + ": an image takes " + std::to_string(work / 1'000'000'000) +
                                               "e9 multiply-accumulates, more than the limit of " +
                                               std::to_string(max_work / 1'000'000'000) + "e9");
  if (!can_be_planned(*program))
    return Status(StatusCode::out_of_memory, file.origin() + ": the model's values are beyond this processor's memory");
  if (!fits_batch(*program, 1))
    return Status(StatusCode::unsupported,
                  file.origin() + ": a value of the model has too many rows or columns to run");
  const std::uint64_t packed_size = packed_bytes_of(*program, kernels.linear);
  if (packed_size > packed_times_file * file.tensors().bytes().size() + packed_besides)
    return Status(StatusCode::unsupported, file.origin() + ": its weights would take " + std::to_string(packed_size) +
                                               " bytes of memory, many times those of the file");

  const std::shared_ptr<Model> model(new Model);
  model->kernels_ = &kernels;
  model->program_ = std::move(*program);
  model->labels_ = file.description().labels;
  model->recipe_ = file.description().recipe;
  model->plan_ = plan_arena(lifetimes(model->program_));
  for (BoundNode &node : model->program_.nodes) {
    AlignedBuffer &packed = model->packed_.emplace_back();
    if (std::optional<LinearMap> &map = node.operation->linear_map; map.has_value()) {
      if (!pack(*map, kernels.linear, packed))
        return Status(StatusCode::out_of_memory, file.origin() + ": no memory for the packed weights");
      // The kernels read the packed copies only.
      map->weights.release();
      map->requantization.multiplier = {};
      map->requantization.offset = {};
    }
  }
  return std::shared_ptr<const Model>(model);
}

} // namespace intvit
