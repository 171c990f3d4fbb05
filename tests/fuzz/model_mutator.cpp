#include "tests/fuzz/model_mutator.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "tests/fuzz/json_values.hpp"
#include "tests/fuzz/loose_model.hpp"
#include "tests/fuzz/random_graph.hpp"
#include "tests/support/tiny_model.hpp"

namespace intvit::fuzz {

namespace {

using json = nlohmann::json;
using Tensor = LooseModel::Tensor;

class Mutator : private JsonValues {
public:
  Mutator(LooseModel &model, test::Random &random) : JsonValues(random), model_(model) {}

  void change() {
    switch (below(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return change_node();
    case 4:
    case 5:
      return change_nodes();
    case 6:
    case 7:
      return change_values();
    case 8:
      return change_type_or_shape();
    case 9:
      return resize_tensor();
    case 10:
      return change_tensors();
    default:
      return change_metadata();
    }
  }

private:
  template <typename Container> auto element_of(Container &container) {
    return std::next(container.begin(), static_cast<std::ptrdiff_t>(below(container.size())));
  }
  json changed(const json &value) {
    if (one_in(12))
      return anything();
    if (value.is_number())
      return neighbour(value);
    if (value.is_boolean())
      return !value.get<bool>();
    if (value.is_string())
      return some_word();
    return anything();
  }
  json some_word() {
    if (one_in(2) && has_nodes())
      return element_of(model_.graph["nodes"])->value("name", json());
    return word();
  }

  bool has_nodes() const {
    if (!model_.graph.is_object())
      return false;
    const auto nodes = model_.graph.find("nodes");
    return nodes != model_.graph.end() && nodes->is_array() && !nodes->empty() &&
           std::all_of(nodes->begin(), nodes->end(), [](const json &node) { return node.is_object(); });
  }

  // A field of a node, or of the graph itself.
  void change_node() {
    if (!has_nodes())
      return change_metadata();
    json &object = one_in(8) ? model_.graph : *element_of(model_.graph["nodes"]);
    if (object.empty())
      return;
    const auto field = element_of(object);
    if (field.key() == "nodes")
      return;
    if (one_in(20))
      object.erase(field);
    else if (one_in(20))
      object[word()] = anything();
    else
      *field = changed(*field);
  }

  // The list of nodes: one less, one more, two exchanged.
  void change_nodes() {
    if (!has_nodes())
      return change_metadata();
    json &nodes = model_.graph["nodes"];
    const auto at = element_of(nodes);
    switch (below(5)) {
    case 0:
      nodes.erase(at);
      return;
    case 1: {
      const auto other = element_of(nodes);
      std::swap(*at, *other);
      return;
    }
    case 2: {
      // Its constants are found by the new name.
      json copy = *at;
      const std::string old = copy.value("name", json()).is_string() ? copy["name"].get<std::string>() : "";
      const std::string name = "copy" + std::to_string(below(1000));
      copy["name"] = name;
      std::map<std::string, Tensor> more;
      for (const auto &[key, tensor] : model_.tensors)
        if (key.starts_with(old + "."))
          more.emplace(name + key.substr(old.size()), tensor);
      model_.tensors.merge(more);
      nodes.insert(at, std::move(copy));
      return;
    }
    default:
      return insert_before(nodes, at);
    }
  }

  // An operation without constants between a node and its input.
  void insert_before(json &nodes, json::iterator at) {
    const std::string name = "new" + std::to_string(below(1000));
    json node = {{"name", name}, {"input", at->value("input", json())}};
    switch (below(4)) {
    case 0:
      node["op"] = "flatten";
      break;
    case 1:
      node["op"] = "take_rows";
      node["rows"] = one_in(2) ? json(1 + below(8)) : integer();
      break;
    case 2:
      node["op"] = "merge_patches";
      node["grid_height"] = one_in(2) ? json(2 << below(3)) : integer();
      node["grid_width"] = one_in(2) ? json(2 << below(3)) : integer();
      break;
    default:
      node["op"] = "patches";
      node["patch"] = one_in(2) ? json(1 + below(8)) : integer();
    }
    if (one_in(2))
      (*at)["input"] = name;
    nodes.insert(at, std::move(node));
  }

  // Elements of a tensor, of its own size and at its own ends.
  void change_values() {
    if (model_.tensors.empty())
      return;
    Tensor &tensor = element_of(model_.tensors)->second;
    if (tensor.bytes.empty())
      return;
    const std::string type = tensor.dtype.is_string() ? tensor.dtype.get<std::string>() : "";
    const std::size_t size = type == "I64" ? 8 : type == "I32" ? 4 : type == "I16" ? 2 : 1;
    const std::size_t elements = tensor.bytes.size() / size;
    if (elements == 0)
      return;
    const std::uint64_t ends[] = {0, 1, ~UINT64_C(0), UINT64_C(1) << (8 * size - 1),
                                  (UINT64_C(1) << (8 * size - 1)) - 1};
    const std::uint64_t value = one_in(2) ? random_.bits() : ends[below(std::size(ends))];
    const std::size_t first = below(elements);
    const std::size_t count = one_in(4) ? elements - first : 1;
    for (std::size_t i = first; i < first + count; ++i)
      for (std::size_t byte = 0; byte < size; ++byte)
        tensor.bytes[i * size + byte] = static_cast<char>(value >> (8 * byte) & 0xFF);
  }

  // Without the bytes following suit.
  void change_type_or_shape() {
    if (model_.tensors.empty())
      return;
    Tensor &tensor = element_of(model_.tensors)->second;
    if (one_in(3)) {
      tensor.dtype = changed(tensor.dtype);
    } else if (one_in(3) || !tensor.shape.is_array() || tensor.shape.empty()) {
      tensor.offsets = json::array({integer(), integer()});
    } else if (one_in(4)) {
      tensor.shape.push_back(integer());
    } else {
      const auto dimension = element_of(tensor.shape);
      *dimension = changed(*dimension);
    }
  }

  // One dimension longer or shorter, the bytes with it; now and then the other tensors of the node as well.
  void resize_tensor() {
    if (model_.tensors.empty())
      return;
    const auto picked = element_of(model_.tensors);
    const json shape = picked->second.shape;
    if (!shape.is_array() || shape.empty() || !shape[0].is_number_unsigned())
      return;
    const std::string node = picked->first.substr(0, picked->first.rfind('.'));
    const auto old_length = shape[0].get<std::uint64_t>();
    const std::uint64_t length = one_in(3)   ? below(130)
                                 : one_in(2) ? old_length + 1
                                             : old_length - (old_length > 0 ? 1 : 0);
    const bool all = one_in(2);
    for (auto &[name, tensor] : model_.tensors)
      if (name == picked->first || (all && name.starts_with(node + ".")))
        resize(tensor, old_length, length);
  }
  static void resize(Tensor &tensor, std::uint64_t old_length, std::uint64_t length) {
    if (!tensor.shape.is_array() || tensor.shape.empty() || tensor.shape[0] != old_length || old_length == 0)
      return;
    const std::size_t row = tensor.bytes.size() / old_length;
    if (row * length > 1'000'000)
      return;
    tensor.bytes.resize(row * length, '\1');
    tensor.shape[0] = length;
  }

  // The map of tensors: one less, one more, two names exchanged.
  void change_tensors() {
    if (model_.tensors.empty())
      return;
    const auto at = element_of(model_.tensors);
    switch (below(4)) {
    case 0:
      model_.tensors.erase(at);
      return;
    case 1:
      model_.tensors.emplace(at->first + "x", at->second);
      return;
    case 2: {
      auto part = model_.tensors.extract(at);
      part.key() = word(); // one draw after the other, in whichever order a compiler takes operands
      part.key() += std::string(".") + word();
      model_.tensors.insert(std::move(part));
      return;
    }
    default:
      std::swap(at->second, element_of(model_.tensors)->second);
    }
  }

  // The text of an entry, or the entry.
  void change_metadata() {
    if (model_.metadata.empty() || one_in(16)) {
      model_.metadata[word()] = anything();
      return;
    }
    const auto at = element_of(model_.metadata);
    if (one_in(10)) {
      model_.metadata.erase(at);
    } else if (one_in(10) || !at->second.is_string()) {
      at->second = anything();
    } else {
      if (at->first == "intvit.graph")
        model_.graph = {}; // the text stands for itself
      std::string text = at->second.get<std::string>();
      const std::size_t place = below(text.size() + 1);
      const std::string fragments[] = {"[", "]", "{", "}", "\"", ",", ":", "1", "-", "x", "=", std::string(200, '[')};
      if (one_in(2))
        text.insert(place, fragments[below(std::size(fragments))]);
      else
        text.erase(place, 1 + below(8));
      at->second = text;
    }
  }

  LooseModel &model_;
};

std::vector<std::byte> changed_bytes(std::span<const std::byte> file, test::Random &random) {
  std::vector<std::byte> bytes(file.begin(), file.end());
  const auto place = [&] { return random.bits() % (bytes.size() + 1); };
  for (std::uint64_t changes = 1 + random.bits() % 4; changes > 0; --changes)
    switch (random.bits() % 4) {
    case 0:
      bytes.resize(place());
      break;
    case 1:
      bytes.resize(bytes.size() + random.bits() % 64);
      break;
    case 2: // the header's length
      for (std::size_t i = 0; i < std::min<std::size_t>(random.bits() % 9, bytes.size()); ++i)
        bytes[i] = static_cast<std::byte>(random.bits() & 0xFF);
      break;
    default:
      if (!bytes.empty())
        bytes[place() % bytes.size()] ^= static_cast<std::byte>(1 << random.bits() % 8);
    }
  return bytes;
}

} // namespace

std::vector<std::byte> mutated_model(std::span<const std::byte> file, test::Random &random) {
  return mutated_model(file, LooseModel::take_apart(file), random);
}

std::vector<std::byte> mutated_model(std::span<const std::byte> file, const std::optional<LooseModel> &parts,
                                     test::Random &random) {
  if (!parts || random.bits() % 8 == 0)
    return changed_bytes(file, random);
  LooseModel model = *parts;
  Mutator mutator(model, random);
  for (std::uint64_t changes = 1 + (random.bits() & random.bits() & 7); changes > 0; --changes)
    mutator.change();
  return model.put_together(random.bits() % 16 != 0);
}

std::vector<std::vector<std::byte>> model_seeds(int graphs) {
  std::vector<std::vector<std::byte>> seeds = {
      test::tiny_model({.residual = ResidualFormat::ptf8, .softmax = kernels::Softmax::lis4}),
      test::tiny_model({.residual = ResidualFormat::int16, .softmax = kernels::Softmax::int16})};
  for (int seed = 1; seed <= graphs; ++seed) {
    Choices choices(static_cast<std::uint64_t>(seed));
    seeds.push_back(random_graph(choices, 3'000).file);
  }
  return seeds;
}

} // namespace intvit::fuzz
