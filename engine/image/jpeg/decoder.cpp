#include "engine/image/jpeg/decoder.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "engine/image/damage.hpp"
#include "engine/image/jpeg/blocks.hpp"
#include "engine/image/jpeg/headers.hpp"
#include "engine/image/jpeg/inverse_dct.hpp"
#include "engine/image/jpeg/renderer.hpp"
#include "engine/image/jpeg/segments.hpp"

namespace intvit {
namespace {

class Decoder {
public:
  Decoder(std::span<const std::byte> file, ImageSize size) : file_(file), size_(size), data_(file) {}

  Result<Image> decode() {
    std::size_t at = 2; // behind the start of the image
    std::uint8_t marker = next_marker(file_, at);
    for (;; marker = next_marker(file_, at)) {
      if (marker == 0)
        return picture_cut_short();
      if (has_no_segment(marker)) // restart markers that came too late
        continue;
      if (marker == jpeg_marker::end_of_image)
        break;
      const std::optional<JpegSegment> segment = take_segment(file_, at, marker);
      if (!segment || !segment->is_whole)
        return picture_cut_short();
      if (marker != jpeg_marker::start_of_scan) {
        if (Status status = read_header(*segment); !status.ok())
          return status;
        continue;
      }
      if (Status status = read_scan_data(*segment, at); !status.ok())
        return status;
      // The marker that ended the scan is read again.
      at = data_.position() - 2;
    }
    if (image_.rgb.empty())
      return corrupt_picture("there is no scan");
    if (!is_single_scan())
      render_all();
    return std::move(image_);
  }

private:
  Status read_header(const JpegSegment &segment) {
    if (!is_frame(segment.marker))
      return read_tables(segment.marker, segment.payload, tables_);
    if (frame_)
      return corrupt_picture("a second frame");
    Result<JpegFrame> frame = read_frame(segment.marker, segment.payload);
    if (!frame.ok())
      return frame.status();
    frame_ = std::move(*frame);
    return {};
  }

  bool is_single_scan() const { return coefficients_.empty(); }

  // The first scan tells whether there will be more, and by then all that the picture needs is known.
  Status begin_picture(const JpegScan &scan) {
    Result<Image> image = make_image(size_.width, size_.height);
    if (!image.ok())
      return image.status();
    image_ = std::move(*image);
    quantization_.resize(frame_->components.size());
    is_latched_.resize(frame_->components.size());
    renderer_ = std::make_unique<JpegRenderer>(*frame_, colors_of(*frame_, tables_), image_);
    if (!frame_->progressive && scan.parts.size() == frame_->components.size())
      return {};
    for (const JpegComponent &component : frame_->components)
      coefficients_.emplace_back(static_cast<std::size_t>(component.columns) *
                                 static_cast<std::size_t>(component.rows) * block_samples);
    return {};
  }

  // A component keeps the table that its first scan finds.
  Status latch_quantization(const JpegScan &scan) {
    for (const JpegScan::Part &part : scan.parts) {
      const std::size_t table = frame_->components[part.component].quantization;
      if (is_latched_[part.component])
        continue;
      if (!tables_.has_quantization[table])
        return corrupt_picture("a quantization table is missing");
      quantization_[part.component] = tables_.quantization[table];
      is_latched_[part.component] = true;
    }
    return {};
  }

  // What a file costs is decided here and not by counting the scans beforehand: where scans begin in a damaged file
  // depends on what is read of their data.
  Status charge_scan() {
    ++scans_;
    const std::int64_t pixels = size_.width * size_.height;
    if (scans_ <= max_scanned_pixels / std::max(pixels, least_scanned_pixels))
      return {};
    return Status(StatusCode::unsupported, "a picture of " + std::to_string(size_.width) + " x " +
                                               std::to_string(size_.height) + " pixels in " + std::to_string(scans_) +
                                               " scans or more: at most " + std::to_string(max_scanned_pixels) +
                                               " pixels are decoded in all scans together, each counted as " +
                                               std::to_string(least_scanned_pixels) + " at least");
  }

  // `at`: where the data begins.
  Status read_scan_data(const JpegSegment &segment, std::size_t at) {
    if (Status status = charge_scan(); !status.ok())
      return status;
    if (!frame_)
      return corrupt_picture("a scan before the frame");
    const Result<JpegScan> scan = read_scan(segment.payload, *frame_);
    if (!scan.ok())
      return scan.status();
    try {
      if (image_.rgb.empty()) {
        if (Status status = begin_picture(*scan); !status.ok())
          return status;
      } else if (is_single_scan()) {
        return corrupt_picture("a second scan of the whole picture");
      }
    } catch (const std::bad_alloc &) {
      return no_memory_for_image(size_.width, size_.height);
    }
    Status status = latch_quantization(*scan);
    if (status.ok())
      status = blocks_.begin(*scan, *frame_, tables_);
    if (status.ok())
      status = data_.begin(at);
    if (status.ok())
      status = scan->parts.size() == 1 ? read_blocks(*scan) : read_mcus(*scan);
    return status;
  }

  // Before each MCU: a restart where one is due.
  Status begin_mcu(int &left) {
    if (tables_.restart_interval != 0 && left-- == 0) {
      left = tables_.restart_interval - 1;
      blocks_.restart();
      return data_.restart();
    }
    return {};
  }

