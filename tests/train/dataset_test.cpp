#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <span>

#include "engine/image/decode.hpp"
#include "tests/support/data.hpp"
#include "tests/train/small_data.hpp"
#include "train/dataset.hpp"

using namespace intvit::test;
using namespace intvit::train;
namespace fs = std::filesystem;

namespace {

std::string archive_of(const std::string &name, const std::vector<NamedFile> &files) {
  const std::string path = temporary_file(name);
  write_file(path, tar(files));
  return path;
}

std::string failure(const std::string &path) {
  return message_of([&] { load_dataset(path, 8, 0); });
}

} // namespace

TEST_CASE("a folder, an archive and a shuffled archive with another root give the same data") {
  const std::vector<NamedFile> files = two_classes(3);
  const std::string folder = temporary_file("folder");
  for (const auto &[name, bytes] : files) {
    fs::create_directories(fs::path(folder + "/" + name).parent_path());
    write_file(folder + "/" + name, bytes);
  }
  write_file(folder + "/README.txt", {'x'});
  std::vector<NamedFile> shuffled;
  for (auto file = files.rbegin(); file != files.rend(); ++file)
    shuffled.emplace_back("root/" + file->first, file->second);

  const Dataset from_folder = load_dataset(folder, 8, 0);
  const Dataset from_archive = load_dataset(archive_of("plain.tar", files), 8, 0);
  const Dataset from_shuffled = load_dataset(archive_of("shuffled.tar", shuffled), 8, 0);
  CHECK(from_folder.classes == std::vector<std::string>{"dark", "light"});
  CHECK(from_folder.train.labels == std::vector<std::int32_t>{0, 0, 0, 1, 1, 1});
  CHECK(from_folder.test.size() == 8);
  CHECK(from_folder.train.pixels.size() == 6 * 8 * 8 * 3);
  for (const Dataset *other : {&from_archive, &from_shuffled}) {
    CHECK(other->classes == from_folder.classes);
    CHECK(other->train.pixels == from_folder.train.pixels);
    CHECK(other->train.labels == from_folder.train.labels);
    CHECK(other->test.pixels == from_folder.test.pixels);
  }
}

TEST_CASE("of a picture that is wider than high the centre is taken") {
  std::vector<NamedFile> files = two_classes(1);
  const Bytes wide = png(12, 8, 5); // its short side is 8 already, so nothing is resized
  files.emplace_back("train/aaa/wide.png", wide);
  const Dataset dataset = load_dataset(archive_of("sizes.tar", files), 8, 0);
  const auto image = intvit::decode_image(std::as_bytes(std::span(wide)), "wide");
  REQUIRE(image.ok());
  REQUIRE(dataset.train.pixels.size() == 3 * 8 * 8 * 3);
  for (std::size_t y = 0; y < 8; ++y)
    for (std::size_t x = 0; x < 24; ++x)
      CHECK(dataset.train.pixels[y * 24 + x] == image->rgb[y * 36 + 6 + x]);
}

TEST_CASE("around a training picture is what it has there itself, or black") {
  std::vector<NamedFile> files = two_classes(1);
  const Bytes large = png(12, 14, 5); // its short side is the image and two borders
  files.emplace_back("train/aaa/large.png", large);
  files.emplace_back("train/aaa/small.png", png(8, 8, 6));
  files.emplace_back("test/dark/small.png", png(8, 8, 6));
  const Dataset dataset = load_dataset(archive_of("border.tar", files), 8, 2);
  CHECK(dataset.train.side == 12);
  CHECK(dataset.test.side == 8);
  REQUIRE(dataset.train.pixels.size() == 4 * 12 * 12 * 3);
  const auto whole = intvit::decode_image(std::as_bytes(std::span(large)), "large");
  REQUIRE(whole.ok());
  for (std::size_t i = 0; i < 12 * 12 * 3; ++i)
    CHECK(dataset.train.pixels[i] == whole->rgb[i + 12 * 3]); // without the first row and the last
  const std::uint8_t *small = dataset.train.pixels.data() + dataset.train.picture_bytes();
  const std::uint8_t *plain = dataset.test.pixels.data() + 4 * dataset.test.picture_bytes(); // the last of test/dark
  for (std::size_t y = 0; y < 12; ++y)
    for (std::size_t x = 0; x < 12 * 3; ++x) {
      const bool inside = y >= 2 && y < 10 && x >= 6 && x < 30;
      CHECK(small[y * 36 + x] == (inside ? plain[(y - 2) * 24 + x - 6] : 0));
    }
}

