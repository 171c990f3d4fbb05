#include "models/inspect/token_groups.hpp"

#include <cstring>
#include <numeric>
#include <stdexcept>

#include "engine/container/utf8.hpp"
#include "kernels/token_merging.hpp"

namespace intvit {

std::vector<int> matching_values(const Program &program) {
  std::vector<int> values;
  for (std::size_t node = 0; node < program.nodes.size(); ++node)
    if (program.nodes[node].as<BoundMatchTokens>() != nullptr)
      values.push_back(static_cast<int>(node) + 1);
  return values;
}

std::map<int, TokenRows> token_rows(const Program &program, const ObservedRun &run) {
  std::map<int, TokenRows> result;
  for (const int value : matching_values(program)) {
    const BoundNode &node = program.nodes[static_cast<std::size_t>(value) - 1];
    const ValueInfo &info = program.values[static_cast<std::size_t>(value)];
    std::vector<std::int32_t> group(static_cast<std::size_t>(info.columns));
    std::memcpy(group.data(), run.value(value).data(), group.size() * sizeof(std::int32_t));
    TokenRows rows;
    if (node.inputs.size() > 1) {
      rows.row = result.at(node.inputs[1]).row;
    } else {
      rows.row.resize(group.size());
      std::iota(rows.row.begin(), rows.row.end(), 0);
    }
    rows.size.resize(static_cast<std::size_t>(info.groups));
    for (int &row : rows.row) {
      row = group[static_cast<std::size_t>(row)];
      ++rows.size[static_cast<std::size_t>(row)];
    }
    result.emplace(value, std::move(rows));
  }
  return result;
}

PatchGroups patch_groups(const std::shared_ptr<const Model> &model, const Image &image) {
  const Program &program = model->program();
  const std::vector<int> matchings = matching_values(program);
  if (matchings.empty())
    throw std::runtime_error("the model merges no tokens (intvit quantize --speed-up makes one that does)");
  PatchGroups result;
  int prefix = 0;
  for (const BoundNode &node : program.nodes) {
    if (const auto *patches = node.as<BoundPatches>()) {
      result.grid_height = model->image_height() / patches->patch;
      result.grid_width = model->image_width() / patches->patch;
    }
    if (const auto *embed = node.as<BoundPatchEmbed>())
      prefix = embed->prefix_rows;
  }
  ObservedRun run(model, matchings);
  run.run(image);
  const TokenRows last = token_rows(program, run).at(matchings.back());
  if (static_cast<int>(last.row.size()) != prefix + result.grid_height * result.grid_width)
    throw std::runtime_error("node " +
                             quoted_for_message(program.nodes[static_cast<std::size_t>(matchings.back()) - 1].name) +
                             " merges tokens that are not the image's patches");
  result.group.assign(last.row.begin() + prefix, last.row.end());
  result.tokens = static_cast<int>(last.size.size());
  return result;
}

} // namespace intvit
