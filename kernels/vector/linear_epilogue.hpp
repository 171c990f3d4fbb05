// The epilogues of linear maps on vectors (docs/numerics.md, "Linear"): from the accumulators of one row of a tile to
// the output. Columns of the last panel may lie outside the output. They are computed like the others, from zeros, and
// not written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/linear.hpp"
#include "kernels/vector/panel.hpp"

namespace intvit::kernels::vector {

// The epilogue of one panel's columns, `wanted`.
template <EpilogueOperations V, Epilogue epilogue> class PanelEpilogue {
  using Vec = typename V::Vec;

  static constexpr int lanes = V::lanes;
  static constexpr int vectors = V::tile_vectors;
  static constexpr int columns = Panel<V>::columns;

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
          const int column = Panel<V>::column16(pair, lane);
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
    const T *from = static_cast<const T *>(args_.residual.stream.data) + index * args_.residual.stream.stride + first_;
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
      V::store_gelu(place, row, args_.gelu.function, args_.gelu.fraction_bits, gelu_multiplier_, gelu_zero_point_);
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

} // namespace intvit::kernels::vector
