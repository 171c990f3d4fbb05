#include "tests/fuzz/command_lines.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <utility>

#include "cli/subcommands.hpp"
#include "models/architectures/registry.hpp"
#include "tests/fuzz/exercise_model.hpp"
#include "tests/fuzz/model_mutator.hpp"
#include "tests/fuzz/targets/temporary_folder.hpp"
#include "tests/models/import/clip_folder.hpp"
#include "tests/support/model_parts.hpp"
#include "tests/support/small_vit.hpp"
#include "tests/support/timm_tensors.hpp"

namespace intvit::fuzz {

namespace {

namespace fs = std::filesystem;
using cli::Arguments;

constexpr int graphs = 24;
constexpr int odd_graphs = 12;

// What a terminal would obey, or a line, a cell or a page would end with.
const std::string hostile = "\x1b[2J\r\n\"',<b>=1\u009b\x07\u202e";

std::string text_of(const std::vector<std::byte> &bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

// The model with hostile names of classes and nodes and hostile provenance.
std::vector<std::byte> with_hostile_text(const std::vector<std::byte> &file) {
  test::ModelParts parts(file);
  const auto renamed = [](const std::string &name) { return name == "image" ? name : name + hostile; };
  std::map<std::string, test::ModelParts::Tensor> tensors;
  for (auto &[name, tensor] : parts.tensors) {
    const std::size_t dot = name.rfind('.');
    const bool is_golden = name.starts_with("golden.");
    tensors.emplace(is_golden ? name : renamed(name.substr(0, dot)) + name.substr(dot), std::move(tensor));
  }
  parts.tensors = std::move(tensors);
  for (Node &node : parts.description.graph.nodes) {
    node.name = renamed(node.name);
    for (std::string &input : node.inputs)
      input = renamed(input);
  }
  std::string &features = parts.description.graph.features;
  features = features.empty() ? features : renamed(features);
  std::string &tokens = parts.description.graph.tokens;
  tokens = tokens.empty() ? tokens : renamed(tokens);
  const std::size_t classes = parts.tensors.at("golden.logits").bytes.size() / sizeof(std::int32_t);
  parts.description.labels.assign(classes, hostile);
  parts.description.provenance = {{"architecture", hostile}, {hostile, hostile}};
  return parts.file();
}

bool loads(const std::vector<std::byte> &file) {
  const Result<ModelFile> model = ModelFile::parse(file, "m");
  return model.ok() && model->bind().ok();
}

bool is_model(const std::string &name) {
  return name.starts_with('m') && name.find_first_not_of("0123456789", 1) == std::string::npos;
}

// Mutated models that load and run in a moment.
std::vector<std::vector<std::byte>> odd_models(const std::vector<std::vector<std::byte>> &seeds) {
  std::vector<std::vector<std::byte>> found;
  for (std::uint64_t i = 0; found.size() < odd_graphs; ++i) {
    test::Random random(i);
    std::vector<std::byte> file = mutated_model(seeds[i % seeds.size()], random);
    if (loads(file) && exercise_model(file, false) == Fate::ran)
      found.push_back(std::move(file));
  }
  return found;
}

// Weights in timm's layout, and config.json that names their size.
std::string weights() {
  SafetensorsWriter writer;
  for (const auto &[name, tensor] : test::timm_tensors(random_weights(test::small_vit_config(), 7)))
    if (!writer.add_tensor(name, DType::f32, tensor.shape, std::as_bytes(std::span(tensor.values))).ok())
      report("a tensor cannot be added", name.c_str());
  return text_of(writer.serialize());
}
const char *const weights_config =
    R"({"architecture": "vit_custom", "num_classes": 5,
        "model_args": {"img_size": [16, 16], "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2, "mlp_ratio": 2.0},
        "pretrained_cfg": {"input_size": [3, 16, 16], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "crop_pct": 1.0,
                           "interpolation": "bicubic"},
        "label_names": ["ant", "\u001b[2J", "a,b", "=1", "\"\n"]})";

// Of the last change in each of the folders that commands work in, none where one of them is gone.
std::vector<fs::file_time_type> times_of_folders() {
  std::vector<fs::file_time_type> times;
  std::error_code ignored;
  for (const char *folder : {"empty", "work", "work/d", "work/t", "work/w"})
    times.push_back(fs::last_write_time(temporary_folder() / folder, ignored));
  return times;
}

void check_printed(const std::string &text, const char *subcommand) {
  const std::string allowed = "\n\r\t";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // 0x80 to 0x9F are controls too, which UTF-8 writes as two bytes.
    const bool second_half = c >= 0x80 && c < 0xA0 && i > 0 && text[i - 1] == '\xC2';
    if ((c < 0x20 && allowed.find(text[i]) == std::string::npos) || c == 0x7F || second_half)
      report("something is printed that a terminal would obey", subcommand);
  }
}

// What is printed through C++'s stream and C's from now until text(): standard output or standard error.
class Printed {
public:
  Printed(std::ostream &stream, std::FILE *&file)
      : stream_(stream), buffer_before_(stream.rdbuf(&buffer_)), file_(file), file_before_(file) {
    file_ = open_memstream(&bytes_, &size_);
    if (file_ == nullptr)
      report("no memory", "open_memstream");
  }
  Printed(const Printed &) = delete;
  Printed &operator=(const Printed &) = delete;
  ~Printed() { std::free(bytes_); }

