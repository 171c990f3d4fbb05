// Writes what the fuzz targets begin with: `fuzz_seeds FOLDER` makes a folder for each target in it.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "models/words/npy.hpp"
#include "tests/engine/image/jpeg_writer.hpp"
#include "tests/fuzz/command_lines.hpp"
#include "tests/fuzz/model_mutator.hpp"

namespace {

namespace fs = std::filesystem;
using namespace intvit;

class Corpus {
public:
  explicit Corpus(fs::path folder) : folder_(std::move(folder)) { fs::create_directories(folder_); }

  void add(std::string_view bytes) {
    std::ofstream(folder_ / ("seed" + std::to_string(count_++)), std::ios::binary) << bytes;
  }
  void add(std::span<const std::byte> bytes) { add({reinterpret_cast<const char *>(bytes.data()), bytes.size()}); }

private:
  fs::path folder_;
  int count_ = 0;
};

std::string content(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void pictures(Corpus corpus) {
  const std::string recipes[] = {std::string("\0\0\2\0\7\4\11\5", 8), std::string("\3\1\1\0\37\12\24\24", 8)};
  for (const char *folder : {INTVIT_TEST_DIR "/golden/images/decode", INTVIT_TEST_DIR "/golden/images/png",
                             INTVIT_TEST_DIR "/golden/images/webp"})
    for (const auto &entry : fs::directory_iterator(folder))
      if (entry.path().extension() != ".ppm" || entry.file_size() < 1100)
        for (const std::string &recipe : recipes)
          corpus.add(content(entry.path()) + recipe);
  for (int index = 0; index < intvit::test::jpeg_kinds; index += 4)
    corpus.add(intvit::test::write_jpeg(intvit::test::jpeg_kind(index)) + recipes[0]);
}

void configurations(Corpus corpus) {
  const char *files[] = {
      R"(h{"model_type":"vit","architectures":["ViTForImageClassification"],"hidden_size":192,"num_hidden_layers":12,
"num_attention_heads":3,"intermediate_size":768,"image_size":224,"patch_size":16,"num_channels":3,"qkv_bias":true,
"hidden_act":"gelu","layer_norm_eps":1e-12,"id2label":{"0":"ant","1":"bee"}})",
      R"(h{"model_type":"deit","architectures":["DeiTForImageClassificationWithTeacher"],"image_size":[224,192],
"num_labels":10,"head_dim":64})",
      R"(h{"model_type":"swin","embed_dim":96,"depths":[2,2,6,2],"num_heads":[3,6,12,24],"window_size":7,"mlp_ratio":4.0,
"use_absolute_embeddings":false,"layer_norm_eps":1e-5})",
      R"(h{"model_type":"dinov2_with_registers","architectures":["Dinov2WithRegistersModel"],"num_register_tokens":4,
"patch_size":14,"image_size":518,"use_swiglu_ffn":false,"mlp_ratio":4})",
      R"(h{"model_type":"clip","architectures":["CLIPModel"],"projection_dim":512,"text_config":{"hidden_size":512,
"eos_token_id":2},"vision_config":{"hidden_size":768,"patch_size":32,"image_size":224,"hidden_act":"quick_gelu"}})",
      R"(h{"model_type":"siglip","architectures":["SiglipModel"],"vision_config":{"hidden_size":1152,"num_attention_heads":16,
"intermediate_size":4304,"num_hidden_layers":27,"patch_size":14,"image_size":384,"vision_use_head":true}})",
      R"(p{"image_processor_type":"ViTImageProcessor","do_resize":true,"size":{"height":224,"width":224},"resample":3,
"do_rescale":true,"rescale_factor":0.00392156862745098,"do_normalize":true,"image_mean":[0.5,0.5,0.5],
"image_std":[0.5,0.5,0.5]})",
      R"(p{"image_processor_type":"BitImageProcessor","size":{"shortest_edge":256},"do_center_crop":true,
"crop_size":{"height":224,"width":224},"do_convert_rgb":true})",
      R"(t{"architecture":"deit_tiny_patch16_224","num_classes":10,"global_pool":"token","label_names":["a","b"],
"model_args":{"img_size":[224,224],"patch_size":16,"embed_dim":192,"depth":12,"num_heads":3,"mlp_ratio":4,
"init_values":1e-5,"reg_tokens":4},"pretrained_cfg":{"input_size":[3,224,224],"mean":[0.5,0.5,0.5],
"std":[0.5,0.5,0.5],"crop_pct":0.9,"interpolation":"bicubic","num_classes":10,"tag":"x"}})",
      R"(t{"architecture":"swin_tiny_patch4_window7_224","model_args":{"depths":[2,2],"num_heads":[3,6],"window_size":7}})",
      R"(x{"model_type":"clip","architectures":["CLIPModel"],"projection_dim":6,"text_config":{"hidden_size":8,
"vocab_size":7,"max_position_embeddings":7,"num_hidden_layers":2,"num_attention_heads":2,"intermediate_size":20,
"eos_token_id":6,"layer_norm_eps":1e-5,"hidden_act":"gelu"},"vision_config":{"hidden_size":12,"image_size":20,
"num_attention_heads":2,"num_hidden_layers":2,"intermediate_size":20,"patch_size":8}})",
      R"(v{"a":0,"b":1,"ab":2,"b</w>":3,"ab</w>":4,"<|startoftext|>":5,"<|endoftext|>":6})",
      "m#version: 0.2\na b\na b</w>\r\n",
      R"(j{"model":{"type":"BPE","end_of_word_suffix":"</w>","vocab":{"a":0,"b</w>":1,"ab</w>":2},"merges":["a b</w>"]},
"added_tokens":[{"id":3,"content":"<|startoftext|>"},{"id":4,"content":"<|endoftext|>"}]})",
      R"(w{"metadata":{"total_size":12},"weight_map":{"head.weight":"model-00001-of-00002.safetensors"}})"};
  for (const char *file : files)
    corpus.add(std::string_view(file));
  RowMatrix embeddings(2, 3);
  embeddings << 1, 0, -2, 0.5F, 3, 4;
  const std::vector<std::byte> npy = npy_bytes(embeddings);
  corpus.add("n" + std::string(reinterpret_cast<const char *>(npy.data()), npy.size()));
}

void command_lines(Corpus corpus) {
  for (const cli::Arguments &words : fuzz::CommandLines::seeds()) {
    std::string lines;
    for (const std::string &word : words)
      lines += word + "\n";
    corpus.add(std::string_view(lines));
  }
}

} // namespace

int main(int argc, char **argv) {
  using namespace intvit;
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
    return 2;
  }
  const fs::path folder = argv[1];
  const std::vector<std::vector<std::byte>> models = fuzz::model_seeds(40);
  for (const char *target : {"model_file", "graph", "safetensors"}) {
    Corpus corpus(folder / target);
    for (const std::vector<std::byte> &model : models)
      corpus.add(model);
  }
  pictures(Corpus(folder / "image"));
  configurations(Corpus(folder / "import_config"));
  command_lines(Corpus(folder / "command_line"));
  Corpus choices(folder / "random_graph");
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<std::uint8_t> bytes = test::Random(seed).values<std::uint8_t>(400, 0, 255);
    choices.add(std::as_bytes(std::span(bytes)));
  }
  return 0;
}
