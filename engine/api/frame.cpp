#include "engine/api/frame.hpp"

#include <array>
#include <limits>
#include <string>
#include <utility>

#include "engine/api/options.hpp"

namespace intvit::api {

namespace {

Status bad(std::string message) {
  return Status(StatusCode::bad_argument, std::move(message));
}

struct Format {
  PixelFormat format;
  bool reversed;
};

// By the interface's number.
constexpr std::array<Format, 11> formats = {{
    {PixelFormat::rgb, false},
    {PixelFormat::rgb, true},
    {PixelFormat::rgba, false},
    {PixelFormat::rgba, true},
    {PixelFormat::rgba, false},
    {PixelFormat::grey, false},
    {PixelFormat::nv12, false},
    {PixelFormat::nv21, false},
    {PixelFormat::i420, false},
    {PixelFormat::yuyv, false},
    {PixelFormat::uyvy, false},
}};
static_assert(INTVIT_PIXELS_UYVY + 1 == formats.size());

// Where the planes are that the format has, and how far apart their rows. Allocates only for a message.
Status take_planes(const intvit_frame &given, Frame &frame) {
  std::array<std::size_t, 3> bytes{}; // at each pointer; 0: not known
  for (int plane = 0; plane < plane_count(frame.format); ++plane) {
    const auto index = static_cast<std::size_t>(plane);
    const auto name = [plane] { return "plane " + std::to_string(plane) + " of the frame"; };
    std::ptrdiff_t wanted = given.strides[index];
    if (plane > 0 && wanted == 0) {
      const std::ptrdiff_t first = frame.strides[0];
      wanted = (first + first % 2) / (frame.format == PixelFormat::i420 ? 2 : 1); // rounded away from 0
    }
    const std::ptrdiff_t row_bytes = plane_row_bytes(frame.format, plane, given.width);
    const int rows = plane_rows(frame.format, plane, given.height);
    const Result<std::ptrdiff_t> stride = row_distance(wanted, row_bytes, rows);
    if (!stride.ok())
      return stride.status().in(name());
    frame.strides[index] = *stride;
    frame.planes[index] = static_cast<const std::uint8_t *>(given.planes[index]);
    bytes[index] = given.plane_bytes[index];
    std::size_t before = 0; // bytes of the plane before, if this one lies behind it
    if (frame.planes[index] == nullptr) {
      if (plane == 0)
        return bad("the frame's pixels are at a null pointer");
      const std::ptrdiff_t distance = frame.strides[index - 1] * plane_rows(frame.format, plane - 1, given.height);
      if (distance < 0)
        return bad(name() + " is null, but there is none behind a plane whose rows go upwards");
      frame.planes[index] = frame.planes[index - 1] + distance;
      if (bytes[index] == 0 && bytes[index - 1] != 0) {
        before = static_cast<std::size_t>(distance);
        bytes[index] = bytes[index - 1];
      }
    }
    // Of rows that go upwards only the first lies behind the pointer.
    const auto needed = before + static_cast<std::size_t>(*stride > 0 ? *stride * (rows - 1) + row_bytes : row_bytes);
    if (bytes[index] != 0 && bytes[index] < needed)
      return bad(name() + ": there are " + std::to_string(bytes[index]) + " bytes, its rows need " +
                 std::to_string(needed));
    bytes[index] -= bytes[index] != 0 ? before : 0;
  }
  return {};
}

Result<Region> take_region(const intvit_frame &given) {
  if (given.region_width == 0 && given.region_height == 0 && given.left == 0 && given.top == 0)
    return Region{0, 0, given.width, given.height};
  const Region region = {given.left, given.top, given.region_width, given.region_height};
  if (Status status = check_region(given.width, given.height, region); !status.ok())
    return status;
  return region;
}

} // namespace

Result<std::ptrdiff_t> row_distance(std::ptrdiff_t stride, std::ptrdiff_t row_bytes, int rows) {
  if (stride == 0)
    return row_bytes;
  // From the first row to the last, whichever way, must be a distance within memory.
  const std::ptrdiff_t most = std::numeric_limits<std::ptrdiff_t>::max() / rows - 1;
  if ((stride > -row_bytes && stride < row_bytes) || stride > most || stride < -most)
    return bad("a stride of " + std::to_string(stride) + " bytes for rows of " + std::to_string(row_bytes) + " bytes");
  return stride;
}

Result<Frame> take_frame(const void *data) {
  if (data == nullptr)
    return bad("the frame is at a null pointer");
  intvit_frame given = intvit_frame_of(INTVIT_PIXELS_RGB, nullptr, 0, 0, 0);
  if (Status status = take_options(static_cast<const intvit_frame *>(data), sizeof given, "intvit_frame_of()", given);
      !status.ok())
    return status;
  if (given.format < 0 || static_cast<std::size_t>(given.format) >= formats.size())
    return bad("there is no pixel format " + std::to_string(given.format));
  if (given.color_space != INTVIT_BT601 && given.color_space != INTVIT_BT709)
    return bad("there is no colour space " + std::to_string(given.color_space));
  if (given.color_range != INTVIT_VIDEO_RANGE && given.color_range != INTVIT_FULL_RANGE)
    return bad("there is no colour range " + std::to_string(given.color_range));
  if (given.quarter_turns < 0 || given.quarter_turns > 3)
    return bad("a frame is turned by 0 to 3 quarters, not by " + std::to_string(given.quarter_turns));
  if (Status status = check_image_size(given.width, given.height); !status.ok())
    return bad(status.message());
  const Format &format = formats[static_cast<std::size_t>(given.format)];
  const Result<Region> region = take_region(given);
  if (!region.ok())
    return region.status();
  Frame frame;
  frame.format = format.format;
  frame.reversed = format.reversed;
  frame.colors.space = given.color_space == INTVIT_BT709 ? YuvColors::Space::bt709 : YuvColors::Space::bt601;
  frame.colors.range = given.color_range == INTVIT_FULL_RANGE ? YuvColors::Range::full : YuvColors::Range::video;
  frame.region = *region;
  frame.mirrored = given.mirrored != 0;
  frame.quarter_turns = given.quarter_turns;
  if (Status status = take_planes(given, frame); !status.ok())
    return status;
  return frame;
}

} // namespace intvit::api
