// Classifies OpenCV's pictures: a picture file, or a video or camera that OpenCV opens. Built where OpenCV is found.
//
//   opencv MODEL PICTURE|VIDEO|URL
//
// Shows: cv::Mat without a copy, whatever its channels and rows, and a region of it.
#include <intvit.hpp>

#include <cstdio>
#include <string>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/videoio.hpp>

namespace {

// OpenCV's pictures are BGR, BGRA or grey. A cv::Mat may be a part of another one, so rows are `step` bytes apart.
bool frame_of(const cv::Mat &picture, intvit_frame &frame) {
  if (picture.empty() || picture.depth() != CV_8U || (picture.channels() != 1 && picture.channels() < 3))
    return false;
  const intvit_pixel_format format = picture.channels() == 1   ? INTVIT_PIXELS_GREY
                                     : picture.channels() == 3 ? INTVIT_PIXELS_BGR
                                                               : INTVIT_PIXELS_BGRA;
  frame =
      intvit_frame_of(format, picture.data, picture.cols, picture.rows, static_cast<std::ptrdiff_t>(picture.step[0]));
  return true;
}

bool classify(intvit::Session &session, const cv::Mat &picture) {
  intvit_frame frame;
  if (!frame_of(picture, frame))
    return false;
  if (const intvit::Status status = session.run(frame); !status) {
    std::fprintf(stderr, "%s\n", status.message());
    return false;
  }
  const auto top = session.top(1);
  if (!top) {
    std::fprintf(stderr, "%s\n", top.error().message());
    return false;
  }
  const intvit_class &best = top->front();
  const std::string name = best.label != nullptr ? best.label : "class " + std::to_string(best.index);
  std::printf("%s %d %%\n", name.c_str(), static_cast<int>(best.probability) / 10000);
  return true;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL PICTURE|VIDEO|URL\n", argv[0]);
    return 2;
  }
  const auto model = intvit::Model::open(argv[1]);
  if (!model) {
    std::fprintf(stderr, "%s\n", model.error().message());
    return 1;
  }
  auto session = model->session();
  if (!session) {
    std::fprintf(stderr, "%s\n", session.error().message());
    return 1;
  }
  const cv::Mat picture = cv::imread(argv[2], cv::IMREAD_UNCHANGED);
  if (!picture.empty())
    return classify(*session, picture) ? 0 : 1;
  cv::VideoCapture video(argv[2]);
  cv::Mat frame;
  int frames = 0;
  while (video.read(frame) && classify(*session, frame))
    ++frames;
  if (frames == 0)
    std::fprintf(stderr, "%s: OpenCV reads no picture and no video\n", argv[2]);
  return frames > 0 ? 0 : 1;
}