  std::string text() {
    stream_.rdbuf(buffer_before_);
    stream_.clear();
    std::fclose(std::exchange(file_, file_before_));
    return std::string(bytes_, size_) + buffer_.str();
  }

private:
  std::ostream &stream_;
  std::stringbuf buffer_;
  std::streambuf *buffer_before_;
  std::FILE *&file_; // glibc's stdout and stderr are variables
  std::FILE *file_before_;
  char *bytes_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace

CommandLines::CommandLines() {
  std::vector<std::vector<std::byte>> models = model_seeds(graphs); // the first are classifiers with labels
  for (std::vector<std::byte> &odd : odd_models(models))
    models.push_back(std::move(odd));
  for (std::size_t i = 0; i < models.size(); ++i) {
    std::vector<std::byte> file = models[i];
    if (i % 3 == 0)
      if (std::vector<std::byte> other = with_hostile_text(file); loads(other))
        file = std::move(other);
    files_.push_back({"m" + std::to_string(i), text_of(file)});
  }
  files_.push_back({"m", text_of(models[0])});
  const std::string picture = "P6 2 2 255\nabcdefghijkl";
  for (const std::string name : {"i", "d/a.ppm", "d/b.ppm", "a,b", "d/\x1b[2J\n.ppm"})
    files_.push_back({name, picture});
  files_.push_back({"l.csv", "a.ppm,1\nb.ppm,0\n"});
  files_.push_back({"names.csv", "file,label\n\"a.ppm\",ant\nb.ppm,bee\n"});
  files_.push_back({"classes.txt", "ant\nbee\n\x1b[2J\n\"a,b\"\n=1\n"});
  files_.push_back({"broken", "no model"});
  files_.push_back({"s", "4 16 16 1\n1 8 24 2\n"});
  files_.push_back({"w/model.safetensors", weights()});
  files_.push_back({"w/config.json", weights_config});
  const std::string clip = test::clip_folder();
  for (const char *file : {"config.json", "preprocessor_config.json", "model.safetensors", "vocab.json", "merges.txt"})
    files_.push_back({std::string("t/") + file, test::read_text_file(clip + "/" + file)});

  if (std::freopen("/dev/null", "r", stdin) == nullptr) // "-" reads it
    report("no standard input", "/dev/null");
  setenv("INTVIT_MODEL", "m", 1);
  setenv("OMP_NUM_THREADS", "1", 0);
  fill_folder();
  add_words_model();

  std::set<std::string> vocabulary = {"-1",         "0",   "1", "2", "3",  "7", "16", "100",
                                      "4294967296", "1e9", "",  "-", "--", "d", "t",  "w"};
  for (const File &file : files_)
    if (file.path.find('/') == std::string::npos)
      vocabulary.insert(file.path);
  Printed help(std::cout, stdout);
  for (const cli::Subcommand &subcommand : cli::subcommands) {
    vocabulary.insert(subcommand.name);
    subcommand.run({"-h"});
  }
  std::string word;
  for (const char c : help.text() + " ")
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '=' || c == '_' || c == '.')
      word += c;
    else if (const std::string whole = std::exchange(word, ""); !whole.empty() && !find_architecture(whole))
      vocabulary.insert(whole);
  vocabulary_.assign(vocabulary.begin(), vocabulary.end());
}

void CommandLines::add_words_model() {
  fs::current_path(temporary_folder() / "work");
  Printed results(std::cout, stdout);
  Printed messages(std::cerr, stderr);
  const int code = cli::quantize({"--weights", "t", "--calib", "d", "--classes", "ant,bee", "-t", "1", "-o", "v"});
  results.text();
  if (const std::string text = messages.text(); code != cli::exit_ok)
    report("no model that classifies by words", text.c_str());
  files_.push_back({"v", test::read_text_file("v")});
}

void CommandLines::fill_folder() const {
  const fs::path work = temporary_folder() / "work";
  const fs::path empty = temporary_folder() / "empty";
  fs::current_path(temporary_folder());
  fs::remove_all(work);
  fs::remove_all(empty);
  fs::create_directories(empty);
  for (const File &file : files_) {
    fs::create_directories((work / file.path).parent_path());
    std::ofstream(work / file.path, std::ios::binary) << file.content;
  }
}

std::vector<Arguments> CommandLines::seeds() {
  return {{"classify", "i"},
          {"classify", "-k", "3", "--format", "json", "--raw-logits", "--timing", "d", "i", "none"},
          {"classify", "-m", "m0", "-b", "2", "-t", "1", "--isa", "reference", "--format=csv", "--preprocess",
           "crop=16", "i"},
          {"classify", "--preprocess", "resize=20,crop=16,filter=box,offset=down", "--", "a,b"},
          {"eval", "--data", "d", "--labels", "l.csv", "--count", "1", "--format", "json"},
          {"eval", "--data", "d", "--float", "w", "--labels", "names.csv"},
          {"info", "-m", "m0", "--format", "json"},
          {"info", "-m", "broken"},
          {"verify", "-m", "m3", "--isa", "scalar"},
          {"verify", "-h"},
          {"attention", "i", "-o", "a.png", "--scale", "2"},
          {"attention", "i", "-o", "a.png", "-m", "m", "-m", "m1", "--float", "w", "--rollout", "--scale", "2"},
          {"attention", "i", "-o", "a.png", "--block", "1", "--head", "0"},
          {"features", "i", "--format", "json"},
          {"features", "-m", "m0", "i", "--tokens"},
          {"features", "-m", "m0", "d", "--format", "npy", "-o", "f.npy", "--normalize"},
          {"classes", "-h"},
          {"classes", "-m", "m", "--classes", "ant,bee", "--weights", "w", "--prompt", "{}", "-o", "c"},
          {"classes", "-m", "v", "--classes", "a,b,c", "--weights", "t", "--prompt", "{}", "-t", "1", "-o", "c"},
          {"classes", "-m", "v", "--classes", "classes.txt", "--weights", "t", "--format", "json", "-o", "c"},
          {"classify", "-m", "v", "i"},
          {"quantize", "--weights", "t", "--calib", "d", "--classes", "a", "--prompt", "{}!", "-o", "o"},
          {"compare", "m", "m1", "--data", "d", "--format", "json"},
          {"compare", "m0", "--float", "w", "--data", "d", "--labels", "l.csv"},
          {"inspect", "-m", "m0", "--data", "d", "-o", "diagrams"},
          {"inspect", "-m", "m", "--data", "d", "--format", "csv"},
          {"bench", "-t", "1,2", "-b", "1,2", "--isa", "all", "--profile", "--format", "csv"},
          {"bench", "-m", "m0", "--profile"},
          {"bench", "--weight-format", "int8,stlq", "--two-word-ratio", "0,100", "--shapes", "s"},
          {"bench", "--runs", "1", "--seconds", "0.1"},
          {"bench", "m0", "-m", "m1", "--sessions", "1,2", "--percentiles", "5,50", "--format", "csv", "--samples"},
          {"bench", "m0", "--compare", "l.csv", "--format", "text"},
          {"bench", "-m", "m0", "--files", "d", "--preprocess", "resize=20,crop=16"},
          {"quantize", "--weights", "w", "--calib", "d", "-o", "out", "--observer", "omse", "--softmax", "lis4",
           "--residual", "ptf8"},
          {"quantize", "--weights=w", "--calib=d", "-o", "o", "--weight-format=stlq", "--two-word-ratio=15",
           "--two-word-groups=tile", "--labels", "classes.txt", "--calib-count", "2", "--report", "--as-published"}};
}

Arguments CommandLines::changed(Arguments words, test::Random &random) const {
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random.bits() % limit); };
  // Another model, as often as not nothing else.
  const std::size_t model = below(files_.size());
  for (std::string &word : words)
    if (is_model(word) && is_model(files_[model].path))
      word = files_[model].path;
  for (std::size_t changes = below(2) * (1 + below(3)); changes > 0; --changes) {
    const std::string &word = vocabulary_[below(vocabulary_.size())];
    const std::size_t place = words.empty() ? 0 : below(words.size());
    const auto at = words.begin() + static_cast<std::ptrdiff_t>(place);
    switch (words.empty() ? 0 : below(8)) {
    case 0:
    case 1:
      words.insert(at, word);
      break;
    case 2:
    case 3:
      words.push_back(word);
      break;
    case 4:
      words.erase(at);
      break;
    case 5:
      std::swap(*at, words[below(words.size())]);
      break;
    case 6:
      words.push_back(*at);
      break;
    default:
      *at = word;
    }
  }
  return words;
}