  // Several components: an MCU has the blocks of each that cover the same part of the picture.
  Status read_mcus(const JpegScan &scan) {
    int left = tables_.restart_interval;
    for (int mcu_row = 0; mcu_row < frame_->mcu_rows; ++mcu_row) {
      for (int mcu_column = 0; mcu_column < frame_->mcu_columns; ++mcu_column) {
        if (Status status = begin_mcu(left); !status.ok())
          return status;
        for (std::size_t i = 0; i < scan.parts.size(); ++i) {
          const JpegComponent &component = frame_->components[scan.parts[i].component];
          for (int y = 0; y < component.vertical; ++y)
            for (int x = 0; x < component.horizontal; ++x)
              read_block(scan, i, mcu_column * component.horizontal + x, mcu_row * component.vertical + y);
        }
        data_.note_overrun();
      }
      if (is_single_scan())
        finish_mcu_row(mcu_row);
    }
    return {};
  }

  // One component: an MCU is a block, and there are none that fill up.
  Status read_blocks(const JpegScan &scan) {
    const JpegComponent &component = frame_->components[scan.parts[0].component];
    const int columns = (component.width + block_side - 1) / block_side;
    const int rows = (component.height + block_side - 1) / block_side;
    int left = tables_.restart_interval;
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column) {
        if (Status status = begin_mcu(left); !status.ok())
          return status;
        read_block(scan, 0, column, row);
        data_.note_overrun();
      }
      if (is_single_scan() && ((row + 1) % component.vertical == 0 || row + 1 == rows))
        finish_mcu_row(row / component.vertical);
    }
    return {};
  }

  void read_block(const JpegScan &scan, std::size_t part, int column, int row) {
    const std::size_t index = scan.parts[part].component;
    if (!is_single_scan()) {
      if (!data_.exhausted())
        blocks_.read(data_.bits(), part, coefficients(index, column, row));
      return;
    }
    if (waiting_count_ == waiting_.size())
      transform_waiting();
    WaitingBlock &block = waiting_[waiting_count_++];
    block.component = index;
    block.samples = renderer_->block(index, column, row % frame_->components[index].vertical);
    block.coefficients[0] = 0;
    block.last = data_.exhausted() ? 0 : blocks_.read(data_.bits(), part, block.coefficients.data());
  }

  void transform_waiting() {
    for (WaitingBlock &block : std::span(waiting_).first(waiting_count_)) {
      inverse_dct(block.coefficients.data(), block.last, quantization_[block.component], block.samples,
                  renderer_->stride(block.component));
      if (block.last != 0)
        block.coefficients.fill(0);
    }
    waiting_count_ = 0;
  }

  void finish_mcu_row(int mcu_row) {
    transform_waiting();
    renderer_->finish_mcu_row(mcu_row);
  }

  std::int16_t *coefficients(std::size_t component, int column, int row) {
    const auto block = static_cast<std::size_t>(row) * static_cast<std::size_t>(frame_->components[component].columns) +
                       static_cast<std::size_t>(column);
    return coefficients_[component].data() + block * block_samples;
  }

  // All scans are read: from coefficients to pixels.
  void render_all() {
    for (int mcu_row = 0; mcu_row < frame_->mcu_rows; ++mcu_row) {
      for (std::size_t i = 0; i < frame_->components.size(); ++i) {
        const JpegComponent &component = frame_->components[i];
        for (int y = 0; y < component.vertical; ++y)
          for (int x = 0; x < component.columns; ++x)
            inverse_dct(coefficients(i, x, mcu_row * component.vertical + y), block_samples - 1, quantization_[i],
                        renderer_->block(i, x, y), renderer_->stride(i));
      }
      renderer_->finish_mcu_row(mcu_row);
    }
  }

  // Blocks of a single scan: a few are read before they are transformed. Coefficients are stored one by one, and
  // vectors load eight at once. A processor hands a load what was just stored only if one store wrote all of it; else
  // the load waits until the stores have reached the cache, which they have when a few more blocks are read.
  // Coefficients are 0 but while a block waits.
  struct WaitingBlock {
    alignas(16) std::array<std::int16_t, block_samples> coefficients{};
    int last = 0;
    std::size_t component = 0;
    std::uint8_t *samples = nullptr;
  };

  std::span<const std::byte> file_;
  ImageSize size_;
  ScanData data_;
  std::int64_t scans_ = 0;
  JpegTables tables_;
  std::optional<JpegFrame> frame_;
  std::vector<QuantizationTable> quantization_; // a component; zeros for one without a scan
  std::vector<bool> is_latched_;
  std::vector<std::vector<std::int16_t>> coefficients_; // a component; none where one scan has them all
  BlockReader blocks_;
  std::array<WaitingBlock, 12> waiting_;
  std::size_t waiting_count_ = 0;
  Image image_;
  std::unique_ptr<JpegRenderer> renderer_;
};

} // namespace

Result<ImageSize> jpeg_size(std::span<const std::byte> file) {
  JpegSegments segments(file);
  while (const auto segment = segments.next()) {
    if (!is_frame(segment->marker))
      continue;
    const Result<JpegFrame> frame = read_frame(segment->marker, segment->payload);
    if (!frame.ok())
      return frame.status();
    return ImageSize{frame->width, frame->height};
  }
  return picture_cut_short();
}

Result<Image> decode_jpeg(std::span<const std::byte> file, ImageSize size) {
  // On the heap: tables and blocks have more bytes than a small stack.
  std::unique_ptr<Decoder> decoder;
  try {
    decoder = std::make_unique<Decoder>(file, size);
  } catch (const std::bad_alloc &) {
    return no_memory_for_image(size.width, size.height);
  }
  return decoder->decode();
}

} // namespace intvit
