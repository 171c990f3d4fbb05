// The tiled matrix product that all vector instruction sets share (docs/numerics.md, "Linear").
//
// A translation unit of its own instantiates this with a class V of the instruction set's operations (panel.hpp), so
// that nothing compiled with its flags can be linked into another. A tile of V::tile_rows rows by one panel is
// accumulated in registers over all of K, then goes through the epilogue row by row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/linear.hpp"
#include "kernels/vector/panel.hpp"
#include "kernels/vector/stlq_panel.hpp"

namespace intvit::kernels::vector {

template <class V> class LinearTile {
  using Vec = typename V::Vec;
  using Element = typename V::Element;

  static constexpr int group = V::group;
  static constexpr int lanes = V::lanes;
  static constexpr int vectors = V::tile_vectors;
  static constexpr int tile_rows = V::tile_rows;

  // Rows that meet all panels before the next ones do: as many as the second cache holds beside a panel, so that panels
  // are read seldom.
  static constexpr std::ptrdiff_t part_bytes = std::ptrdiff_t{512} * 1024;

  // Rows for which a panel of words is decoded once, where they are read in place: with fewer, decoding costs more than
  // inputs that the second cache does not hold.
  static constexpr int least_decoded_rows = 36 * tile_rows;

  static constexpr int groups(int in_features) { return (in_features + group - 1) / group; }

  // A panel: the weights [groups][columns][group], then its constants.
  static constexpr std::ptrdiff_t weight_bytes(int in_features) {
    return std::ptrdiff_t{groups(in_features)} * columns * group * static_cast<std::ptrdiff_t>(sizeof(Element));
  }
  static constexpr std::ptrdiff_t panel_bytes(int in_features) {
    return weight_bytes(in_features) + Panel<V>::constants_bytes;
  }

public:
  static constexpr int columns = Panel<V>::columns;

  static std::size_t packed_bytes(int out_features, int in_features) {
    const std::ptrdiff_t panels = (out_features + columns - 1) / columns;
    return static_cast<std::size_t>(panels * panel_bytes(in_features));
  }

  // Prepared rows, then a decoded panel.
  static std::size_t scratch_bytes(int in_features, WeightFormat format) {
    return static_cast<std::size_t>(prepared_bytes(in_features) +
                                    (format == WeightFormat::stlq ? StlqPanels<V>::decoded_bytes(in_features) : 0));
  }

  static void pack(const std::int8_t *weights, const Requantization &requantization, int out_features, int in_features,
                   std::byte *packed) {
    for (int first = 0; first < out_features; first += columns, packed += panel_bytes(in_features)) {
      std::memset(packed, 0, static_cast<std::size_t>(panel_bytes(in_features)));
      auto *elements = reinterpret_cast<Element *>(packed);
      const PanelConstants<V, std::byte> constants(packed + weight_bytes(in_features));
      for (int v = 0; v < vectors; ++v)
        for (int lane = 0; lane < lanes; ++lane) {
          const int column = first + Panel<V>::column(v, lane);
          if (column >= out_features)
            continue;
          const std::int8_t *row = weights + std::ptrdiff_t{column} * in_features;
          const int place_in_panel = v * lanes + lane;
          std::uint32_t sum = 0;
          for (int k = 0; k < in_features; ++k)
            sum += static_cast<std::uint32_t>(row[k]);
          Element *to = elements + std::ptrdiff_t{place_in_panel} * group;
          for (int k = 0; k < in_features; k += group, to += std::ptrdiff_t{columns} * group) {
            Element together[std::size_t{group}] = {};
            for (int g = 0; g < group && k + g < in_features; ++g)
              together[g] = static_cast<Element>(row[k + g]);
            std::memcpy(to, together, sizeof together);
          }
          constants.start[place_in_panel] = static_cast<std::int32_t>(0U - static_cast<std::uint32_t>(V::bias) * sum);
          place<V>(requantization, column, v, lane, constants);
        }
    }
  }

  static void run(const LinearArgs &args, Range rows, Range wanted) {
    switch (args.epilogue) {
    case Epilogue::requantize:
      return run_parts<Epilogue::requantize>(args, rows, wanted);
    case Epilogue::requantize16:
      return run_parts<Epilogue::requantize16>(args, rows, wanted);
    case Epilogue::gelu:
      return run_parts<Epilogue::gelu>(args, rows, wanted);
    case Epilogue::residual:
      return run_parts<Epilogue::residual>(args, rows, wanted);
    case Epilogue::logits:
      return run_parts<Epilogue::logits>(args, rows, wanted);
    }
  }

private:
  static constexpr bool in_place(int in_features) { return V::reads_codes && in_features % group == 0; }

  // Prepared rows are a whole number of 64-byte lines long.
  static constexpr std::ptrdiff_t row_elements(int in_features) {
    constexpr int line = 64 / static_cast<int>(sizeof(Element));
    return std::ptrdiff_t{(in_features + line - 1) / line} * line;
  }
  static std::ptrdiff_t prepared_bytes(int in_features) {
    return in_place(in_features)
               ? 0
               : part_rows(in_features) * row_elements(in_features) * static_cast<std::ptrdiff_t>(sizeof(Element));
  }
  static constexpr int part_rows(int in_features) {
    const std::ptrdiff_t bytes = row_elements(in_features) * static_cast<std::ptrdiff_t>(sizeof(Element));
    const auto tiles = static_cast<int>(part_bytes / bytes / tile_rows);
    return (tiles < 8 ? 8 : tiles) * tile_rows;
  }

  template <Epilogue epilogue> static void run_parts(const LinearArgs &args, Range rows, Range wanted) {
    const int count = rows.end - rows.begin;
    if (count <= 0)
      return;
    // Equal parts, so that no part is left with a few rows for which all panels would be read again.
    int most = part_rows(args.in_features);
    if (args.weight_format == WeightFormat::stlq && in_place(args.in_features) && most < least_decoded_rows)
      most = least_decoded_rows;
    const int parts = (count + most - 1) / most;
    const int part = ((count + parts - 1) / parts + tile_rows - 1) / tile_rows * tile_rows;
    for (int first = rows.begin; first < rows.end; first += part)
      run_part<epilogue>(args, {first, first + part < rows.end ? first + part : rows.end}, wanted);
  }

  template <Epilogue epilogue> static void run_part(const LinearArgs &args, Range rows, Range wanted) {
    const Element *input = nullptr; // row rows.begin
    std::ptrdiff_t stride = 0;
    if (in_place(args.in_features)) {
      stride = args.input_stride;
      input = reinterpret_cast<const Element *>(args.input) + rows.begin * stride;
    } else {
      stride = row_elements(args.in_features);
      auto *prepared = reinterpret_cast<Element *>(args.scratch);
      for (int row = rows.begin; row < rows.end; ++row)
        V::prepare(args.input + row * args.input_stride, args.in_features, prepared + (row - rows.begin) * stride,
                   static_cast<int>(stride));
      input = prepared;
    }
    const PackedPanels panels(args, args.scratch + prepared_bytes(args.in_features));
    // While a panel is worked on, the next one is fetched, a little with every step: a model's weights do not fit the
    // second cache, and the first tile would wait for each line of its panel.
    const std::ptrdiff_t tiles = (rows.end - rows.begin + tile_rows - 1) / tile_rows;
    const std::ptrdiff_t steps = tiles * groups(args.in_features);
    for (int column = wanted.begin; column < wanted.end; column += columns) {
      const int index = column / columns;
      const bool last = column + columns >= wanted.end;
      Ahead ahead{panels.begin(index + (last ? 0 : 1)), last ? 0 : (panels.bytes(index + 1) + steps - 1) / steps};
      const auto [panel, constants] = panels.elements(index);
      const PanelEpilogue<epilogue> finish(args, constants,
                                           {column, column + columns < wanted.end ? column + columns : wanted.end});
      for (int row = rows.begin; row < rows.end; row += tile_rows)
        tile(args, input + (row - rows.begin) * stride, stride, panel, finish,
             {row, row + tile_rows < rows.end ? row + tile_rows : rows.end}, ahead);
    }
  }

  // The panels of either format.
  class PackedPanels {
  public:
    struct Elements {
      const Element *weights;
      const std::byte *constants;
    };

    PackedPanels(const LinearArgs &args, std::byte *decoded)
        : args_(args), decoded_(reinterpret_cast<Element *>(decoded)) {}

    const std::byte *begin(int panel) const {
      return words() ? StlqPanels<V>::begin(args_.packed, panel)
                     : args_.packed + panel * panel_bytes(args_.in_features);
    }
    std::ptrdiff_t bytes(int panel) const {
      return words() ? StlqPanels<V>::bytes(args_.packed, panel, args_.in_features) : panel_bytes(args_.in_features);
    }
    // Valid until it is called again.
    Elements elements(int panel) const {
      if (words())
        return {decoded_, StlqPanels<V>::decode(args_.packed, panel, args_.in_features, decoded_)};
      const std::byte *packed = begin(panel);
      return {reinterpret_cast<const Element *>(packed), packed + weight_bytes(args_.in_features)};
    }

  private:
    bool words() const { return args_.weight_format == WeightFormat::stlq; }

    const LinearArgs &args_;
    Element *decoded_;
  };

  template <Epilogue epilogue> class PanelEpilogue;

  // A tile with fewer rows reads its last one several times and drops the results.
  template <Epilogue epilogue>
  static void tile(const LinearArgs &args, const Element *input, std::ptrdiff_t stride, const Element *panel,
                   const PanelEpilogue<epilogue> &finish, Range rows, Ahead &ahead) {
    const int count = rows.end - rows.begin;
    const Element *at[std::size_t{tile_rows}];
#pragma GCC unroll 16
    for (int r = 0; r < tile_rows; ++r)
      at[r] = input + (r < count ? r : count - 1) * stride;
    Vec sums[std::size_t{tile_rows}][std::size_t{vectors}];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      const Vec start = V::load(finish.constants().start + v * lanes);
#pragma GCC unroll 16
      for (int r = 0; r < tile_rows; ++r)
        sums[r][v] = start;
    }
    add_products<V, Inputs::codes, vectors>(sums, at, panel, groups(args.in_features), &ahead);
#pragma GCC unroll 16
    for (int r = 0; r < tile_rows; ++r)
      if (r < count)
        finish.store(sums[r], rows.begin + r);
  }

