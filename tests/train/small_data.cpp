#include "tests/train/small_data.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <torch/torch.h>
#include <zlib.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb/stb_image_write.h>

#include "tests/support/data.hpp"
#include "train/random.hpp"
#include "train/trainer.hpp"

namespace intvit::test {

namespace {

constexpr std::size_t kBlock = 512;

void append(void *context, void *data, int size) {
  const auto *bytes = static_cast<const std::uint8_t *>(data);
  static_cast<Bytes *>(context)->insert(static_cast<Bytes *>(context)->end(), bytes, bytes + size);
}

// Bytes between low and low + 99.
Bytes noisy_png(int width, int height, std::uint32_t seed, std::uint32_t low) {
  train::Random random(seed, train::Purpose::crop, 0, 0);
  Bytes pixels(static_cast<std::size_t>(width * height) * 3);
  for (auto &pixel : pixels)
    pixel = static_cast<std::uint8_t>(low + random.below(100));
  Bytes file;
  stbi_write_png_to_func(append, &file, width, height, 3, pixels.data(), width * 3);
  return file;
}

} // namespace

Bytes png(int width, int height, std::uint32_t seed) {
  return noisy_png(width, height, seed, 50);
}

Bytes tar_header(const std::string &name, std::size_t size, char type, const std::string &prefix) {
  Bytes block(kBlock, 0);
  const auto put = [&](std::size_t at, const std::string &text) {
    std::copy(text.begin(), text.end(), block.begin() + static_cast<std::ptrdiff_t>(at));
  };
  char digits[16];
  put(0, name);
  put(100, "0000644");
  std::snprintf(digits, sizeof digits, "%011zo", size);
  put(124, digits);
  put(148, "        ");
  block[156] = static_cast<std::uint8_t>(type);
  put(257, "ustar");
  put(345, prefix);
  unsigned sum = 0;
  for (const std::uint8_t byte : block)
    sum += byte;
  std::snprintf(digits, sizeof digits, "%06o", sum);
  put(148, digits);
  block[154] = 0;
  return block;
}

Bytes tar(const std::vector<NamedFile> &files) {
  Bytes archive;
  for (const auto &[name, bytes] : files) {
    const Bytes header = tar_header(name, bytes.size());
    archive.insert(archive.end(), header.begin(), header.end());
    archive.insert(archive.end(), bytes.begin(), bytes.end());
    archive.resize((archive.size() + kBlock - 1) / kBlock * kBlock);
  }
  archive.resize(archive.size() + 2 * kBlock);
  return archive;
}

Bytes gzip(const Bytes &bytes) {
  const std::string path = temporary_file("gzip-scratch");
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return read_file(path);
}

void write_file(const std::string &path, const Bytes &bytes) {
  std::ofstream stream(path, std::ios::binary);
  for (const std::uint8_t byte : bytes)
    stream.put(static_cast<char>(byte));
}

Bytes read_file(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
}

std::vector<NamedFile> two_classes(int train_count) {
  std::vector<NamedFile> files;
  std::uint32_t seed = 0;
  for (const auto &[split, count] : {std::pair("train", train_count), std::pair("test", 4)})
    for (const auto &[label, low] : {std::pair("dark", 0U), std::pair("light", 120U)})
      for (int i = 0; i < count; ++i)
        files.emplace_back(std::string(split) + "/" + label + "/" + std::to_string(i) + ".png",
                           noisy_png(8, 8, seed++, low));
  return files;
}

train::Options small_options(const std::string &name) {
  // The steps are too small to share: on a busy machine threads would mostly wait for each other.
  torch::set_num_threads(1);
  train::Options options;
  options.data = temporary_file(name + ".tar");
  write_file(options.data, tar(two_classes(16)));
  options.out = temporary_file(name);
  options.model.image_height = 8;
  options.model.image_width = 8;
  options.model.patch = 4;
  options.model.channels = 16;
  options.model.depth = 2;
  options.model.heads = 2;
  options.model.mlp_hidden = 24;
  options.augmentation.padding = 1;
  options.augmentation.mixup = 0.3F;
  options.augmentation.cutmix = 0.3F;
  options.batch_size = 8;
  options.epochs = 6;
  options.warmup_epochs = 1;
  options.seed = 7;
  return options;
}

std::string train_with(const train::Options &options) {
  std::ostringstream messages;
  train::Console console(messages, false);
  train::Trainer trainer(options, console);
  CHECK(trainer.run(not_interrupted));
  return messages.str();
}

} // namespace intvit::test