// Architectures with random weights, benchmarks of as much as they are told, and numbers of gigabytes: what the command
// line says is the user's wish.
bool CommandLines::run_takes_long(const Arguments &words) const {
  const bool bench = words[0] == "bench";
  return std::any_of(words.begin(), words.end(), [&](const std::string &word) {
    std::istringstream parts(word);
    for (std::string part; std::getline(parts, part, ',');)
      if (find_architecture(part.substr(part.find('=') + 1)))
        return true;
    std::size_t digits = 0;
    for (const char c : word) {
      digits = c >= '0' && c <= '9' ? digits + 1 : 0;
      if (digits > (bench ? 2 : 4))
        return true;
    }
    for (const char *option : {"--roofline", "--report", "--seconds", "--runs", "--warmup"})
      if (bench && word.starts_with(option))
        return true;
    return false;
  });
}

int CommandLines::run(const Arguments &words) {
  const auto *const found = std::find_if(cli::subcommands.begin(), cli::subcommands.end(), [&](const auto &subcommand) {
    return !words.empty() && words[0] == subcommand.name;
  });
  if (found == cli::subcommands.end() || words.size() > 40)
    return -1;
  // These would change the fuzzer's own process, or start others.
  if (words[0] == "bench" && std::any_of(words.begin(), words.end(), [](const std::string &word) {
        return word.starts_with("--against") || word.starts_with("--priority") || word.starts_with("--cpu-mask") ||
               word.starts_with("--delay");
      }))
    return -1;
  const bool long_run = run_takes_long(words);
  if (long_run && words[0] != "bench")
    return -1;
  Arguments rest(words.begin() + 1, words.end());
  // What would take long is parsed, where no model is.
  if (words[0] == "bench" && !long_run)
    rest.insert(rest.begin(), {"--runs", "1", "--warmup", "0"});
  const fs::path folder = temporary_folder() / (long_run ? "empty" : "work");
  fs::current_path(folder);
  const std::vector<fs::file_time_type> before = times_of_folders();

  Printed results(std::cout, stdout);
  Printed messages(std::cerr, stderr);
  std::string message;
  int code = cli::exit_usage;
  try {
    code = found->run(rest);
  } catch (const UsageError &error) { // as main() does
    message = error.what();
  } catch (const std::exception &error) {
    code = cli::exit_failure;
    message = error.what();
  }
  if (!message.empty())
    cli::print_error(message);
  const std::string errors = messages.text();
  check_printed(results.text(), found->name);
  check_printed(errors, found->name);
  if (code < cli::exit_ok || code > cli::exit_usage)
    report("another exit code than 0, 1 and 2", found->name);
  if (code != cli::exit_ok && errors.empty())
    report("a failure has no message", found->name);
  if (times_of_folders() != before)
    fill_folder();
  return code;
}

} // namespace intvit::fuzz
