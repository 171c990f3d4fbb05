#include "engine/format/model_file.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "engine/container/file_io.hpp"
#include "engine/container/json_text.hpp"
#include "engine/format/checksums.hpp"
#include "engine/graph/json.hpp"

namespace intvit {

namespace {

using nlohmann::json;

constexpr const char *version_key = "intvit.format_version";
constexpr const char *features_key = "intvit.required_features";
constexpr const char *graph_key = "intvit.graph";
constexpr const char *recipe_key = "intvit.recipe";
constexpr const char *labels_key = "intvit.labels";
constexpr const char *provenance_key = "intvit.provenance";

// Features that belong to no operation or weight format: the graph names features besides logits; it names its result,
// which would else be misread, by ResultKind.
constexpr std::string_view features_feature = "features";
constexpr std::string_view tokens_feature = "tokens";
constexpr std::array<std::string_view, 4> result_features{"result", "result", "result.labels", "result.scores"};

// Whether an operation, from the one with that index on, can ask for the feature.
template <std::size_t Index = 0> bool is_feature_of_operation(std::string_view feature) {
  if constexpr (Index == std::variant_size_v<Operation>) {
    return false;
  } else {
    const auto &all = std::variant_alternative_t<Index, Operation>::all_features;
    return std::find(all.begin(), all.end(), feature) != all.end() || is_feature_of_operation<Index + 1>(feature);
  }
}

// What a reader must be able to do. A file names those that it needs, so that an older reader can say what it lacks
// instead of misreading a graph. Operations and weight formats bring their own.
bool is_known_feature(std::string_view feature) {
  return feature == features_feature || feature == tokens_feature ||
         std::find(result_features.begin(), result_features.end(), feature) != result_features.end() ||
         std::any_of(stored_formats.begin(), stored_formats.end(),
                     [&](const StoredFormat &format) { return !feature.empty() && format.feature == feature; }) ||
         is_feature_of_operation(feature);
}

// Bytes that are not UTF-8, in a label say, become U+FFFD.
std::string text_of(const json &value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// `tensors`: by name.
std::set<std::string> required_features(const Graph &graph,
                                        const std::map<std::string, TensorView, std::less<>> &tensors) {
  std::set<std::string> features;
  if (!graph.features.empty())
    features.emplace(features_feature);
  if (!graph.tokens.empty())
    features.emplace(tokens_feature);
  if (graph.result_kind() != implied_result(graph.nodes))
    features.emplace(result_features[static_cast<std::size_t>(graph.result_kind())]);
  for (const Node &node : graph.nodes)
    for (const std::string_view feature : std::visit([](const auto &op) { return op.features(); }, node.operation))
      features.emplace(feature);
  for (const auto &[name, view] : tensors)
    for (const StoredFormat &format : stored_formats)
      if (!format.feature.empty() && name.ends_with(std::string(".") + format.constants[0]))
        features.emplace(format.feature);
  return features;
}

// A metadata entry that must be there. Null with an error otherwise.
const std::string *entry(const SafetensorsFile &file, const char *key, Status &status) {
  const auto found = file.metadata().find(key);
  if (found != file.metadata().end())
    return &found->second;
  status = Status(StatusCode::bad_format, std::string("the metadata has no ") + key);
  return nullptr;
}

Status check_version(const SafetensorsFile &file) {
  const auto found = file.metadata().find(version_key);
  if (found == file.metadata().end())
    return Status(StatusCode::bad_format,
                  "not an intvit model (a safetensors file without intvit's metadata); weights become a model with "
                  "`intvit quantize`");
  const std::string &text = found->second;
  int version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size() || version < 1)
    return Status(StatusCode::bad_format, "the format version is \"" + text + "\", not a number");
  if (version > model_format_version)
    return Status(StatusCode::unsupported, "the file has format version " + text + ", this program reads up to " +
                                               std::to_string(model_format_version) + "; use a newer intvit");
  return {};
}

// A JSON list of strings.
Result<std::vector<std::string>> string_list(const SafetensorsFile &file, const char *key) {
  Status status;
  const std::string *text = entry(file, key, status);
  if (text == nullptr)
    return status;
  const json list = parse_json_text(*text);
  bool valid = list.is_array();
  std::vector<std::string> strings;
  for (std::size_t i = 0; valid && i < list.size(); ++i) {
    valid = list[i].is_string();
    if (valid)
      strings.push_back(list[i].get<std::string>());
  }
  if (!valid)
    return Status(StatusCode::bad_format, std::string(key) + " is not a list of strings");
  return strings;
}

Status check_features(const SafetensorsFile &file) {
  const Result<std::vector<std::string>> features = string_list(file, features_key);
  if (!features.ok())
    return features.status();
  for (const std::string &feature : *features)
    if (!is_known_feature(feature))
      return Status(StatusCode::unsupported, "the model needs the feature \"" + feature +
                                                 "\", which this program does not have; use a newer intvit");
  return {};
}

// That an older reader was told of all that the model needs.
Status check_features_are_named(const SafetensorsFile &file, const Graph &graph) {
  const Result<std::vector<std::string>> named = string_list(file, features_key);
  if (!named.ok())
    return named.status();
  for (const std::string &feature : required_features(graph, file.tensors()))
    if (std::find(named->begin(), named->end(), feature) == named->end())
      return Status(StatusCode::bad_format,
                    std::string(features_key) + " does not name \"" + feature + "\", which the model needs");
  return {};
}

Status check_zero_bytes(const std::vector<std::string> &labels) {
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i].find('\0') != std::string::npos)
      return Status(StatusCode::bad_format, "the label of class " + std::to_string(i) + " holds a zero byte");
  return {};
}

