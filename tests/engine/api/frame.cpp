// Frames of cameras through the C interface: where planes and rows are taken to be, and what is refused.
#include <array>
#include <cstring>
#include <functional>

#include "tests/engine/api/fixture.hpp"

namespace intvit {
namespace {

using test::ModelHandle;
using test::SessionHandle;

std::vector<std::int32_t> logits_of_image(const SessionHandle &session, const intvit_image &image) {
  intvit_error error;
  const intvit_status status = intvit_run(session.get(), &image, 1, &error);
  INFO(error.message);
  REQUIRE(status == INTVIT_OK);
  return test::logits_of(session);
}

std::vector<std::int32_t> logits_of_frame(const SessionHandle &session, const intvit_frame &frame) {
  return logits_of_image(session, intvit_frame_image(&frame));
}

TEST_CASE("frames: formats of whole pixels are the RGB picture of the same pixels") {
  const ModelHandle model = test::load(test::tiny_model());
  const SessionHandle session = test::start(model);
  const Image image = test::random_images(1, 41, 30, 3)[0];
  const std::vector<std::int32_t> expected = logits_of_image(session, test::whole(image));
  struct Case {
    intvit_pixel_format format;
    std::array<std::size_t, 3> places; // of red, green and blue
    std::size_t step;
  };
  for (const Case &c : {Case{INTVIT_PIXELS_RGB, {0, 1, 2}, 3}, Case{INTVIT_PIXELS_BGR, {2, 1, 0}, 3},
                        Case{INTVIT_PIXELS_RGBA, {0, 1, 2}, 4}, Case{INTVIT_PIXELS_BGRA, {2, 1, 0}, 4},
                        Case{INTVIT_PIXELS_RGBX, {0, 1, 2}, 4}}) {
    std::vector<std::uint8_t> bytes(std::size_t{41} * 30 * c.step, 77);
    for (std::size_t i = 0; i < std::size_t{41} * 30; ++i)
      for (std::size_t channel = 0; channel < 3; ++channel)
        bytes[i * c.step + c.places[channel]] = image.rgb[i * 3 + channel];
    intvit_frame frame = intvit_frame_of(c.format, bytes.data(), 41, 30, 0);
    CHECK(logits_of_frame(session, frame) == expected);
    frame.plane_bytes[0] = bytes.size();
    frame.region_width = 41; // the whole, said at length
    frame.region_height = 30;
    CHECK(logits_of_frame(session, frame) == expected);
    frame.region_height = 20;
    const intvit_image part = intvit_rgb_image(image.rgb.data(), 41, 20, 0);
    CHECK(logits_of_frame(session, frame) == logits_of_image(session, part));
  }
  std::vector<std::uint8_t> grey(std::size_t{41} * 30);
  Image three = image;
  for (std::size_t i = 0; i < grey.size(); ++i) {
    grey[i] = image.rgb[i * 3];
    for (std::size_t channel = 0; channel < 3; ++channel)
      three.rgb[i * 3 + channel] = grey[i];
  }
  CHECK(logits_of_frame(session, intvit_frame_of(INTVIT_PIXELS_GREY, grey.data(), 41, 30, 0)) ==
        logits_of_image(session, test::whole(three)));
}

TEST_CASE("frames: planes that are not told lie behind one another, and rows that are not told follow from the first") {
  const ModelHandle model = test::load(test::tiny_model());
  const SessionHandle session = test::start(model);
  constexpr int width = 35;
  constexpr int height = 21;
  for (const int stride : {0, 36, 41, 64}) {
    // Bytes between rows are other ones in each, so that a row at the wrong place is noticed.
    const int rows_apart = stride == 0 ? width : stride;
    const Image noise = test::random_images(1, 100, 100, 9)[0];
    const std::vector<std::uint8_t> &buffer = noise.rgb;
    for (const auto &[format, colors_apart] : {std::pair(INTVIT_PIXELS_NV12, rows_apart + rows_apart % 2),
                                               {INTVIT_PIXELS_NV21, rows_apart + rows_apart % 2},
                                               {INTVIT_PIXELS_I420, (rows_apart + 1) / 2}}) {
      CAPTURE(format, stride);
      intvit_frame frame = intvit_frame_of(format, buffer.data(), width, height, stride);
      const std::vector<std::int32_t> found = logits_of_frame(session, frame);
      frame.strides[0] = rows_apart;
      frame.strides[1] = frame.strides[2] = colors_apart;
      frame.planes[1] = buffer.data() + std::ptrdiff_t{rows_apart} * height;
      frame.planes[2] = static_cast<const std::uint8_t *>(frame.planes[1]) + std::ptrdiff_t{colors_apart} * 11;
      CHECK(logits_of_frame(session, frame) == found);
      // From the last row upwards: mirrored, and turned by half.
      frame.height = 20;
      intvit_frame turned = frame;
      turned.mirrored = 1;
      turned.quarter_turns = 2;
      intvit_frame upwards = frame;
      upwards.planes[0] = buffer.data() + std::ptrdiff_t{rows_apart} * 19;
      upwards.strides[0] = -rows_apart;
      for (const std::size_t plane : {1U, 2U}) {
        const auto *first = static_cast<const std::uint8_t *>(frame.planes[plane]);
        upwards.planes[plane] = first + std::ptrdiff_t{colors_apart} * 9;
        upwards.strides[plane] = 0;
      }
      CHECK(logits_of_frame(session, upwards) == logits_of_frame(session, turned));
      CHECK(logits_of_frame(session, upwards) != logits_of_frame(session, frame));
    }
    for (const intvit_pixel_format format : {INTVIT_PIXELS_YUYV, INTVIT_PIXELS_UYVY}) {
      intvit_frame frame = intvit_frame_of(format, buffer.data(), width, height, 0);
      const std::vector<std::int32_t> found = logits_of_frame(session, frame);
      frame.strides[0] = 72;
      CHECK(logits_of_frame(session, frame) == found);
    }
  }
}

TEST_CASE("frames: colours, mirroring and turns are heard of") {
  const ModelHandle model = test::load(test::tiny_model());
  const SessionHandle session = test::start(model);
  const Image noise = test::random_images(1, 60, 60, 4)[0];
  const intvit_frame plain = intvit_frame_of(INTVIT_PIXELS_NV12, noise.rgb.data(), 40, 40, 0);
  std::vector<std::vector<std::int32_t>> found = {logits_of_frame(session, plain)};
  const auto differs = [&](const std::function<void(intvit_frame &)> &change) {
    intvit_frame frame = plain;
    change(frame);
    found.push_back(logits_of_frame(session, frame));
    for (std::size_t i = 0; i + 1 < found.size(); ++i)
      CHECK(found[i] != found.back());
  };
  differs([](intvit_frame &frame) { frame.color_space = INTVIT_BT709; });
  differs([](intvit_frame &frame) { frame.color_range = INTVIT_FULL_RANGE; });
  differs([](intvit_frame &frame) { frame.mirrored = 1; });
  for (const int turns : {1, 2, 3})
    differs([turns](intvit_frame &frame) { frame.quarter_turns = turns; });
  differs([](intvit_frame &frame) {
    frame.left = 3;
    frame.region_width = 20;
    frame.region_height = 40;
  });
}

TEST_CASE("frames: what is refused, and that it says why") {
  const ModelHandle model = test::load(test::tiny_model());
  const SessionHandle session = test::start(model);
  const Image noise = test::random_images(1, 60, 60, 4)[0];
  struct Case {
    std::function<void(intvit_frame &)> change;
    std::string message;
    intvit_status status = INTVIT_BAD_ARGUMENT;
  };
  const auto number = [](auto &field, int value) { std::memcpy(&field, &value, sizeof value); };
  const std::vector<Case> cases = {
      {[](intvit_frame &f) { f.struct_size = 0; },
       "struct_size of the options is not set; begin with intvit_frame_of()"},
      {[](intvit_frame &f) { f.struct_size = 5000; }, "struct_size is 5000, which no options have"},
      {[&](intvit_frame &f) { number(f.format, 11); }, "there is no pixel format 11"},
      {[&](intvit_frame &f) { number(f.format, -1); }, "there is no pixel format -1"},
      {[&](intvit_frame &f) { number(f.color_space, 2); }, "there is no colour space 2"},
      {[&](intvit_frame &f) { number(f.color_range, 2); }, "there is no colour range 2"},
      {[](intvit_frame &f) { f.quarter_turns = 4; }, "a frame is turned by 0 to 3 quarters, not by 4"},
      {[](intvit_frame &f) { f.quarter_turns = -1; }, "a frame is turned by 0 to 3 quarters, not by -1"},
      {[](intvit_frame &f) { f.width = 0; }, "a picture of 0 x 40 pixels is empty"},
      {[](intvit_frame &f) { f.width = 70000; }, ""},
      {[](intvit_frame &f) { f.planes[0] = nullptr; }, "the frame's pixels are at a null pointer"},
      {[](intvit_frame &f) { f.strides[0] = 39; }, "plane 0 of the frame: a stride of 39 bytes for rows of 40 bytes"},
      {[](intvit_frame &f) { f.strides[1] = -39; }, "plane 1 of the frame: a stride of -39 bytes for rows of 40 bytes"},
      {[](intvit_frame &f) { f.strides[0] = PTRDIFF_MAX; },
       "plane 0 of the frame: a stride of " + std::to_string(PTRDIFF_MAX) + " bytes for rows of 40 bytes"},
      {[](intvit_frame &f) { f.strides[0] = -40; },
       "plane 1 of the frame is null, but there is none behind a plane whose rows go upwards"},
      {[](intvit_frame &f) { f.plane_bytes[0] = 1599; },
       "plane 0 of the frame: there are 1599 bytes, its rows need 1600"},
      {[](intvit_frame &f) { f.plane_bytes[0] = 2399; },
       "plane 1 of the frame: there are 2399 bytes, its rows need 2400"},
      {[](intvit_frame &f) { f.plane_bytes[1] = 799; }, "plane 1 of the frame: there are 799 bytes, its rows need 800"},
      {[](intvit_frame &f) { f.left = 1; }, "the region to keep (0 x 0 at 1, 0) is not inside 40 x 40 pixels"},
      {[](intvit_frame &f) {
         f.left = 21;
         f.region_width = 20;
         f.region_height = 40;
       },
       "the region to keep (20 x 40 at 21, 0) is not inside 40 x 40 pixels"},
  };
  intvit_error error;
  for (const Case &bad : cases) {
    intvit_frame frame = intvit_frame_of(INTVIT_PIXELS_NV12, noise.rgb.data(), 40, 40, 0);
    bad.change(frame);
    const intvit_image image = intvit_frame_image(&frame);
    CHECK(intvit_run(session.get(), &image, 1, &error) == bad.status);
    if (bad.message.empty())
      CHECK(std::string(error.message).find("too large") != std::string::npos);
    else
      CHECK(error.message == bad.message);
  }
  const intvit_image none = intvit_frame_image(nullptr);
  CHECK(intvit_run(session.get(), &none, 1, &error) == INTVIT_BAD_ARGUMENT);
  CHECK(error.message == std::string("the frame is at a null pointer"));
  intvit_frame right = intvit_frame_of(INTVIT_PIXELS_NV12, noise.rgb.data(), 40, 40, 0);
  right.plane_bytes[0] = 2400;
  CHECK(logits_of_frame(session, right).size() == test::tiny_classes);

  // A newer program's frame, whose fields beyond these are 0, and one that uses them.
  struct Newer {
    intvit_frame frame;
    std::size_t field;
  };
  Newer newer = {right, 0};
  newer.frame.struct_size = sizeof newer;
  const intvit_image image = intvit_frame_image(&newer.frame);
  CHECK(intvit_run(session.get(), &image, 1, &error) == INTVIT_OK);
  newer.field = 1;
  CHECK(intvit_run(session.get(), &image, 1, &error) == INTVIT_UNSUPPORTED);
}

} // namespace
} // namespace intvit
