#include "tests/engine/image/jpeg_writer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <functional>

#include "engine/image/jpeg/headers.hpp"
#include "tests/engine/image/jpeg_codes.hpp"
#include "tests/engine/image/pictures.hpp"

namespace intvit::test {
namespace {

using Block = std::array<int, block_samples>; // in the file's order

struct Component {
  int id = 0, horizontal = 0, vertical = 0;
  int columns = 0, rows = 0;         // blocks, whole MCUs
  int own_columns = 0, own_rows = 0; // of a scan that has this component alone
  std::vector<Block> blocks;

  Block &at(int column, int row) { return blocks[static_cast<std::size_t>(row * columns + column)]; }
};

int divide_up(int a, int b) {
  return (a + b - 1) / b;
}

std::string big_endian(int value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 255)};
}

std::string marker_segment(int marker, const std::string &payload) {
  return std::string{'\xFF', static_cast<char>(marker)} + big_endian(static_cast<int>(payload.size()) + 2) + payload;
}

class Writer {
public:
  explicit Writer(const JpegKind &kind)
      : kind_(kind),
        random_(kind.seed), dc_{Codes(random_, 16), Codes(random_, 16)}, ac_{Codes(random_, 256), Codes(random_, 256)} {
  }

  std::string write() {
    make_components();
    file_ = "\xFF\xD8";
    if (kind_.jfif)
      file_ += marker_segment(0xE0, std::string("JFIF\0\1\1\0\0\1\0\1\0\0", 14));
    if (kind_.adobe_transform >= 0)
      file_ += marker_segment(0xEE, std::string("Adobe\0\x64\0\0\0\0", 11) + static_cast<char>(kind_.adobe_transform));
    file_ += marker_segment(0xFE, "any comment");
    write_quantization();
    std::string frame =
        "\x08" + big_endian(kind_.height) + big_endian(kind_.width) + static_cast<char>(components_.size());
    for (std::size_t i = 0; i < components_.size(); ++i)
      frame += {static_cast<char>(components_[i].id),
                static_cast<char>(components_[i].horizontal << 4 | components_[i].vertical), static_cast<char>(i != 0)};
    file_ += marker_segment(kind_.progressive ? 0xC2 : kind_.wide_steps ? 0xC1 : 0xC0, frame);
    write_huffman();
    if (kind_.restart_interval != 0)
      write_restart_interval();
    if (kind_.progressive)
      write_progressive();
    else if (kind_.pairs && kind_.seed % 2 == 0) {
      scan({0, 1}, 0, 63, 0, 0);
      scan({2}, 0, 63, 0, 0);
    } else if (kind_.pairs) {
      scan({0}, 0, 63, 0, 0);
      scan({1, 2}, 0, 63, 0, 0);
    } else if (kind_.interleaved)
      scan(all(), 0, 63, 0, 0);
    else
      for (std::size_t i = 0; i < components_.size(); ++i)
        scan({i}, 0, 63, 0, 0);
    return file_ + "\xFF\xD9";
  }

private:
  void write_quantization() {
    for (int table = 0; table < 2; ++table) {
      std::string payload(1, static_cast<char>(table | (kind_.wide_steps ? 16 : 0)));
      for (int i = 0; i < block_samples; ++i) {
        const int step = random_.between(1, kind_.largest_step);
        payload += kind_.wide_steps ? big_endian(step) : std::string(1, static_cast<char>(step));
      }
      file_ += marker_segment(0xDB, payload);
    }
  }
  void write_huffman() {
    for (int i = 0; i < 2; ++i)
      file_ += marker_segment(0xC4, dc_[static_cast<std::size_t>(i)].table(i) +
                                        ac_[static_cast<std::size_t>(i)].table(16 + i));
  }
  void write_restart_interval() { file_ += marker_segment(0xDD, big_endian(kind_.restart_interval)); }

  // Components keep the quantization that their first scan finds.
  void change_tables() {
    dc_ = {Codes(random_, 16), Codes(random_, 16)};
    ac_ = {Codes(random_, 256), Codes(random_, 256)};
    write_huffman();
    write_quantization();
    kind_.restart_interval = random_.between(0, 9);
    write_restart_interval();
  }

