#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <sys/resource.h>
#include <torch/torch.h>

#include "tests/support/data.hpp"
#include "tests/train/small_data.hpp"
#include "train/checkpoint.hpp"

using namespace intvit::test;
using namespace intvit::train;

namespace {

Checkpoint with_values(double value) {
  return {{{"lr", 0.5}, {"depth", 3}},
          {{"weights/a", torch::full({100, 100}, value)}, {"average/a", torch::full({2}, value + 1)}}};
}

const RunProgress kProgress{41, 12.5, 3.25, 17, 100, 200, "a,b\n1,2\n"};

std::size_t files_in(const std::string &folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto &entry : std::filesystem::directory_iterator(folder))
    ++count;
  return count;
}

} // namespace

TEST_CASE("a checkpoint restores tensors and progress") {
  const std::string path = temporary_file("restore.safetensors");
  write_checkpoint(path, with_values(0.1), kProgress);
  const Checkpoint into = with_values(9);
  const RunProgress progress = read_checkpoint(path, into);
  CHECK(torch::equal(into.tensors[0].value, with_values(0.1).tensors[0].value));
  CHECK(torch::equal(into.tensors[1].value, with_values(0.1).tensors[1].value));
  CHECK(progress.step == 41);
  CHECK(progress.seconds == 12.5);
  CHECK(progress.loss_sum == 3.25);
  CHECK(progress.correct == 17);
  CHECK(progress.cooldown_start == 100);
  CHECK(progress.total_steps == 200);
  CHECK(progress.log == "a,b\n1,2\n");
}

TEST_CASE("a checkpoint of another recipe is refused with all that differs, and nothing is restored") {
  const std::string path = temporary_file("recipe.safetensors");
  write_checkpoint(path, with_values(1), kProgress);
  Checkpoint other = with_values(2);
  other.recipe = {{"lr", 0.25}, {"depth", 3}, {"seed", 1}};
  CHECK(message_of([&] { read_checkpoint(path, other); }) ==
        path + ": the checkpoint is of another run:\n  lr: 0.5 in the checkpoint, 0.25 now\n"
               "  seed: null in the checkpoint, 1 now");
  CHECK(torch::equal(other.tensors[0].value, with_values(2).tensors[0].value));
}

TEST_CASE("files that are no checkpoints are refused") {
  const std::string missing = temporary_file("missing.safetensors");
  CHECK(message_of([&] { read_checkpoint(missing, with_values(0)); }) ==
        missing + ": cannot open: No such file or directory");

  const std::string truncated = temporary_file("truncated.safetensors");
  write_checkpoint(truncated, with_values(1), kProgress);
  std::filesystem::resize_file(truncated, std::filesystem::file_size(truncated) - 100);
  CHECK_THAT(message_of([&] { read_checkpoint(truncated, with_values(0)); }), Catch::StartsWith(truncated + ": "));
}

TEST_CASE("a checkpoint that cannot be written leaves the previous one whole and no rest behind") {
  const std::string folder = temporary_file("full-disk");
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/checkpoint.safetensors";
  write_checkpoint(path, with_values(1), kProgress);
  const Bytes before = read_file(path);

  // A limit on file sizes makes writing fail half way, as a full disk does.
  rlimit old{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &old) == 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit low{10000, old.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &low) == 0);
  const std::string message = message_of([&] { write_checkpoint(path, with_values(2), kProgress); });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);

  CHECK(message == path + ": cannot write: File too large");
  CHECK(read_file(path) == before);
  CHECK(files_in(folder) == 1);
}

TEST_CASE("a checkpoint folder that is not there is reported") {
  const std::string path = temporary_file("nowhere/checkpoint.safetensors");
  CHECK(message_of([&] { write_checkpoint(path, with_values(1), kProgress); }) ==
        path + ": cannot create a file in its folder: No such file or directory");
}
