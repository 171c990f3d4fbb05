// The JSON files beside float weights: config.json of transformers and of timm, preprocessor_config.json, and the index
// of sharded weights; and what words are made with: the text tower's configuration, CLIP's tokenizer, embeddings. The
// first byte says which.
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "models/import/huggingface_source.hpp"
#include "models/import/image_processor.hpp"
#include "models/import/text_tower.hpp"
#include "models/import/timm_config.hpp"
#include "models/import/weight_files.hpp"
#include "models/text/tokenizer.hpp"
#include "models/words/npy.hpp"
#include "tests/fuzz/targets/temporary_folder.hpp"

namespace {

// A file in memory, with a path.
class MemoryFile {
public:
  explicit MemoryFile(std::string_view text) : descriptor_(memfd_create("config", MFD_CLOEXEC)) {
    if (descriptor_ < 0 || write(descriptor_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      intvit::fuzz::report("no file in memory", "memfd_create");
  }
  MemoryFile(const MemoryFile &) = delete;
  MemoryFile &operator=(const MemoryFile &) = delete;
  ~MemoryFile() { close(descriptor_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

private:
  int descriptor_;
};

constexpr std::string_view small_vocabulary =
    R"({"a":0,"b":1,"ab":2,"b</w>":3,"ab</w>":4,"<|startoftext|>":5,"<|endoftext|>":6})";

void read(char kind, std::string_view text, std::string &path) {
  using namespace intvit;
  if (kind == 'w') {
    path = fuzz::temporary_folder().string();
    std::ofstream(path + "/model.safetensors.index.json") << text;
    importer::WeightFiles{path};
    return;
  }
  if (kind == 'v' || kind == 'm' || kind == 'j' || kind == 'x') {
    path = fuzz::temporary_folder().string();
    std::filesystem::remove(path + "/tokenizer.json"); // which comes before the two others
    std::filesystem::remove(path + "/model.safetensors.index.json");
    std::ofstream(path + "/vocab.json") << (kind == 'v' ? text : small_vocabulary);
    std::ofstream(path + "/merges.txt") << (kind == 'm' ? text : std::string_view("a b\na b</w>\n"));
    if (kind == 'j')
      std::ofstream(path + "/tokenizer.json") << text;
    if (kind == 'x') {
      std::ofstream(path + "/config.json") << text;
      load_text_model(path);
    } else {
      load_clip_tokenizer(path)->encode("ab <|endoftext|> b\u00e9", 77);
    }
    return;
  }
  const MemoryFile file(text);
  path = file.path();
  if (kind == 'n')
    read_npy(path);
  else if (kind == 't')
    read_timm_config(path);
  else if (kind == 'p')
    importer::read_image_processor(path, "vit");
  else
    importer::read_huggingface_config(path);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  std::string path;
  try {
    read(text[0], text.substr(1), path);
  } catch (const std::runtime_error &error) {
    if (!std::string_view(error.what()).starts_with(path))
      intvit::fuzz::report("a refusal does not name the file", error.what());
  }
  return 0;
}
