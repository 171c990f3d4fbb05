#include "models/architectures/registry.hpp"

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

ArchitectureConfig architecture(std::string_view name) {
  if (std::optional<ArchitectureConfig> config = find_architecture(name))
    return *std::move(config);
  std::string message = "unknown architecture \"" + std::string(name) + "\"; known are:";
  for (const ArchitectureConfig &config : known_architectures())
    message += " " + common_config(config).architecture;
  throw std::runtime_error(message);
}

} // namespace intvit