Status parse_description(const SafetensorsFile &file, ModelDescription &description) {
  Status status;
  const std::string *graph_text = entry(file, graph_key, status);
  const std::string *recipe_text = graph_text == nullptr ? nullptr : entry(file, recipe_key, status);
  const std::string *provenance_text = recipe_text == nullptr ? nullptr : entry(file, provenance_key, status);
  if (provenance_text == nullptr)
    return status;

  Result<Graph> graph = graph_from_json(*graph_text);
  if (!graph.ok())
    return graph.status();
  description.graph = std::move(*graph);
  if (status = check_features_are_named(file, description.graph); !status.ok())
    return status;

  Result<Recipe> recipe = parse_recipe(*recipe_text);
  if (!recipe.ok())
    return Status(StatusCode::bad_format, std::string(recipe_key) + ": " + recipe.status().message());
  description.recipe = *recipe;
  if (recipe->crop_height != description.graph.image_height || recipe->crop_width != description.graph.image_width)
    return Status(StatusCode::bad_format, "the recipe gives another image size than the graph takes");

  Result<std::vector<std::string>> labels = string_list(file, labels_key);
  if (!labels.ok())
    return labels.status();
  if (status = check_zero_bytes(*labels); !status.ok())
    return status;
  description.labels = std::move(*labels);

  const json provenance = parse_json_text(*provenance_text);
  bool valid = provenance.is_object();
  for (auto item = provenance.begin(); valid && item != provenance.end(); ++item) {
    valid = item->is_string();
    if (valid)
      description.provenance.emplace(item.key(), item->get<std::string>());
  }
  if (!valid)
    return Status(StatusCode::bad_format, std::string(provenance_key) + " is not an object of strings");
  return {};
}

} // namespace

Status check_labels(const std::vector<std::string> &labels) {
  if (const std::size_t size = text_of(labels).size(); size > max_json_text)
    return Status(StatusCode::bad_format, "the labels take " + std::to_string(size) + " bytes, at most " +
                                              std::to_string(max_json_text) + " are read");
  if (labels.size() >= max_json_values)
    return Status(StatusCode::bad_format, "there are " + std::to_string(labels.size()) + " labels, at most " +
                                              std::to_string(max_json_values - 1) + " are read");
  return check_zero_bytes(labels);
}