  void make_components() {
    int across = 1, down = 1;
    for (const JpegComponentKind &component : kind_.components) {
      across = std::max(across, component.horizontal);
      down = std::max(down, component.vertical);
    }
    mcu_columns_ = divide_up(kind_.width, 8 * across);
    mcu_rows_ = divide_up(kind_.height, 8 * down);
    for (const auto &[id, horizontal, vertical] : kind_.components) {
      Component component{id,
                          horizontal,
                          vertical,
                          mcu_columns_ * horizontal,
                          mcu_rows_ * vertical,
                          divide_up(divide_up(kind_.width * horizontal, across), 8),
                          divide_up(divide_up(kind_.height * vertical, down), 8),
                          {}};
      component.blocks.resize(static_cast<std::size_t>(component.columns * component.rows));
      for (Block &block : component.blocks)
        fill(block);
      components_.push_back(std::move(component));
    }
  }

  // Samples stay about within 0 .. 255: some are clamped. A block in four has a DC coefficient alone.
  void fill(Block &block) {
    block = {};
    const int step = kind_.largest_step;
    block[0] = random_.between(-900, 900) / step;
    if (random_.byte() < 64)
      return;
    const int end = random_.between(1, 63);
    for (int k = 1; k <= end; ++k)
      if (random_.byte() < 96) {
        const int largest = std::max(1, 400 / step / (1 + k / 4));
        block[static_cast<std::size_t>(k)] = random_.between(-largest, largest);
      }
  }

