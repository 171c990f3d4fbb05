// The compiled part of the Python package, over the C++ interface. python/intvit/__init__.py is what users see: it
// brings every kind of image into the form that Core.run() takes.
#include <intvit.hpp>

#include <algorithm>
#include <atomic>
#include <climits>
#include <csignal>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Pixels = nb::ndarray<const std::uint8_t, nb::shape<-1, -1, 3>, nb::device::cpu>;
using Plane = nb::ndarray<const std::uint8_t, nb::device::cpu>;
using Matrix = nb::ndarray<nb::numpy, std::int32_t, nb::ndim<2>>;

Matrix matrix(std::vector<std::int32_t> values, std::size_t rows) {
  auto owned = std::make_unique<std::vector<std::int32_t>>(std::move(values));
  std::int32_t *data = owned->data();
  const std::size_t columns = rows > 0 ? owned->size() / rows : 0;
  const nb::capsule owner(owned.release(),
                          [](void *memory) noexcept { delete static_cast<std::vector<std::int32_t> *>(memory); });
  return Matrix(data, {rows, columns}, owner);
}

// While it lives, SIGINT also ends the run of a session, so that Ctrl-C need not wait for it. For the interpreter's
// main thread alone, which is where Python's own handler, called as well, has its effect.
class EndedByInterrupt {
public:
  EndedByInterrupt(intvit::Session &session, bool active) {
    struct sigaction own = {};
    own.sa_handler = [](int number) {
      if (intvit_session *session = running.load())
        intvit_session_cancel(session);
      before.sa_handler(number);
    };
    active_ = active && sigaction(SIGINT, nullptr, &before) == 0 && (before.sa_flags & SA_SIGINFO) == 0 &&
              before.sa_handler != SIG_IGN && before.sa_handler != SIG_DFL;
    if (!active_)
      return;
    running = session.raw();
    own.sa_flags = before.sa_flags;
    own.sa_mask = before.sa_mask;
    sigaction(SIGINT, &own, nullptr);
  }
  EndedByInterrupt(const EndedByInterrupt &) = delete;
  EndedByInterrupt &operator=(const EndedByInterrupt &) = delete;
  ~EndedByInterrupt() {
    if (!active_)
      return;
    sigaction(SIGINT, &before, nullptr);
    running = nullptr;
  }

private:
  static inline std::atomic<intvit_session *> running = nullptr;
  static inline struct sigaction before = {};
  bool active_ = false;
};

// The runs of one call of the package that go on, on threads of its own.
class Runs {
public:
  void begin(intvit_session *session) {
    const std::lock_guard lock(mutex_);
    sessions_.insert(session);
  }
  void end(intvit_session *session) {
    const std::lock_guard lock(mutex_);
    sessions_.erase(session);
  }
  // Ends those that have begun.
  void cancel() {
    const std::lock_guard lock(mutex_);
    for (intvit_session *session : sessions_)
      intvit_session_cancel(session);
  }

private:
  std::mutex mutex_;
  std::set<intvit_session *> sessions_;
};

// Sessions of equal options that are idle: as many as ever ran at once.
class Sessions {
public:
  Sessions(const intvit::Model &model, int threads, int max_batch) : model_(model) {
    options_.threads = threads;
    options_.max_batch = max_batch;
  }

  intvit::Session take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        intvit::Session session = std::move(idle_.back());
        idle_.pop_back();
        return session;
      }
    }
    return model_.session(options_).value();
  }
  void give_back(intvit::Session session) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(session));
  }
  int max_batch() const { return options_.max_batch; }

private:
  const intvit::Model &model_;
  intvit_session_options options_ = intvit_default_session_options();
  std::mutex mutex_;
  std::vector<intvit::Session> idle_;
};

// A model and its sessions, so that any number of Python's threads may use it.
class Core {
public:
  Core(intvit::Model model, int threads, int max_batch)
      : model_(std::move(model)), together_(model_, threads, max_batch) {
    intvit::Session session = together_.take(); // tells at once what is wrong with the options
    arena_bytes_ = session.arena_bytes();
    threads_ = session.threads();
    together_.give_back(std::move(session));
    alone_.emplace(model_, 1, (max_batch + threads_ - 1) / threads_);
  }

  // `path`: in the file system's encoding, whatever that is.
  static std::unique_ptr<Core> open(const nb::bytes &path, const std::optional<std::string> &isa, int threads,
                                    int max_batch) {
    const std::string name(path.c_str(), path.size());
    const nb::gil_scoped_release released;
    return std::make_unique<Core>(intvit::Model::open(name.c_str(), options(isa)).value(), threads, max_batch);
  }
  static std::unique_ptr<Core> from_bytes(const nb::bytes &bytes, const std::optional<std::string> &isa, int threads,
                                          int max_batch) {
    const void *data = bytes.data();
    const std::size_t size = bytes.size();
    const nb::gil_scoped_release released;
    return std::make_unique<Core>(intvit::Model::from_memory(data, size, options(isa)).value(), threads, max_batch);
  }

