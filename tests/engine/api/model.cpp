// Models through the C interface: loading, refusing, and what they say of themselves.
#include <cstring>
#include <fstream>

#include "kernels/dispatch.hpp"
#include "tests/engine/api/fixture.hpp"
#include "tests/support/data.hpp"

namespace intvit {
namespace {

using test::ModelHandle;

std::string written(const std::vector<std::byte> &bytes, const std::string &name) {
  std::string path = test::temporary_file(name);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return path;
}

TEST_CASE("model: from a path and from memory, and what it says of itself") {
  const std::vector<std::byte> file = test::tiny_model();
  const std::string path = written(file, "tiny.safetensors");
  intvit_model *opened = nullptr;
  intvit_error error;
  REQUIRE(intvit_model_open(path.c_str(), nullptr, &opened, &error) == INTVIT_OK);
  CHECK(error.status == INTVIT_OK);
  CHECK(error.message == std::string());
  const ModelHandle from_path(opened);
  std::vector<std::byte> copy = file;
  const ModelHandle from_memory = test::load(copy);
  std::fill(copy.begin(), copy.end(), std::byte{0}); // the caller's bytes are not needed any more
  for (const ModelHandle *model : {&from_path, &from_memory}) {
    CHECK(intvit_model_width(model->get()) == 16);
    CHECK(intvit_model_height(model->get()) == 16);
    CHECK(intvit_model_classes(model->get()) == 5);
    CHECK(intvit_model_features(model->get()) == 16);
    CHECK(intvit_model_fraction_bits(model->get()) > 0);
    CHECK(intvit_model_label(model->get(), 2) == std::string("cat"));
    CHECK(intvit_model_label(model->get(), 4) == std::string("\u00e9l\u00e9phant"));
    CHECK(intvit_model_label(model->get(), 5) == nullptr);
    CHECK(intvit_model_label(model->get(), -1) == nullptr);
    CHECK(intvit_model_recipe(model->get()) == std::string("resize=16x16,crop=16,filter=bilinear"));
    CHECK(intvit_model_isa(model->get()) == std::string(kernels::default_kernels().name));
    CHECK(intvit_model_weight_bytes(model->get()) > 1000);
  }
}

TEST_CASE("model: without labels") {
  test::ModelParts parts(test::tiny_model());
  parts.description.labels.clear();
  const ModelHandle model = test::load(parts.file());
  CHECK(intvit_model_label(model.get(), 0) == nullptr);
  const test::SessionHandle session = test::start(model);
  const std::vector<Image> images = test::random_images(1, 16, 16, 1);
  const intvit_image image = test::exact(images[0]);
  REQUIRE(intvit_run(session.get(), &image, 1, nullptr) == INTVIT_OK);
  intvit_class best;
  REQUIRE(intvit_top_k(session.get(), 0, 1, &best, nullptr) == INTVIT_OK);
  CHECK(best.label == nullptr);
}

TEST_CASE("model: an instruction set by name") {
  const std::vector<std::byte> file = test::tiny_model();
  REQUIRE(intvit_isa_count() == static_cast<int>(kernels::available_kernels().size()));
  CHECK(intvit_isa_name(-1) == nullptr);
  CHECK(intvit_isa_name(intvit_isa_count()) == nullptr);
  intvit_model_options options = intvit_default_model_options();
  for (int i = 0; i < intvit_isa_count(); ++i) {
    options.isa = intvit_isa_name(i);
    CHECK(intvit_model_isa(test::load(file, &options).get()) == std::string(options.isa));
  }
  options.isa = "abacus";
  intvit_model *model = nullptr;
  intvit_error error;
  CHECK(intvit_model_from_memory(file.data(), file.size(), &options, &model, &error) == INTVIT_UNSUPPORTED);
  CHECK(model == nullptr);
  CHECK(std::string(error.message).rfind("instruction set \"abacus\" is not available here; there are: reference", 0) ==
        0);
}

TEST_CASE("model: what cannot be loaded") {
  const std::vector<std::byte> file = test::tiny_model();
  int no_model = 0;
  auto *const poison = reinterpret_cast<intvit_model *>(&no_model);
  intvit_error error;

  intvit_model *model = poison;
  CHECK(intvit_model_open("/nowhere/m.safetensors", nullptr, &model, &error) == INTVIT_IO);
  CHECK(model == nullptr);
  CHECK(error.message == std::string("/nowhere/m.safetensors: cannot open: No such file or directory"));
  CHECK(intvit_model_open("/nowhere/m.safetensors", nullptr, &model, nullptr) == INTVIT_IO);

  model = poison;
  CHECK(intvit_model_from_memory(file.data(), file.size() / 2, nullptr, &model, &error) == INTVIT_BAD_FORMAT);
  CHECK(model == nullptr);
  CHECK(std::string(error.message).rfind("model in memory: ", 0) == 0);

  CHECK(intvit_model_from_memory(file.data(), 0, nullptr, &model, &error) == INTVIT_BAD_FORMAT);
  CHECK(intvit_model_from_memory(nullptr, 0, nullptr, &model, &error) == INTVIT_BAD_ARGUMENT);
  for (const std::size_t size : {SIZE_MAX, std::size_t{1} << 35})
    CHECK(intvit_model_from_memory(&error, size, nullptr, &model, &error) == INTVIT_BAD_FORMAT);
  CHECK(intvit_model_open(nullptr, nullptr, &model, &error) == INTVIT_BAD_ARGUMENT);
  CHECK(intvit_model_open("m", nullptr, nullptr, &error) == INTVIT_BAD_ARGUMENT);
  intvit_model_free(nullptr);
}

TEST_CASE("model: options of an older and of a newer header") {
  const std::vector<std::byte> file = test::tiny_model();
  intvit_model *model = nullptr;
  intvit_error error;

  intvit_model_options unset = intvit_default_model_options();
  unset.struct_size = 0;
  CHECK(intvit_model_from_memory(file.data(), file.size(), &unset, &model, &error) == INTVIT_BAD_ARGUMENT);
  CHECK(error.message ==
        std::string("struct_size of the options is not set; begin with intvit_default_model_options()"));

  for (const std::size_t size : {SIZE_MAX, SIZE_MAX / 2, std::size_t{4097}}) {
    unset.struct_size = size;
    CHECK(intvit_model_from_memory(file.data(), file.size(), &unset, &model, &error) == INTVIT_BAD_ARGUMENT);
    CHECK(error.message == "struct_size is " + std::to_string(size) + ", which no options have");
  }
  // The struct before it had a limit of work.
  unset.struct_size = offsetof(intvit_model_options, max_work);
  unset.max_work = 1;
  CHECK(intvit_model_from_memory(file.data(), file.size(), &unset, &model, &error) == INTVIT_OK);
  intvit_model_free(model);
  unset.struct_size -= 1;
  CHECK(intvit_model_from_memory(file.data(), file.size(), &unset, &model, &error) == INTVIT_BAD_ARGUMENT);

  struct Newer {
    intvit_model_options known = intvit_default_model_options();
    void *added = nullptr;
  } newer;
  newer.known.struct_size = sizeof newer;
  CHECK(intvit_model_from_memory(file.data(), file.size(), &newer.known, &model, &error) == INTVIT_OK);
  intvit_model_free(model);
  newer.added = &newer;
  CHECK(intvit_model_from_memory(file.data(), file.size(), &newer.known, &model, &error) == INTVIT_UNSUPPORTED);
  CHECK(model == nullptr);
}

TEST_CASE("model: the work of an image, and models of more are refused") {
  const std::vector<std::byte> file = test::tiny_model();
  intvit_model_options options = intvit_default_model_options();
  const test::ModelHandle model = test::load(file, &options);
  const std::int64_t work = intvit_model_work(model.get());
  CHECK(work > 1000);
  options.max_work = work;
  CHECK(intvit_model_work(test::load(file, &options).get()) == work);
  intvit_model *refused = nullptr;
  intvit_error error;
  options.max_work = work - 1;
  CHECK(intvit_model_from_memory(file.data(), file.size(), &options, &refused, &error) == INTVIT_UNSUPPORTED);
  CHECK_THAT(error.message, Catch::Contains("multiply-accumulates, more than the limit of"));
  CHECK(refused == nullptr);
  options.max_work = -1;
  CHECK(intvit_model_from_memory(file.data(), file.size(), &options, &refused, &error) == INTVIT_BAD_ARGUMENT);
}

TEST_CASE("model: the log tells of loading and of sessions, and not of runs") {
  struct Lines {
    std::vector<std::pair<intvit_log_level, std::string>> lines;
    static void add(void *context, intvit_log_level level, const char *message) {
      static_cast<Lines *>(context)->lines.emplace_back(level, message);
    }
  } lines;
  intvit_model_options options = intvit_default_model_options();
  options.log = Lines::add;
  options.log_context = &lines;
  options.isa = "scalar";
  const ModelHandle model = test::load(test::tiny_model(), &options);
  REQUIRE(lines.lines.size() == 1);
  CHECK(lines.lines[0].first == INTVIT_LOG_INFO);
  CHECK(lines.lines[0].second.rfind("model in memory: loaded for scalar, ", 0) == 0);
  const test::SessionHandle session = test::start(model, 1, 3);
  REQUIRE(lines.lines.size() == 2);
  CHECK(lines.lines[1].second.rfind("session: 1 threads, batch 3, arena of ", 0) == 0);
  const std::vector<Image> images = test::random_images(1, 30, 20, 1);
  const intvit_image image = test::whole(images[0]);
  REQUIRE(intvit_run(session.get(), &image, 1, nullptr) == INTVIT_OK);
  CHECK(lines.lines.size() == 2);
}

TEST_CASE("version: the library's and the header's are one") {
  CHECK(intvit_version() == std::to_string(INTVIT_VERSION_MAJOR) + "." + std::to_string(INTVIT_VERSION_MINOR) + "." +
                                std::to_string(INTVIT_VERSION_PATCH));
  CHECK(intvit_version() == std::string(INTVIT_PROJECT_VERSION));
}

} // namespace
} // namespace intvit
