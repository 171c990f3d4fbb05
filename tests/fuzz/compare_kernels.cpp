#include "tests/fuzz/compare_kernels.hpp"

#include <algorithm>

#include "engine/runtime/session.hpp"
#include "kernels/dispatch.hpp"

namespace intvit::fuzz {

namespace {

// Threads that run one after the other, the last one first: what they share is cut up as for real ones, in an order
// that shows where one takes for granted what another does.
constexpr ParallelFor backwards = {[](void *, int count, void (*task)(void *, int), void *argument) {
                                     for (int i = count - 1; i >= 0; --i)
                                       task(argument, i);
                                   },
                                   nullptr};

struct Setting {
  int threads;
  int batch;
};
constexpr Setting settings[] = {{1, 1}, {2, 2}, {3, 3}, {5, 2}, {16, 1}};

std::string compare(Session &session, const Setting &setting, const std::vector<Image> &images,
                    const std::vector<std::vector<std::int32_t>> &expected) {
  const auto batch = static_cast<std::size_t>(setting.batch);
  for (std::size_t first = 0; first < images.size(); first += batch) {
    const std::size_t count = std::min(batch, images.size() - first);
    std::vector<const std::uint8_t *> pointers;
    for (std::size_t i = first; i < first + count; ++i)
      pointers.push_back(images[i].rgb.data());
    if (const Status status = session.run(pointers); !status.ok())
      return status.message();
    const std::size_t classes = expected[first].size();
    for (std::size_t i = 0; i < count * classes; ++i)
      if (const std::int32_t wanted = expected[first + i / classes][i % classes]; session.logits()[i] != wanted)
        return "logit " + std::to_string(i % classes) + " of image " + std::to_string(first + i / classes) + " is " +
               std::to_string(session.logits()[i]) + ", must be " + std::to_string(wanted);
  }
  return "";
}

} // namespace

Cost cost(const Program &program) {
  Cost result;
  for (std::size_t i = 0; i < program.nodes.size(); ++i) {
    const ValueInfo &input = program.values[static_cast<std::size_t>(program.nodes[i].input())];
    const ValueInfo &output = program.values[i + 1];
    const auto elements = static_cast<std::uint64_t>(input.rows) * static_cast<std::uint64_t>(input.columns);
    result.bytes += output.bytes();
    result.multiplications += elements;
    if (const auto *attention = program.nodes[i].as<BoundAttention>())
      result.multiplications += elements * static_cast<std::uint64_t>(attention->tokens);
    else if (program.nodes[i].as<BoundLayerNorm>() == nullptr)
      result.multiplications += static_cast<std::uint64_t>(input.rows) * static_cast<std::uint64_t>(input.columns) *
                                static_cast<std::uint64_t>(output.columns);
  }
  return result;
}

std::string compare_kernels(const ModelFile &file, const std::vector<Image> &images,
                            const std::vector<std::vector<std::int32_t>> &expected) {
  for (const kernels::KernelTable &table : kernels::available_kernels()) {
    const Result<std::shared_ptr<const Model>> model = Model::create(file, table);
    if (!model.ok())
      return model.status().message();
    for (const Setting &setting : settings) {
      SessionOptions options{.threads = setting.threads, .max_batch = setting.batch};
      // Real threads (in a build with OpenMP) take long on a busy machine, and are once as good as often.
      const bool real = &table == &kernels::available_kernels().back() && setting.threads == 2;
      if (!real)
        options.parallel_for = backwards;
      Result<Session> session = Session::create(*model, options);
      const std::string difference =
          session.ok() ? compare(*session, setting, images, expected) : session.status().message();
      if (!difference.empty())
        return std::string(table.name) + ", " + std::to_string(setting.threads) + " threads, batch " +
               std::to_string(setting.batch) + ": " + difference;
    }
  }
  return "";
}

} // namespace intvit::fuzz