  std::vector<std::size_t> all() const {
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < components_.size(); ++i)
      indices.push_back(i);
    return indices;
  }

  void write_progressive() {
    // As many blocks as an MCU may have; else each component's DC coefficients by themselves.
    int blocks = 0;
    for (const Component &component : components_)
      blocks += component.horizontal * component.vertical;
    const auto dc = [&](int high, int low) {
      if (blocks <= 10)
        return scan(all(), 0, 0, high, low);
      for (const std::size_t i : all())
        scan({i}, 0, 0, high, low);
    };
    dc(0, 1);
    for (const std::size_t i : all()) {
      scan({i}, 1, 5, 0, 2);
      scan({i}, 6, 63, 0, 2);
    }
    for (const std::size_t i : all())
      scan({i}, 1, 63, 2, 1);
    dc(1, 0);
    for (const std::size_t i : all())
      scan({i}, 1, 63, 1, 0);
  }

  void put(int value, int length) {
    for (int bit = length - 1; bit >= 0; --bit) {
      partial_ = partial_ << 1 | (value >> bit & 1);
      if (++filled_ == 8) {
        file_ += static_cast<char>(partial_);
        if (partial_ == 255)
          file_ += '\0';
        partial_ = filled_ = 0;
      }
    }
  }
  void flush() {
    while (filled_ != 0)
      put(1, 1);
  }
  void put_symbol(const Codes &codes, int symbol) { put(codes.of(symbol).bits, codes.of(symbol).length); }
  static int size_of(int value) {
    int size = 0;
    for (int magnitude = std::abs(value); magnitude != 0; magnitude /= 2)
      ++size;
    return size;
  }
  void put_value(int value) { put(value < 0 ? value - 1 : value, size_of(value)); }

  void put_dc(std::size_t part, int value) {
    const int difference = value - previous_[part];
    previous_[part] = value;
    put_symbol(dc_[part != 0], size_of(difference));
    put_value(difference);
  }

  // Runs of blocks whose band has ended, and the bits that refine what they have.
  void end_run(const Codes &codes) {
    if (run_ > 0) {
      const int size = size_of(run_) - 1;
      put_symbol(codes, size << 4);
      put(run_, size);
    }
    run_ = 0;
    put_bits(waiting_);
  }
  void put_bits(std::string &bits) {
    for (const char bit : bits)
      put(bit, 1);
    bits.clear();
  }

  void put_band(const Codes &codes, const Block &block, int first, int last, int low) {
    const auto at = [&](int k) {
      const int value = block[static_cast<std::size_t>(k)];
      return value < 0 ? -(-value >> low) : value >> low;
    };
    int zeros = 0;
    for (int k = first; k <= last; ++k) {
      if (at(k) == 0) {
        ++zeros;
        continue;
      }
      end_run(codes);
      for (; zeros > 15; zeros -= 16)
        put_symbol(codes, 0xF0);
      put_symbol(codes, zeros << 4 | size_of(at(k)));
      put_value(at(k));
      zeros = 0;
    }
    if (zeros > 0)
      end_block(codes);
  }

  void end_block(const Codes &codes) {
    // Sequential files know no runs, and a run's number has at most 15 bits.
    if (++run_ == 0x7FFF || !kind_.progressive)
      end_run(codes);
  }

  void put_refinement(const Codes &codes, const Block &block, int first, int last, int low) {
    const auto magnitude = [&](int k) { return std::abs(block[static_cast<std::size_t>(k)]) >> low; };
    int end = last; // the last coefficient that becomes 1
    while (end >= first && magnitude(end) != 1)
      --end;
    int zeros = 0;
    std::string bits; // of coefficients passed since the last symbol
    for (int k = first; k <= last; ++k) {
      if (magnitude(k) == 0) {
        ++zeros;
        continue;
      }
      for (; zeros > 15 && k <= end; zeros -= 16) {
        end_run(codes);
        put_symbol(codes, 0xF0);
        put_bits(bits);
      }
      if (magnitude(k) > 1) {
        bits += static_cast<char>(magnitude(k) & 1);
        continue;
      }
      end_run(codes);
      put_symbol(codes, zeros << 4 | 1);
      put(block[static_cast<std::size_t>(k)] < 0 ? 0 : 1, 1);
      put_bits(bits);
      zeros = 0;
    }
    if (zeros > 0 || !bits.empty()) {
      waiting_ += bits;
      if (++run_ == 0x7FFF)
        end_run(codes);
    }
  }

  void put_block(std::size_t part, std::size_t component, const Block &block, int first, int last, int high, int low) {
    const Codes &codes = ac_[component != 0];
    if (first == 0 && high == 0)
      put_dc(part, block[0] >> low);
    else if (first == 0)
      put(block[0] >> low & 1, 1);
    if (last == 0)
      return;
    if (high == 0)
      put_band(codes, block, std::max(first, 1), last, low);
    else
      put_refinement(codes, block, first, last, low);
  }

  void scan(const std::vector<std::size_t> &parts, int first, int last, int high, int low) {
    if (kind_.changing && scans_++ != 0)
      change_tables();
    std::string header(1, static_cast<char>(parts.size()));
    for (std::size_t part = 0; part < parts.size(); ++part)
      header +=
          {static_cast<char>(components_[parts[part]].id), static_cast<char>((part != 0) << 4 | (parts[part] != 0))};
    header += {static_cast<char>(first), static_cast<char>(last), static_cast<char>(high << 4 | low)};
    file_ += marker_segment(0xDA, header);
    previous_.fill(0);
    const Codes &codes = ac_[parts[0] != 0];
    int count = 0;
    const auto begin_mcu = [&] {
      if (kind_.restart_interval != 0 && count != 0 && count % kind_.restart_interval == 0) {
        end_run(codes);
        flush();
        file_ += {'\xFF', static_cast<char>(0xD0 + (count / kind_.restart_interval - 1) % 8)};
        previous_.fill(0);
      }
      ++count;
    };
    Component &only = components_[parts[0]];
    if (parts.size() == 1)
      for (int row = 0; row < only.own_rows; ++row)
        for (int column = 0; column < only.own_columns; ++column) {
          begin_mcu();
          put_block(0, parts[0], only.at(column, row), first, last, high, low);
        }
    else
      for (int mcu = 0; mcu < mcu_columns_ * mcu_rows_; ++mcu) {
        begin_mcu();
        for (std::size_t part = 0; part < parts.size(); ++part) {
          Component &component = components_[parts[part]];
          for (int y = 0; y < component.vertical; ++y)
            for (int x = 0; x < component.horizontal; ++x)
              put_block(part, parts[part],
                        component.at(mcu % mcu_columns_ * component.horizontal + x,
                                     mcu / mcu_columns_ * component.vertical + y),
                        first, last, high, low);
        }
      }
    end_run(codes);
    flush();
  }

  JpegKind kind_;
  Lcg random_;
  std::array<Codes, 2> dc_; // of a scan's first part, and of the others
  std::array<Codes, 2> ac_; // of the first component, and of the others
  std::vector<Component> components_;
  int mcu_columns_ = 0, mcu_rows_ = 0;
  int scans_ = 0;
  std::string file_;
  int partial_ = 0, filled_ = 0;
  std::array<int, 4> previous_{};
  int run_ = 0;
  std::string waiting_; // refining bits of the blocks in the run
};

} // namespace

std::string write_jpeg(const JpegKind &kind) {
  return Writer(kind).write();
}

} // namespace intvit::test