void add_model_metadata(const ModelDescription &description, SafetensorsWriter &writer) {
  writer.add_metadata(version_key, std::to_string(model_format_version));
  writer.add_metadata(features_key, json(required_features(description.graph, writer.tensors())).dump());
  writer.add_metadata(graph_key, graph_to_json(description.graph));
  writer.add_metadata(recipe_key, to_string(description.recipe));
  writer.add_metadata(labels_key, text_of(description.labels));
  writer.add_metadata(provenance_key, text_of(description.provenance));
  add_checksums(writer);
}

Result<ModelFile> ModelFile::open(const std::string &path) {
  Result<std::vector<std::byte>> bytes = read_file(path);
  if (!bytes.ok())
    return bytes.status();
  return parse(std::move(*bytes), path);
}

Result<ModelFile> ModelFile::parse(std::vector<std::byte> bytes, std::string_view origin) {
  Result<SafetensorsFile> tensors = SafetensorsFile::parse(std::move(bytes), origin);
  if (!tensors.ok())
    return tensors.status();
  ModelFile file(std::move(*tensors), std::string(origin));
  for (const auto check : {check_version, check_features, verify_checksums})
    if (Status status = check(file.tensors_); !status.ok())
      return status.in(origin);
  if (Status status = parse_description(file.tensors_, file.description_); !status.ok())
    return status.in(origin);
  return file;
}

std::span<const std::uint8_t> ModelFile::golden_image() const {
  const TensorView *image = tensors_.find(golden_image_tensor);
  if (image == nullptr)
    return {};
  return {reinterpret_cast<const std::uint8_t *>(image->bytes.data()), image->bytes.size()};
}

std::vector<std::int32_t> ModelFile::golden(const char *name) const {
  const TensorView *view = tensors_.find(name);
  if (view == nullptr)
    return {};
  std::vector<std::int32_t> values(view->bytes.size() / sizeof(std::int32_t));
  std::memcpy(values.data(), view->bytes.data(), values.size() * sizeof(std::int32_t));
  return values;
}

std::vector<std::int32_t> ModelFile::golden_logits() const {
  return golden(golden_logits_tensor);
}

std::vector<std::int32_t> ModelFile::golden_features() const {
  return golden(golden_features_tensor);
}

Result<Program> ModelFile::bind() const {
  std::vector<std::string> used = {golden_image_tensor, golden_logits_tensor};
  Result<Program> program = intvit::bind(description_.graph, tensors_, used);
  if (!program.ok())
    return program.status().in(origin_);
  if (program->features != 0)
    used.emplace_back(golden_features_tensor);

  const auto fail = [&](const std::string &reason) { return Status(StatusCode::bad_format, origin_ + ": " + reason); };
  std::sort(used.begin(), used.end());
  for (const auto &[name, view] : tensors_.tensors())
    if (!std::binary_search(used.begin(), used.end(), name))
      return fail("tensor " + name + " is not used by the graph");

  const std::int64_t classes = program->values.back().columns;
  if (!description_.labels.empty() && static_cast<std::int64_t>(description_.labels.size()) != classes)
    return fail("has " + std::to_string(description_.labels.size()) + " labels for " + std::to_string(classes) +
                " classes");
  const TensorView *image = tensors_.find(golden_image_tensor);
  const TensorView *logits = tensors_.find(golden_logits_tensor);
  const std::vector<std::int64_t> image_shape{description_.graph.image_height, description_.graph.image_width, 3};
  if (image == nullptr || image->dtype != DType::u8 || image->shape != image_shape || logits == nullptr ||
      logits->dtype != DType::i32 || logits->shape != std::vector<std::int64_t>{classes})
    return fail("the golden image and logits are missing or do not fit the graph");
  if (program->features != 0) {
    const TensorView *features = tensors_.find(golden_features_tensor);
    const std::int64_t columns = program->values[static_cast<std::size_t>(program->features)].columns;
    if (features == nullptr || features->dtype != DType::i32 || features->shape != std::vector<std::int64_t>{columns})
      return fail("the golden features are missing or do not fit the graph");
  }
  return program;
}

} // namespace intvit
