#include "engine/image/webp.hpp"

#include <memory>
#include <string>

#include <webp/decode.h>
#include <webp/demux.h>

#include "engine/image/damage.hpp"

namespace intvit {
namespace {

struct DeleteDemuxer {
  void operator()(WebPDemuxer *demuxer) const { WebPDemuxDelete(demuxer); }
};
using Demuxer = std::unique_ptr<WebPDemuxer, DeleteDemuxer>;

Demuxer demuxer_of(std::span<const std::byte> file) {
  const WebPData data{reinterpret_cast<const std::uint8_t *>(file.data()), file.size()};
  return Demuxer(WebPDemux(&data));
}

struct Frame : WebPIterator {
  Frame() : WebPIterator{} {}
  Frame(const Frame &) = delete;
  Frame &operator=(const Frame &) = delete;
  ~Frame() { WebPDemuxReleaseIterator(this); }
};

} // namespace

Result<ImageSize> webp_size(std::span<const std::byte> file) {
  const Demuxer demuxer = demuxer_of(file);
  if (demuxer == nullptr)
    return corrupt_picture(std::string("its WebP structure is broken, or ") + file_ends_early);
  return ImageSize{WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH),
                   WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT)};
}

Result<Image> decode_webp(std::span<const std::byte> file, ImageSize size) {
  const Demuxer demuxer = demuxer_of(file);
  Frame frame;
  WebPDecoderConfig config;
  if (demuxer == nullptr || WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0 || frame.complete == 0 ||
      WebPInitDecoderConfig(&config) == 0)
    return corrupt_picture("there is no whole frame");
  Result<Image> image = make_image(size.width, size.height);
  if (!image.ok())
    return image;
  // The demuxer has checked that frames are inside the canvas; to be sure, as the decoder writes there.
  if (frame.x_offset < 0 || frame.y_offset < 0 || frame.width < 1 || frame.height < 1 ||
      frame.x_offset > image->width - frame.width || frame.y_offset > image->height - frame.height)
    return corrupt_picture("a frame outside of the picture");
  const std::size_t begin =
      static_cast<std::size_t>(frame.y_offset) * image->row_bytes() + static_cast<std::size_t>(frame.x_offset) * 3;
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = image->rgb.data() + begin;
  config.output.u.RGBA.stride = static_cast<int>(image->row_bytes());
  config.output.u.RGBA.size = image->rgb.size() - begin;
  switch (WebPDecode(frame.fragment.bytes, frame.fragment.size, &config)) {
  case VP8_STATUS_OK:
    break;
  case VP8_STATUS_OUT_OF_MEMORY:
    return no_memory_for_image(image->width, image->height);
  case VP8_STATUS_NOT_ENOUGH_DATA:
  case VP8_STATUS_SUSPENDED:
    return picture_cut_short();
  default:
    return corrupt_picture("bad WebP data");
  }
  return image;
}

} // namespace intvit