  // What happens to the accumulators of one panel's columns, of which the last panel has fewer.
  template <Epilogue epilogue> class PanelEpilogue {
  public:
    PanelEpilogue(const LinearArgs &args, const std::byte *constants, Range wanted)
        : args_(args), constants_(constants), first_(wanted.begin), count_(wanted.end - wanted.begin) {
      if constexpr (epilogue == Epilogue::residual)
        for (int v = 0; v < vectors; ++v)
          for (int lane = 0; lane < lanes; ++lane) {
            const int column = Panel<V>::column(v, lane);
            place_multiplier<V>(column < count_ ? args.residual.multiplier[first_ + column] : 0, v, lane,
                                residual_multiplier_, residual_odd_multiplier_);
          }
      if constexpr (epilogue == Epilogue::gelu)
        for (int pair = 0; pair < vectors / 2; ++pair)
          for (int lane = 0; lane < 2 * lanes; ++lane) {
            const int column = Panel<V>::word_column(pair, lane);
            const int at = pair * 2 * lanes + lane;
            gelu_multiplier_[at] = column < count_ ? args.gelu.multiplier[first_ + column] : std::int16_t{0};
            gelu_zero_point_[at] = column < count_ ? args.gelu.zero_point[first_ + column] : std::int16_t{0};
          }
    }

    const PanelConstants<V, const std::byte> &constants() const { return constants_; }

    void store(Vec (&row)[std::size_t{vectors}], int index) const {
      if constexpr (epilogue == Epilogue::residual) {
        if (args_.residual.stream.type == ElementType::int8)
          add_stream<std::int8_t>(row, index);
        else
          add_stream<std::int16_t>(row, index);
        if (args_.output_type == ElementType::int8)
          store_codes<std::int8_t>(row, index);
        else
          store_codes<std::int16_t>(row, index);
      } else {
        requantize_row<V>(constants_, args_.shift, row);
        if constexpr (epilogue == Epilogue::logits)
          store_logits(row, index);
        else if constexpr (epilogue == Epilogue::requantize16)
          store_codes<std::int16_t>(row, index);
        else
          store_codes<std::int8_t>(row, index);
      }
    }

  private:
    template <typename T> void add_stream(Vec (&row)[std::size_t{vectors}], int index) const {
      const T *from =
          static_cast<const T *>(args_.residual.stream.data) + index * args_.residual.stream.stride + first_;
      T whole[std::size_t{columns}];
      if (count_ < columns) {
        std::memset(whole, 0, sizeof whole);
        std::memcpy(whole, from, static_cast<std::size_t>(count_) * sizeof(T));
        from = whole;
      }
      Vec codes[std::size_t{vectors}];
      V::load_row(from, args_.residual.shift, codes);
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) {
        const int at = v * lanes;
        row[v] = V::add_requantize(row[v], V::load(constants_.multiplier + at), V::load(constants_.odd_multiplier + at),
                                   codes[v], V::load(residual_multiplier_ + at), V::load(residual_odd_multiplier_ + at),
                                   V::load64(constants_.offset + at), V::load64(constants_.offset + at + lanes / 2),
                                   args_.shift);
      }
    }

