// How much stack the library needs: docs/embedding.md promises that it is at most `promised` bytes.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <utility>

#include <catch2/catch.hpp>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/container/file_io.hpp"
#include "tests/engine/api/fixture.hpp"
#include "tests/engine/golden/golden_models.hpp"
#include "tests/support/data.hpp"
#include "tests/support/sanitizers.hpp"

namespace intvit {
namespace {

using namespace test;

constexpr std::size_t promised = std::size_t{64} << 10;
#ifdef NDEBUG
constexpr bool optimized = true;
#else
constexpr bool optimized = false;
#endif

std::vector<std::byte> content(const std::string &path) {
  Result<std::vector<std::byte>> bytes = read_file(path);
  REQUIRE(bytes.ok());
  return std::move(*bytes);
}

// Memory for a stack, all of one byte, behind a page that may not be touched.
class Stack {
public:
  explicit Stack(std::size_t size) : guard_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))), size_(size) {
    void *const memory = ::mmap(nullptr, guard_ + size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    memory_ = static_cast<unsigned char *>(memory);
    std::fill_n(begin(), size_, fill);
    REQUIRE(::mprotect(memory_, guard_, PROT_NONE) == 0);
  }
  Stack(const Stack &) = delete;
  Stack &operator=(const Stack &) = delete;
  ~Stack() { ::munmap(memory_, guard_ + size_); }

  // Runs work() on a thread that has this stack. How much of it was used, with what the C library keeps of a thread.
  std::size_t used_by(const std::function<void()> &work) const {
    pthread_attr_t attributes;
    REQUIRE(pthread_attr_init(&attributes) == 0);
    REQUIRE(pthread_attr_setstack(&attributes, begin(), size_) == 0);
    pthread_t thread{};
    const auto call = [](void *function) -> void * {
      (*static_cast<const std::function<void()> *>(function))();
      return nullptr;
    };
    REQUIRE(pthread_create(&thread, &attributes, call, const_cast<std::function<void()> *>(&work)) == 0);
    REQUIRE(pthread_join(thread, nullptr) == 0);
    pthread_attr_destroy(&attributes);
    return static_cast<std::size_t>(begin() + size_ -
                                    std::find_if(begin(), begin() + size_, [](unsigned char c) { return c != fill; }));
  }

private:
  static constexpr unsigned char fill = 0xA5;

  unsigned char *begin() const { return memory_ + guard_; }

  std::size_t guard_;
  std::size_t size_;
  unsigned char *memory_;
};

// A model and what it is run on.
struct Job {
  std::vector<std::byte> file;
  std::vector<std::vector<std::byte>> pictures; // files
};

// Everything that a program does, on every instruction set. Catch2's macros would take stack of their own.
bool do_all(const Job &job) {
  bool done = true;
  for (int isa = 0; isa < intvit_isa_count(); ++isa) {
    intvit_model_options model_options = intvit_default_model_options();
    model_options.isa = intvit_isa_name(isa);
    intvit_session_options options = intvit_default_session_options();
    options.threads = 2;
    intvit_model *model = nullptr;
    intvit_session *session = nullptr;
    intvit_error error;
    done = done &&
           intvit_model_from_memory(job.file.data(), job.file.size(), &model_options, &model, &error) == INTVIT_OK &&
           intvit_session_create(model, &options, &session, &error) == INTVIT_OK;
    static const std::vector<unsigned char> pixels(std::size_t{300} * 200 * 3);
    const intvit_image frame = intvit_rgb_image(pixels.data(), 300, 200, 0);
    intvit_class top;
    const std::int32_t *values = nullptr;
    done = done && intvit_run(session, &frame, 1, &error) == INTVIT_OK;
    if (done && intvit_model_classes(model) > 0)
      done = intvit_top_k(session, 0, 1, &top, &error) == INTVIT_OK;
    if (done && intvit_model_features(model) > 0)
      done = intvit_features(session, 0, &values, &error) == INTVIT_OK;
    for (const std::vector<std::byte> &picture : job.pictures) {
      const intvit_image encoded = intvit_encoded_image(picture.data(), picture.size());
      done = done && intvit_run(session, &encoded, 1, &error) == INTVIT_OK;
    }
    intvit_session_free(session);
    intvit_model_free(model);
    // A file that is refused takes a message.
    done = done && intvit_model_from_memory(job.file.data(), job.file.size() / 2, nullptr, &model, &error) != INTVIT_OK;
  }
  return done;
}

TEST_CASE("stack: loading, sessions, runs and decoding on a thread of the promised size") {
  if (INTVIT_ADDRESS_SANITIZER || INTVIT_THREAD_SANITIZER || !optimized) {
    skip("stacks are larger without optimization and with sanitizers");
    return;
  }
  std::vector<Job> jobs = {{tiny_model(), {}}, {content(INTVIT_SHIPPED_MODEL), {}}};
  for (const Golden &golden : all_golden())
    for (const ModelFile &file : golden.files)
      jobs.push_back({{file.tensors().bytes().begin(), file.tensors().bytes().end()}, {}});
  std::vector<std::string> folders = {"decode", "png"};
#ifdef INTVIT_WEBP
  folders.emplace_back("webp");
#endif
  for (const std::string &folder : folders)
    for (const auto &entry : std::filesystem::directory_iterator(source_file("golden/images/" + folder)))
      jobs.front().pictures.push_back(content(entry.path().string()));
  REQUIRE(jobs.front().pictures.size() > 80);

  std::size_t most = 0;
  for (const Job &job : jobs) {
    bool done = false;
    const auto work = [&] { done = do_all(job); };
    const std::size_t used = Stack(std::size_t{8} << 20).used_by(work); // whatever it needs
    CHECK(done);
    REQUIRE(used <= promised);
    most = std::max(most, used);
    done = false;
    Stack(promised).used_by(work);
    CHECK(done);
  }
  std::cout << "stack: " << most << " bytes at most\n";
  CHECK(most > promised / 8); // else nothing was measured
}

} // namespace
} // namespace intvit
