#include "engine/image/jpeg/decoder.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "engine/image/jpeg/blocks.hpp"
#include "engine/image/jpeg/headers.hpp"
#include "engine/image/jpeg/inverse_dct.hpp"
#include "engine/image/jpeg/renderer.hpp"
#include "engine/image/jpeg/segments.hpp"

namespace intvit {
namespace {

constexpr std::uint8_t start_of_scan = 0xDA;
constexpr std::uint8_t end_of_image = 0xD9;

Status corrupt(const char *what) {
  return Status(StatusCode::bad_format, std::string("corrupt picture: ") + what);
}

Status cut_short() {
  return corrupt("the file ends before the picture does");
}

class Decoder {
public:
  Decoder(std::span<const std::byte> file, ImageSize size) : file_(file), size_(size) {}

  Result<Image> decode() {
    std::size_t at = 2; // behind the start of the image
    std::uint8_t marker = next_marker(file_, at);
    for (;; marker = next_marker(file_, at)) {
      if (marker == 0)
        return cut_short();
      if (has_no_segment(marker)) // restart markers that came too late
        continue;
      if (marker == end_of_image)
        break;
      const std::optional<JpegSegment> segment = take_segment(file_, at, marker);
      if (!segment || !segment->is_whole)
        return cut_short();
      if (marker != start_of_scan) {
        if (Status status = read_header(*segment); !status.ok())
          return status;
        continue;
      }
      ScanData data(file_, at);
      if (Status status = read_scan_data(*segment, data); !status.ok())
        return status;
      // The marker that ended the scan is read again.
      at = data.position() - 2;
    }
    if (image_.rgb.empty())
      return corrupt("there is no scan");
    if (!is_single_scan())
      render_all();
    return std::move(image_);
  }

private:
  Status read_header(const JpegSegment &segment) {
    if (!is_frame(segment.marker))
      return read_tables(segment.marker, segment.payload, tables_);
    if (frame_)
      return corrupt("a second frame");
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
        return corrupt("a quantization table is missing");
      quantization_[part.component] = tables_.quantization[table];
      is_latched_[part.component] = true;
    }
    return {};
  }

  Status read_scan_data(const JpegSegment &segment, ScanData &data) {
    if (!frame_)
      return corrupt("a scan before the frame");
    const Result<JpegScan> scan = read_scan(segment.payload, *frame_);
    if (!scan.ok())
      return scan.status();
    try {
      if (image_.rgb.empty()) {
        if (Status status = begin_picture(*scan); !status.ok())
          return status;
      } else if (is_single_scan()) {
        return corrupt("a second scan of the whole picture");
      }
    } catch (const std::bad_alloc &) {
      return no_memory_for_image(size_.width, size_.height);
    }
    Status status = latch_quantization(*scan);
    if (status.ok())
      status = blocks_.begin(*scan, *frame_, tables_);
    if (status.ok())
      status = data.begin();
    if (status.ok())
      status = scan->parts.size() == 1 ? read_blocks(*scan, data) : read_mcus(*scan, data);
    return status;
  }

  // Before each MCU: a restart where one is due.
  Status begin_mcu(ScanData &data, int &left) {
    if (tables_.restart_interval != 0 && left-- == 0) {
      left = tables_.restart_interval - 1;
      blocks_.restart();
      return data.restart();
    }
    return {};
  }

  // Several components: an MCU has the blocks of each that cover the same part of the picture.
  Status read_mcus(const JpegScan &scan, ScanData &data) {
    int left = tables_.restart_interval;
    for (int mcu_row = 0; mcu_row < frame_->mcu_rows; ++mcu_row) {
      for (int mcu_column = 0; mcu_column < frame_->mcu_columns; ++mcu_column) {
        if (Status status = begin_mcu(data, left); !status.ok())
          return status;
        for (std::size_t i = 0; i < scan.parts.size(); ++i) {
          const JpegComponent &component = frame_->components[scan.parts[i].component];
          for (int y = 0; y < component.vertical; ++y)
            for (int x = 0; x < component.horizontal; ++x)
              read_block(scan, i, data, mcu_column * component.horizontal + x, mcu_row * component.vertical + y);
        }
        data.note_overrun();
      }
      if (is_single_scan())
        finish_mcu_row(mcu_row);
    }
    return {};
  }

  // One component: an MCU is a block, and there are none that fill up.
  Status read_blocks(const JpegScan &scan, ScanData &data) {
    const JpegComponent &component = frame_->components[scan.parts[0].component];
    const int columns = (component.width + block_side - 1) / block_side;
    const int rows = (component.height + block_side - 1) / block_side;
    int left = tables_.restart_interval;
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column) {
        if (Status status = begin_mcu(data, left); !status.ok())
          return status;
        read_block(scan, 0, data, column, row);
        data.note_overrun();
      }
      if (is_single_scan() && ((row + 1) % component.vertical == 0 || row + 1 == rows))
        finish_mcu_row(row / component.vertical);
    }
    return {};
  }

  void read_block(const JpegScan &scan, std::size_t part, ScanData &data, int column, int row) {
    const std::size_t index = scan.parts[part].component;
    if (!is_single_scan()) {
      if (!data.exhausted())
        blocks_.read(data.bits(), part, coefficients(index, column, row));
      return;
    }
    if (waiting_count_ == waiting_.size())
      transform_waiting();
    WaitingBlock &block = waiting_[waiting_count_++];
    block.component = index;
    block.samples = renderer_->block(index, column, row % frame_->components[index].vertical);
    block.coefficients[0] = 0;
    block.last = data.exhausted() ? 0 : blocks_.read(data.bits(), part, block.coefficients.data());
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

  // Blocks of a single scan: a few are read before they are transformed, as a processor waits where it loads as a
  // vector what it has just stored piece by piece. Coefficients are 0 but while a block waits.
  struct WaitingBlock {
    alignas(16) std::array<std::int16_t, block_samples> coefficients{};
    int last = 0;
    std::size_t component = 0;
    std::uint8_t *samples = nullptr;
  };

  std::span<const std::byte> file_;
  ImageSize size_;
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
  return cut_short();
}

Result<Image> decode_jpeg(std::span<const std::byte> file, ImageSize size) {
  return Decoder(file, size).decode();
}

} // namespace intvit