    template <typename T> void store_codes(const Vec (&row)[std::size_t{vectors}], int index) const {
      T *to = static_cast<T *>(args_.output) + index * args_.output_stride + first_;
      T whole[std::size_t{columns}];
      T *place = count_ < columns ? whole : to;
      if constexpr (epilogue == Epilogue::gelu)
        V::store_gelu(place, row, args_.gelu.fraction_bits, gelu_multiplier_, gelu_zero_point_);
      else
        V::store_row(place, row);
      if (count_ < columns)
        std::memcpy(to, whole, static_cast<std::size_t>(count_) * sizeof(T));
    }

    void store_logits(const Vec (&row)[std::size_t{vectors}], int index) const {
      std::int32_t *to = static_cast<std::int32_t *>(args_.output) + index * args_.output_stride + first_;
      for (int v = 0; v < vectors; ++v) {
        std::int32_t values[std::size_t{lanes}];
        V::store(values, row[v]);
        for (int lane = 0; lane < lanes; ++lane)
          if (const int column = Panel<V>::column(v, lane); column < count_)
            to[column] = values[lane];
      }
    }

    const LinearArgs &args_;
    PanelConstants<V, const std::byte> constants_;
    int first_;
    int count_;
    alignas(64) std::int32_t residual_multiplier_[epilogue == Epilogue::residual ? std::size_t{columns} : 1] = {};
    alignas(64) std::int32_t residual_odd_multiplier_[epilogue == Epilogue::residual ? std::size_t{columns} : 1] = {};
    alignas(64) std::int16_t gelu_multiplier_[epilogue == Epilogue::gelu ? std::size_t{columns} : 1] = {};
    alignas(64) std::int16_t gelu_zero_point_[epilogue == Epilogue::gelu ? std::size_t{columns} : 1] = {};
  };
};

} // namespace intvit::kernels::vector
