#include "models/architectures/registry.hpp"

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace intvit {

namespace {

template <class... Models> std::vector<ArchitectureConfig> known_of(const std::variant<Models...> *) {
  std::vector<ArchitectureConfig> all;
  const auto append = [&](const auto &known) { all.insert(all.end(), known.begin(), known.end()); };
  (append(Models::Config::known()), ...);
  return all;
}

} // namespace

std::span<const ArchitectureConfig> known_architectures() {
  static const std::vector<ArchitectureConfig> architectures = known_of(static_cast<const FloatModel *>(nullptr));
  return architectures;
}

std::optional<ArchitectureConfig> find_architecture(std::string_view name) {
  const std::string_view without_tag = name.substr(0, name.find('.'));
  const std::string_view rest = name.substr(without_tag.size());
  const std::string_view tag = rest.empty() ? rest : rest.substr(1, rest.find('.', 1) - 1);
  for (const ArchitectureConfig &known : known_architectures())
    if (common_config(known).architecture == without_tag) {
      ArchitectureConfig config = known;
      std::visit([&](auto &model) { use_tag(tag, model); }, config);
      return config;
    }
  return std::nullopt;
}

void refuse_foreign(std::string_view name) {
  struct Foreign {
    std::string_view piece; // of the names
    const char *part;
  };
  static constexpr std::array foreign = {
      Foreign{"_rpn_", "norms behind the branches of a block"},
      Foreign{"_xp_", "parallel branches in a block"},
      Foreign{"18x2", "parallel branches in a block"},
      Foreign{"pwee", "parallel branches in a block"},
      Foreign{"dwee", "differential attention"},
      Foreign{"dlittle", "differential attention"},
      Foreign{"eva02_enormous", "norms behind the branches of a block"},
      Foreign{"sapiens", "norms of queries and keys"},
      Foreign{"rope", "rotary positions of another form"},
      Foreign{"swinv2_cr", "position biases of a network of another form"},
      Foreign{"samvit", "windows with relative positions"},
      Foreign{"_resnet", "a convolutional stem"},
      Foreign{"_mci_", "a convolutional stem"},
      Foreign{"cait_", "attention whose heads are mixed"},
      Foreign{"xcit_", "attention between channels"},
      Foreign{"volo_", "outlook attention"},
      Foreign{"tiny_vit", "convolutions between its blocks"},
      Foreign{"mobilevit", "convolutions between its blocks"},
      Foreign{"levit", "convolutions, and keys and values of different sizes"},
      Foreign{"efficientformer", "convolutions between its blocks"},
      Foreign{"pvt_v2", "keys of a grid that convolutions make smaller"},
      Foreign{"hiera", "queries that are pooled between stages"},
      Foreign{"convit", "attention with gates between contents and positions"},
      Foreign{"crossvit", "two branches with patches of different sizes"},
      Foreign{"twins", "keys of a grid that convolutions make smaller"},
  };
  for (const Foreign &entry : foreign)
    if (name.find(entry.piece) != std::string_view::npos)
      throw std::runtime_error("architecture \"" + std::string(name) + "\" has " + entry.part +
                               ", which cannot be imported");
}

ArchitectureConfig architecture(std::string_view name) {
  if (std::optional<ArchitectureConfig> config = find_architecture(name))
    return *std::move(config);
  refuse_foreign(name);
  std::string message = "unknown architecture \"" + std::string(name) + "\"; known are:";
  for (const ArchitectureConfig &config : known_architectures())
    message += " " + common_config(config).architecture;
  throw std::runtime_error(message);
}

} // namespace intvit