TEST_CASE("without class folders all pictures are to be trained on, if labels are optional") {
  std::vector<NamedFile> files = {{"b.png", png(8, 8, 1)}, {"more/a.PNG", png(8, 8, 2)}, {"notes.txt", {'x'}}};
  const std::string path = archive_of("unlabelled.tar", files);
  const Dataset dataset = load_dataset(path, 8, 0, Labels::optional);
  CHECK(dataset.classes.empty());
  CHECK(dataset.train.labels == std::vector<std::int32_t>{0, 0});
  CHECK(dataset.test.size() == 0);
  const auto first = intvit::decode_image(std::as_bytes(std::span(files[0].second)), "b");
  REQUIRE(first.ok());
  CHECK(std::equal(first->rgb.begin(), first->rgb.end(), dataset.train.pixels.begin()));
  CHECK(failure(path) == path + ": no pictures in train/CLASS/ (.jpg, .jpeg or .png)");

  // With class folders there are labels, and what lies elsewhere does not count; test/ may be missing.
  files.emplace_back("train/cat/0.png", png(8, 8, 3));
  const Dataset labelled = load_dataset(archive_of("partly.tar", files), 8, 0, Labels::optional);
  CHECK(labelled.classes == std::vector<std::string>{"cat"});
  CHECK(labelled.train.size() == 1);
  CHECK(labelled.test.size() == 0);

  const std::string none = archive_of("none.tar", {{"notes.txt", {'x'}}});
  CHECK(message_of([&] { load_dataset(none, 8, 0, Labels::optional); }) ==
        none + ": no pictures (.jpg, .jpeg or .png)");
}

TEST_CASE("the data set's faults are named") {
  const std::string missing = temporary_file("missing.tar.gz");
  CHECK_THAT(failure(missing), Catch::StartsWith(missing + ": no such file or folder; --data takes a folder or"));

  std::vector<NamedFile> files = two_classes(2);
  files[1].second.resize(40);
  const std::string corrupt = archive_of("corrupt.tar", files);
  CHECK_THAT(failure(corrupt), Catch::StartsWith(corrupt + ": train/dark/1.png: "));

  files = two_classes(2);
  files[0].second = {'n', 'o'};
  const std::string text = archive_of("text.tar", files);
  CHECK_THAT(failure(text), Catch::StartsWith(text + ": train/dark/0.png: "));

  files = two_classes(1);
  files.emplace_back("test/green/0.png", png(8, 8, 1));
  const std::string odd = archive_of("odd.tar", files);
  CHECK(failure(odd) == odd + ": test/ has the class green, which train/ lacks");

  const std::string empty = archive_of("empty.tar", {{"train/a/0.png", png(8, 8, 1)}});
  CHECK(failure(empty) == empty + ": no pictures in test/CLASS/ (.jpg, .jpeg or .png)");
}

TEST_CASE("channel statistics are those of all pixels") {
  Dataset dataset;
  dataset.image_size = 2;
  dataset.train.side = 4;
  dataset.train.labels = {0};
  // The border does not count.
  dataset.train.pixels.assign(4 * 4 * 3, 77);
  const std::vector<std::uint8_t> rows = {0, 10, 255, 0, 10, 255, 0, 30, 255, 255, 30, 0};
  std::copy_n(rows.begin(), 6, dataset.train.pixels.begin() + 12 + 3);
  std::copy_n(rows.begin() + 6, 6, dataset.train.pixels.begin() + 24 + 3);
  const ChannelStatistics statistics = channel_statistics(dataset);
  CHECK(statistics.mean[0] == Approx(0.25));
  CHECK(statistics.mean[1] == Approx(20.0 / 255).margin(5e-5));
  CHECK(statistics.mean[2] == Approx(0.75));
  CHECK(statistics.deviation[0] == Approx(std::sqrt(3.0) / 4).margin(5e-5));
  CHECK(statistics.deviation[1] == Approx(10.0 / 255).margin(5e-5));
  CHECK(statistics.mean[1] * 1e4 == Approx(std::round(statistics.mean[1] * 1e4)));
}

TEST_CASE("the whole of CIFAR-10 is read from its archive") {
  const auto path = shared_data("cifar10/cifar10_jpeg.tar.gz");
  if (!path)
    return;
  const Dataset dataset = load_dataset(*path, 32, 4);
  CHECK(dataset.train.size() == 50000);
  CHECK(dataset.test.size() == 10000);
  CHECK(dataset.classes == std::vector<std::string>{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog",
                                                    "horse", "ship", "truck"});
  for (std::int32_t label = 0; label < 10; ++label) {
    CHECK(std::count(dataset.train.labels.begin(), dataset.train.labels.end(), label) == 5000);
    CHECK(std::count(dataset.test.labels.begin(), dataset.test.labels.end(), label) == 1000);
  }
  // The data set's widely published mean, here of its JPEG form.
  const ChannelStatistics statistics = channel_statistics(dataset);
  CHECK(statistics.mean[0] == Approx(0.4914).margin(0.002));
  CHECK(statistics.mean[1] == Approx(0.4822).margin(0.002));
  CHECK(statistics.mean[2] == Approx(0.4465).margin(0.002));
}
