#include "engine/image/jpeg/headers.hpp"

#include <algorithm>
#include <string>

#include "engine/container/signature.hpp"
#include "engine/image/damage.hpp"
#include "engine/image/jpeg/segments.hpp"

namespace intvit {
namespace {

// Payloads as numbers; reading beyond the end gives 0 and is remembered.
class Fields {
public:
  explicit Fields(std::span<const std::byte> bytes) : bytes_(bytes) {}

  int byte() {
    if (bytes_.empty()) {
      short_ = true;
      return 0;
    }
    const int value = std::to_integer<int>(bytes_.front());
    bytes_ = bytes_.subspan(1);
    return value;
  }
  int word() {
    const int high = byte();
    return high * 256 + byte();
  }
  bool empty() const { return bytes_.empty(); }
  bool was_short() const { return short_; }

private:
  std::span<const std::byte> bytes_;
  bool short_ = false;
};

int divide_up(int number, int by) {
  return (number + by - 1) / by;
}

Status read_quantization(Fields fields, JpegTables &tables) {
  while (!fields.empty()) {
    const int head = fields.byte();
    const auto index = static_cast<std::size_t>(head & 15);
    if (index >= tables.quantization.size() || head >> 4 > 1)
      return corrupt_picture("bad quantization table");
    QuantizationTable &table = tables.quantization[index];
    for (std::size_t k = 0; k < block_samples; ++k)
      table.steps[natural_order[k]] = static_cast<std::uint16_t>(head >> 4 == 0 ? fields.byte() : fields.word());
    tables.has_quantization[index] = true;
  }
  return fields.was_short() ? corrupt_picture("bad quantization table") : Status();
}

Status read_huffman(Fields fields, JpegTables &tables) {
  const auto bad = [] { return corrupt_picture("bad or incomplete Huffman table"); };
  while (!fields.empty()) {
    const int head = fields.byte();
    const auto index = static_cast<std::size_t>(head & 15);
    if (index >= tables.dc.size() || head >> 4 > 1)
      return bad();
    HuffmanCodes codes;
    std::size_t total = 0;
    int left = 1; // codes of the present length that no shorter one begins: at most 2^16
    for (std::uint8_t &count : codes.counts) {
      count = static_cast<std::uint8_t>(fields.byte());
      total += count;
      left = left * 2 - count;
      if (left < 0)
        return bad();
    }
    if (total > codes.symbols.size())
      return bad();
    for (std::size_t i = 0; i < total; ++i)
      codes.symbols[i] = static_cast<std::uint8_t>(fields.byte());
    codes.defined = true;
    (head >> 4 == 0 ? tables.dc : tables.ac)[index] = codes;
  }
  return fields.was_short() ? bad() : Status();
}

// Why frames with that marker are not decoded.
const char *kind_not_decoded(std::uint8_t marker) {
  switch (marker) {
  case 0xC0: // baseline
  case 0xC1: // extended sequential
  case 0xC2: // progressive
    return nullptr;
  case 0xC3:
    return "lossless JPEG";
  case 0xC9:
  case 0xCA:
    return "JPEG with arithmetic coding";
  default:
    return "hierarchical JPEG, or lossless with arithmetic coding";
  }
}

} // namespace

bool is_frame(std::uint8_t marker) {
  // C4, C8 and CC among them are Huffman tables, reserved, and conditions of arithmetic coding.
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

Result<JpegFrame> read_frame(std::uint8_t marker, std::span<const std::byte> payload) {
  if (const char *kind = kind_not_decoded(marker); kind != nullptr)
    return Status(StatusCode::unsupported, std::string(kind) + " is not decoded");
  Fields fields(payload);
  JpegFrame frame;
  frame.progressive = marker == 0xC2;
  const int precision = fields.byte();
  frame.height = fields.word();
  frame.width = fields.word();
  const int count = fields.byte();
  if (fields.was_short())
    return corrupt_picture("a frame header is cut short");
  if (precision != 8)
    return Status(StatusCode::unsupported,
                  "JPEG with samples of " + std::to_string(precision) + " bits is not decoded");
  if (frame.height == 0)
    return Status(StatusCode::unsupported, "JPEG whose height comes behind its first scan (DNL) is not decoded");
  if (count != 1 && count != 3 && count != 4)
    return Status(StatusCode::unsupported,
                  "JPEG with " + std::to_string(count) + " components is not decoded, only with 1, 3 or 4");
  for (int i = 0; i < count; ++i) {
    JpegComponent component;
    component.id = static_cast<std::uint8_t>(fields.byte());
    const int sampling = fields.byte();
    component.horizontal = sampling >> 4;
    component.vertical = sampling & 15;
    component.quantization = static_cast<std::size_t>(fields.byte());
    if (component.horizontal < 1 || component.horizontal > 4 || component.vertical < 1 || component.vertical > 4)
      return corrupt_picture("bad sampling factors");
    if (component.quantization >= 4)
      return corrupt_picture("bad quantization table");
    frame.most_horizontal = std::max(frame.most_horizontal, component.horizontal);
    frame.most_vertical = std::max(frame.most_vertical, component.vertical);
    frame.components.push_back(component);
  }
  if (!fields.empty() || fields.was_short())
    return corrupt_picture("bad frame header");
  frame.mcu_columns = divide_up(frame.width, frame.most_horizontal * block_side);
  frame.mcu_rows = divide_up(frame.height, frame.most_vertical * block_side);
  for (JpegComponent &component : frame.components) {
    // 65535 * 4 at most.
    component.width = divide_up(frame.width * component.horizontal, frame.most_horizontal);
    component.height = divide_up(frame.height * component.vertical, frame.most_vertical);
    component.columns = frame.mcu_columns * component.horizontal;
    component.rows = frame.mcu_rows * component.vertical;
    if (frame.most_horizontal % component.horizontal != 0 || frame.most_vertical % component.vertical != 0)
      return Status(StatusCode::unsupported, "JPEG with components sampled in a ratio that is no whole number is not "
                                             "decoded");
  }
  return frame;
}

Result<JpegScan> read_scan(std::span<const std::byte> payload, const JpegFrame &frame) {
  constexpr int most_blocks_in_mcu = 10;
  Fields fields(payload);
  JpegScan scan;
  int blocks = 0;
  const int count = fields.byte();
  if (count < 1 || count > static_cast<int>(frame.components.size()))
    return corrupt_picture("bad scan header");
  for (int i = 0; i < count; ++i) {
    const int id = fields.byte();
    const int tables = fields.byte();
    const auto is_free = [&](const JpegComponent &component) {
      const auto index = static_cast<std::size_t>(&component - frame.components.data());
      return component.id == id && std::none_of(scan.parts.begin(), scan.parts.end(),
                                                [&](const auto &part) { return part.component == index; });
    };
    const auto found = std::find_if(frame.components.begin(), frame.components.end(), is_free);
    if (found == frame.components.end() || (tables & 15) > 3 || tables >> 4 > 3)
      return corrupt_picture("bad scan header");
    scan.parts.push_back({static_cast<std::size_t>(found - frame.components.begin()),
                          static_cast<std::size_t>(tables >> 4), static_cast<std::size_t>(tables & 15)});
    blocks += found->horizontal * found->vertical;
  }
  const int first = fields.byte();
  const int last = fields.byte();
  const int bits = fields.byte();
  if (!fields.empty() || fields.was_short() || (count > 1 && blocks > most_blocks_in_mcu))
    return corrupt_picture("bad scan header");
  if (!frame.progressive) // then these say nothing, whatever they are
    return scan;
  scan.first = first;
  scan.last = last;
  scan.high = bits >> 4;
  scan.low = bits & 15;
  // DC coefficients come alone, AC coefficients of one component at a time, and after their first scan bit by bit.
  const bool band = first == 0 ? last == 0 : last >= first && last < block_samples && count == 1;
  if (!band || (scan.high != 0 && scan.low != scan.high - 1) || scan.low > 13)
    return corrupt_picture("bad scan header");
  return scan;
}

Status read_tables(std::uint8_t marker, std::span<const std::byte> payload, JpegTables &tables) {
  Fields fields(payload);
  switch (marker) {
  case jpeg_marker::huffman_tables:
    return read_huffman(fields, tables);
  case jpeg_marker::quantization_tables:
    return read_quantization(fields, tables);
  case jpeg_marker::restart_interval:
    if (payload.size() != 2)
      return corrupt_picture("bad restart interval");
    tables.restart_interval = fields.word();
    return {};
  case jpeg_marker::app0:
    tables.has_jfif = tables.has_jfif || (payload.size() >= 14 && begins_with(payload, std::string_view("JFIF\0", 5)));
    return {};
  case jpeg_marker::app14:
    if (payload.size() >= 12 && begins_with(payload, "Adobe"))
      tables.adobe_transform = std::to_integer<int>(payload[11]);
    return {};
  default:
    return {};
  }
}

JpegColors colors_of(const JpegFrame &frame, const JpegTables &tables) {
  const auto &components = frame.components;
  if (components.size() == 1)
    return JpegColors::grey;
  if (components.size() == 4)
    return tables.adobe_transform <= 0 ? JpegColors::cmyk : JpegColors::ycck;
  if (tables.has_jfif)
    return JpegColors::ycc;
  if (tables.adobe_transform >= 0)
    return tables.adobe_transform == 0 ? JpegColors::rgb : JpegColors::ycc;
  return components[0].id == 'R' && components[1].id == 'G' && components[2].id == 'B' ? JpegColors::rgb
                                                                                       : JpegColors::ycc;
}

} // namespace intvit