  // One row of logits or features an image. 1 to max_batch images, or 1 to share() where `runs` is given: bytes (a
  // picture file) or arrays whose pixels are dense and whose rows do not overlap. They are run on all threads, or on
  // the calling one alone where `runs` is given, which may then cancel the run. `main_thread`: whether the
  // interpreter's own calls.
  Matrix run(const nb::list &images, bool exact, bool features, Runs *runs, bool main_thread) {
    return matrix(run_batch(images, exact, runs, main_thread,
                            [&](intvit::Session &session, int image, std::vector<std::int32_t> &values) {
                              const intvit::Values row =
                                  (features ? session.features(image) : session.logits(image)).value();
                              values.insert(values.end(), row.begin(), row.end());
                            }),
                  images.size());
  }

  // Index, logit and probability in millionths of the `k` most likely classes or labels of each image: rows of 3 k
  // numbers.
  Matrix topk(const nb::list &images, int k, bool exact, Runs *runs, bool main_thread) {
    return matrix(run_batch(images, exact, runs, main_thread,
                            [&](intvit::Session &session, int image, std::vector<std::int32_t> &values) {
                              for (const intvit_class &entry : session.top(k, image).value())
                                values.insert(values.end(), {entry.index, entry.logit, entry.probability});
                            }),
                  images.size());
  }

  const char *outputs() const {
    switch (model_.outputs()) {
    case INTVIT_OUTPUTS_LABELS:
      return "labels";
    case INTVIT_OUTPUTS_SCORES:
      return "scores";
    case INTVIT_OUTPUTS_FEATURES:
      return "features";
    case INTVIT_OUTPUTS_CLASSES:
      break;
    }
    return "classes";
  }
  std::vector<std::string> labels() const {
    std::vector<std::string> labels;
    for (int i = 0; i < model_.classes() && model_.label(i) != nullptr; ++i)
      labels.emplace_back(model_.label(i));
    return labels;
  }
  const intvit::Model &model() const { return model_; }
  std::size_t arena_bytes() const { return arena_bytes_; }
  int threads() const { return threads_; }
  int max_batch() const { return together_.max_batch(); }
  int share() const { return alone_->max_batch(); }

private:
  static intvit_model_options options(const std::optional<std::string> &isa) {
    intvit_model_options options = intvit_default_model_options();
    options.isa = isa ? isa->c_str() : nullptr;
    return options;
  }

  // A frame as python/intvit/__init__.py's Frame gives it: numbers in the order of intvit_frame's fields, then planes
  // whose samples are dense in rows, and whose rows are in order.
  static intvit_frame frame_of(const nb::tuple &fields) {
    const auto number = [&](std::size_t index) { return nb::cast<int>(fields[index]); };
    intvit_frame frame = intvit_frame_of(static_cast<intvit_pixel_format>(number(0)), nullptr, number(3), number(4), 0);
    frame.color_space = static_cast<intvit_color_space>(number(1));
    frame.color_range = static_cast<intvit_color_range>(number(2));
    frame.left = number(5);
    frame.top = number(6);
    frame.region_width = number(7);
    frame.region_height = number(8);
    frame.mirrored = number(9);
    frame.quarter_turns = number(10);
    std::size_t index = 0;
    for (const nb::handle item : nb::cast<nb::tuple>(fields[11])) {
      const auto plane = nb::cast<Plane>(item);
      if (index == std::size(frame.planes) || plane.size() == 0)
        throw nb::value_error("a frame has 1 to 3 planes, and none is empty");
      const bool rows = plane.ndim() > 1;
      const auto stride = rows ? static_cast<std::size_t>(plane.stride(0)) : 0;
      frame.planes[index] = plane.data();
      frame.strides[index] = static_cast<std::ptrdiff_t>(stride);
      frame.plane_bytes[index++] = rows ? stride * (plane.shape(0) - 1) + plane.size() / plane.shape(0) : plane.size();
    }
    return frame;
  }

