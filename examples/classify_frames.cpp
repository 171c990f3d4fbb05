// Classifies frames as a camera would deliver them: RGB rows with padding, several in one batch, with a log and an
// instruction set by name if wanted. The frames are binary PPM files.
//
//   classify_frames MODEL FRAME.ppm ...
//
// Shows: the C++ interface without exceptions, a batch, strides, labels, the log.
#include <intvit.hpp>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

namespace {

// What a camera's driver hands over: rows that begin at multiples of 64 bytes.
struct Frame {
  int width = 0;
  int height = 0;
  std::size_t stride = 0;
  std::vector<char> bytes;
};

bool read_frame(const char *path, Frame &frame) {
  std::ifstream file(path, std::ios::binary);
  std::string kind;
  int maximum = 0;
  if (!(file >> kind >> frame.width >> frame.height >> maximum) || kind != "P6" || maximum != 255 || frame.width < 1 ||
      frame.height < 1 || file.get() == EOF)
    return false;
  const std::size_t row_bytes = static_cast<std::size_t>(frame.width) * 3;
  frame.stride = (row_bytes + 63) / 64 * 64;
  frame.bytes.resize(frame.stride * static_cast<std::size_t>(frame.height));
  for (int y = 0; y < frame.height; ++y)
    file.read(frame.bytes.data() + static_cast<std::size_t>(y) * frame.stride, static_cast<std::streamsize>(row_bytes));
  return static_cast<bool>(file);
}

void log(void *, intvit_log_level level, const char *message) {
  std::fprintf(stderr, "%s: %s\n", level == INTVIT_LOG_WARNING ? "warning" : "info", message);
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s MODEL FRAME.ppm ...\n", argv[0]);
    return 2;
  }
  std::vector<Frame> frames(static_cast<std::size_t>(argc - 2));
  std::vector<intvit_image> images;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    Frame &frame = frames[i];
    if (!read_frame(argv[i + 2], frame)) {
      std::fprintf(stderr, "%s: not a binary PPM file of 8 bits\n", argv[i + 2]);
      return 1;
    }
    images.push_back(
        intvit_rgb_image(frame.bytes.data(), frame.width, frame.height, static_cast<std::ptrdiff_t>(frame.stride)));
  }

  intvit_model_options model_options = intvit_default_model_options();
  model_options.log = log;
  const intvit::Result<intvit::Model> model = intvit::Model::open(argv[1], model_options);
  if (!model) {
    std::fprintf(stderr, "%s\n", model.error().message());
    return 1;
  }
  intvit_session_options options = intvit_default_session_options();
  options.max_batch = static_cast<int>(images.size());
  intvit::Result<intvit::Session> session = model->session(options);
  if (!session) {
    std::fprintf(stderr, "%s\n", session.error().message());
    return 1;
  }
  if (const intvit::Status status = session->run(images); !status) {
    std::fprintf(stderr, "%s\n", status.message());
    return 1;
  }
  for (int i = 0; i < session->images(); ++i) {
    const auto top = session->top(1, i);
    if (!top) {
      std::fprintf(stderr, "%s\n", top.error().message());
      return 1;
    }
    const intvit_class &best = top->front();
    const std::string name = best.label != nullptr ? best.label : "class " + std::to_string(best.index);
    std::printf("%s: %s (logit %d / 2^%d)\n", argv[i + 2], name.c_str(), static_cast<int>(best.logit),
                model->fraction_bits());
  }
  return 0;
}