  // Views of memory that `images` keeps alive, and `frames` for those that are frames.
  static std::vector<intvit_image> images_of(const nb::list &images, bool exact, std::vector<intvit_frame> &frames) {
    std::vector<intvit_image> views;
    frames.reserve(images.size()); // pointers into it stay valid
    for (const nb::handle image : images) {
      if (nb::isinstance<nb::tuple>(image)) {
        if (exact)
          throw nb::value_error("a Frame is always resized: exact pixels are an array of RGB");
        frames.push_back(frame_of(nb::borrow<nb::tuple>(image)));
        views.push_back(intvit_frame_image(&frames.back()));
        continue;
      }
      if (nb::isinstance<nb::bytes>(image)) {
        const auto bytes = nb::borrow<nb::bytes>(image);
        views.push_back(intvit_encoded_image(bytes.data(), bytes.size()));
        continue;
      }
      const auto pixels = nb::cast<Pixels>(image);
      if (pixels.shape(0) > INT_MAX || pixels.shape(1) > INT_MAX)
        throw nb::value_error("an image has more than 2^31 rows or columns");
      const auto width = static_cast<int>(pixels.shape(1));
      const auto height = static_cast<int>(pixels.shape(0));
      const auto stride = static_cast<std::ptrdiff_t>(pixels.stride(0));
      views.push_back(exact ? intvit_input_image(pixels.data(), width, height, stride)
                            : intvit_rgb_image(pixels.data(), width, height, stride));
    }
    return views;
  }

  // Runs the images and collects what `take` appends for each. Without the interpreter's lock.
  template <typename Take>
  std::vector<std::int32_t> run_batch(const nb::list &images, bool exact, Runs *runs, bool main_thread,
                                      const Take &take) {
    std::vector<intvit_frame> frames;
    const std::vector<intvit_image> views = images_of(images, exact, frames);
    const auto count = static_cast<int>(views.size());
    Sessions &sessions = runs != nullptr ? *alone_ : together_;
    std::vector<std::int32_t> values;
    for (;;) {
      {
        const nb::gil_scoped_release released;
        intvit::Session session = sessions.take();
        if (runs != nullptr)
          runs->begin(session.raw());
        const intvit::Status status = [&] {
          const EndedByInterrupt guard(session, main_thread);
          return session.run(views.data(), count);
        }();
        if (runs != nullptr)
          runs->end(session.raw());
        if (status)
          for (int i = 0; i < count; ++i)
            take(session, i, values);
        sessions.give_back(std::move(session));
        if (status)
          return values;
        if (status.code() != INTVIT_CANCELLED || runs != nullptr)
          status.value();
      }
      // Python's handler raises KeyboardInterrupt, or whatever the program has put in its place.
      if (PyErr_CheckSignals() != 0)
        throw nb::python_error();
    }
  }

  intvit::Model model_;
  Sessions together_;             // of all threads
  std::optional<Sessions> alone_; // of one thread and its share of a batch
  std::size_t arena_bytes_ = 0;
  int threads_ = 0;
};

} // namespace

NB_MODULE(_intvit, m) {
  nb::exception<intvit::Exception>(m, "Error", PyExc_RuntimeError);
  m.def("version", &intvit_version);
  m.def("isas", [] {
    std::vector<std::string> names;
    for (int i = 0; i < intvit_isa_count(); ++i)
      names.emplace_back(intvit_isa_name(i));
    return names;
  });
  nb::class_<Runs>(m, "Runs").def(nb::init<>()).def("cancel", &Runs::cancel);
  nb::class_<Core>(m, "Core")
      .def_static("open", &Core::open, "path"_a, "isa"_a.none(), "threads"_a, "max_batch"_a)
      .def_static("from_bytes", &Core::from_bytes, "bytes"_a, "isa"_a.none(), "threads"_a, "max_batch"_a)
      .def("run", &Core::run, "images"_a, "exact"_a, "features"_a, "runs"_a.none(), "main_thread"_a)
      .def("topk", &Core::topk, "images"_a, "k"_a, "exact"_a, "runs"_a.none(), "main_thread"_a)
      .def_prop_ro("max_batch", &Core::max_batch)
      .def_prop_ro("share", &Core::share)
      .def("labels", &Core::labels)
      .def_prop_ro("outputs", &Core::outputs)
      .def_prop_ro("width", [](const Core &core) { return core.model().width(); })
      .def_prop_ro("height", [](const Core &core) { return core.model().height(); })
      .def_prop_ro("classes", [](const Core &core) { return core.model().classes(); })
      .def_prop_ro("features", [](const Core &core) { return core.model().features(); })
      .def_prop_ro("fraction_bits", [](const Core &core) { return core.model().fraction_bits(); })
      .def_prop_ro("feature_fraction_bits", [](const Core &core) { return core.model().feature_fraction_bits(); })
      .def_prop_ro("recipe", [](const Core &core) { return core.model().recipe(); })
      .def_prop_ro("isa", [](const Core &core) { return core.model().isa(); })
      .def_prop_ro("weight_bytes", [](const Core &core) { return core.model().weight_bytes(); })
      .def_prop_ro("arena_bytes", &Core::arena_bytes)
      .def_prop_ro("threads", &Core::threads);
}
