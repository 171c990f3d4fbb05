// The product of a tile: V::tile_rows rows of input by a panel of weights, added up over all inputs. Linear maps and
// attention (scores, and weights times values) do all of their multiplications here.
//
// Instruction sets differ most in this, so it can be replaced as a whole. A class V with a dot product of lanes
// (DotProductOperations) gets DotProduct<V>, below. One whose instructions multiply small matrices names a product of
// its own, V::TileProduct, which decides how input rows lie in memory, what an accumulator is, and how rows of results
// come out of accumulators; V::group decides how panels lie. kernels/arm/neon_i8mm.cpp does that.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "kernels/inline.hpp"
#include "kernels/vector/operations.hpp"

namespace intvit::kernels::vector {

// What the input rows of a product are.
enum class Inputs {
  codes,             // int8 codes where they lie, or what V::codes_to_elements() made of them
  attention_weights, // what V::store_attention_weights() wrote
};

// Memory that will be wanted soon, to be fetched meanwhile: `step` bytes further with every step of a product.
struct Ahead {
  const std::byte *at;
  std::ptrdiff_t step;
};

// The sums of a product P over a tile of `rows` rows and `vectors` vectors of columns.
template <class P, class V, int rows, int vectors>
concept TileSumsOf = requires(typename P::template Sums<vectors, rows> sums, const std::int32_t *start,
                              const typename P::Input &input, const typename V::Element *panel, const std::byte *notes,
                              int steps, Ahead *ahead, int r) {
  // Every row begins with these integers, one for a column in the panel's order.
  decltype(sums)(start);
  // Adds the products of the first `rows` rows with `steps` steps of a panel [steps][vectors * lanes][V::group],
  // aligned to 64 bytes. `notes` are the panel's, null where none were taken. `ahead` is null where there is nothing to
  // fetch, else left at what comes next.
  sums.template add<Inputs::codes>(input, panel, notes, steps, ahead);
  sums.template add<Inputs::attention_weights>(input, panel, notes, steps, ahead);
  // The sums of row r, 0 <= r < rows, for the caller to change; valid until the next call for another row.
  { sums.row(r) } -> std::same_as<typename V::Vec(&)[std::size_t{vectors}]>;
};

// A product may want to know something of a panel's weights before it multiplies by them. Then whoever packs a linear
// map's panel shows it the weights, P::noted_inputs of a column at a time, and it takes notes:
//   static constexpr int noted_inputs;
//   static std::ptrdiff_t notes_bytes(int in_features);              // a multiple of 4
//   // Weights of a column, those of the inputs from index * noted_inputs on, zeros behind the last input. `notes` are
//   // aligned to 4 bytes and begin as zeros.
//   static void note(const std::int8_t (&weights)[noted_inputs], int index, std::byte *notes);
//   static void finish_notes(int in_features, std::byte *notes);     // after all columns
// Nobody takes notes of attention's panels, which are made anew for every image.
struct TakesNoNotes {
  static constexpr int noted_inputs = 0;
  static constexpr std::ptrdiff_t notes_bytes(int) { return 0; }
};

// Shows a column's weights, one after the other, to the product P.
template <class P> class NotedColumn {
public:
  explicit NotedColumn(std::byte *notes) : notes_(notes) {}

  void add(std::int8_t weight) {
    if constexpr (P::noted_inputs > 0) {
      weights_[count_++] = weight;
      if (count_ == P::noted_inputs)
        show();
    }
  }
  // After the last input's.
  void finish() {
    if constexpr (P::noted_inputs > 0)
      if (count_ > 0)
        show();
  }

private:
  void show() {
    while (count_ < P::noted_inputs)
      weights_[count_++] = 0;
    P::note(weights_, index_++, notes_);
    count_ = 0;
  }

  std::byte *notes_;
  std::int8_t weights_[P::noted_inputs > 0 ? std::size_t{P::noted_inputs} : 1] = {};
  int count_ = 0;
  int index_ = 0;
};

// A product P for the operations V: sums of whole tiles, and of the narrower ones that attention's keys end with.
template <class P, class V>
concept TileProductFor = TileSumsOf<P, V, V::tile_rows, V::tile_vectors> && TileSumsOf<P, V, V::tile_rows, 1> &&
    (P::short_rows == 0 || TileSumsOf<P, V, P::short_rows, V::tile_vectors>)&&requires(
        const typename V::Element *const (&rows)[std::size_t{V::tile_rows}], int elements, std::byte *to,
        const std::byte *from) {
  // Where a tile's input rows are.
  typename P::Input;
  // The rows of a shorter tile, for what is left at the end of a linear map's rows; 0 where there is none.
  { P::short_rows } -> std::convertible_to<int>;
  // Bytes, a multiple of 64, in which the product wants a tile's rows of so many elements, a whole number of groups. 0
  // for all numbers of elements where it reads rows as they are.
  { P::arranged_bytes(elements) } -> std::same_as<std::ptrdiff_t>;
  // Rewrites a tile's rows so; only called where arranged_bytes() is not 0. `to` is aligned to 64 bytes.
  P::arrange(rows, elements, to);
  // The rows as they are and as arrange() left them; whichever the product does not use need not be there.
  { P::input(rows, from) } -> std::same_as<typename P::Input>;
  { P::noted_inputs } -> std::convertible_to<int>;
  { P::notes_bytes(elements) } -> std::same_as<std::ptrdiff_t>;
};

// A dot product of lanes: what DotProduct needs.
template <class V>
concept DotProductOperations = ElementOperations<V> &&
    requires(typename V::Vec sum, typename V::Vec input, typename V::Vec weights, const typename V::Element *from,
             int value) {
  // The next lanes * group elements of a panel, from an address aligned to their size.
  { V::load_elements(from) } -> std::same_as<typename V::Vec>;
  // `group` elements of an input row in all lanes, codes plus V::code_bias or attention weights as they were stored.
  { V::broadcast_codes(from) } -> std::same_as<typename V::Vec>;
  { V::broadcast_attention_weights(from) } -> std::same_as<typename V::Vec>;
  // An element in all places.
  { V::set_elements(value) } -> std::same_as<typename V::Vec>;
  // Adds to every lane the products of its `group` inputs and weights; exact, as no product or partial sum saturates.
  { V::dot(sum, input, weights) } -> std::same_as<typename V::Vec>;
};

// What products share that read input rows as they are, into one accumulator vector for every row and vector of
// columns.
template <class V> struct RowsInPlace {
  using Vec = typename V::Vec;
  using Element = typename V::Element;
  static constexpr int tile_rows = V::tile_rows;
  static constexpr int lanes = V::lanes;
  static constexpr int group = V::group;
#ifdef __OPTIMIZE_SIZE__
  static constexpr int short_rows = 0;
#else
  static constexpr int short_rows = tile_rows / 2;
#endif

  struct Input {
    const Element *rows[std::size_t{tile_rows}];
  };

  static constexpr std::ptrdiff_t arranged_bytes(int) {
    return 0;
  }
  static void arrange(const Element *const (&)[std::size_t{tile_rows}], int, std::byte *) {}
  INTVIT_INLINE static Input input(const Element *const (&rows)[std::size_t{tile_rows}], const std::byte *) {
    Input result;
#pragma GCC unroll 16
    for (int r = 0; r < tile_rows; ++r)
      result.rows[r] = rows[r];
    return result;
  }

  template <int vectors, int tall = V::tile_rows> class Accumulators {
  public:
    INTVIT_INLINE explicit Accumulators(const std::int32_t *start) {
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) {
        const Vec first = V::load(start + std::ptrdiff_t{v} * lanes);
#pragma GCC unroll 16
        for (int r = 0; r < tall; ++r)
          sums_[r][v] = first;
      }
    }

    INTVIT_INLINE Vec (&row(int r))[std::size_t{vectors}] {
      return sums_[r];
    }

  protected:
    Vec sums_[std::size_t{tall}][std::size_t{vectors}];
  };
};

// A step broadcasts a group of each row and multiplies it by all columns' weights, which are loaded once for all rows.
template <DotProductOperations V> struct DotProduct : RowsInPlace<V>, TakesNoNotes {
  using Rows = RowsInPlace<V>;
  using Vec = typename V::Vec;
  using Element = typename V::Element;
  using Input = typename Rows::Input;
  using Rows::group;
  using Rows::lanes;
  using Rows::tile_rows;

  template <int vectors, int tall = V::tile_rows> class Sums : public Rows::template Accumulators<vectors, tall> {
    using Base = typename Rows::template Accumulators<vectors, tall>;

  protected:
    using Base::sums_;

  public:
    using Base::Base;

    template <Inputs inputs>
    INTVIT_INLINE void add(const Input &input, const Element *panel, const std::byte * /*notes*/, int steps,
                           Ahead *ahead) {
      const Element *rows[std::size_t{tall}];
#pragma GCC unroll 16
      for (int r = 0; r < tall; ++r)
        rows[r] = input.rows[r];
      const std::byte *fetch = ahead != nullptr ? ahead->at : nullptr;
      const std::ptrdiff_t fetch_step = ahead != nullptr ? ahead->step : 0;
#pragma GCC unroll 2
      for (std::ptrdiff_t k = 0; k < std::ptrdiff_t{steps} * group; k += group) {
        if (ahead != nullptr) {
          __builtin_prefetch(fetch, 0, 2);
          fetch += fetch_step;
        }
        Vec weights[std::size_t{vectors}];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v)
          weights[v] = V::load_elements(panel + (k * vectors + std::ptrdiff_t{v} * group) * lanes);
#pragma GCC unroll 16
        for (int r = 0; r < tall; ++r) {
          const Vec a =
              inputs == Inputs::codes ? V::broadcast_codes(rows[r] + k) : V::broadcast_attention_weights(rows[r] + k);
#pragma GCC unroll 8
          for (int v = 0; v < vectors; ++v)
            sums_[r][v] = V::dot(sums_[r][v], a, weights[v]);
        }
      }
      if (ahead != nullptr)
        ahead->at = fetch;
    }
  };

  // to[column] = -bias * the sum of the column's weights: what accumulators start at where `bias` is added to all
  // inputs.
  template <int bias, int vectors> static void cancel_bias(const Element *panel, int steps, std::int32_t *to) {
    for (int v = 0; v < vectors; ++v) {
      Vec sum = V::set(0);
      for (int s = 0; s < steps; ++s)
        sum = V::dot(sum, V::set_elements(1),
                     V::load_elements(panel + (std::ptrdiff_t{s} * vectors + v) * lanes * group));
      V::store(to + std::ptrdiff_t{v} * lanes, V::multiply(sum, V::set(-bias)));
    }
  }
};

// The product of V: its own or that of its dot product.
template <class V> struct ProductOf { using Type = DotProduct<V>; };
template <class V>
requires requires {
  typename V::TileProduct;
}
struct ProductOf<V> {
  using Type = typename V::TileProduct;
};
template <class V> using TileProduct = typename ProductOf<V>::Type;

// A tile's product through memory: row r of `to` is start[] plus row r of input times a panel. Never inlined: what
// surrounds the loop would not leave it enough registers.
template <class V, Inputs inputs, int vectors>
[[gnu::noinline]] void multiply_tile(const typename TileProduct<V>::Input &input, const typename V::Element *panel,
                                     int steps, const std::int32_t *start, std::int32_t *to, std::ptrdiff_t to_stride) {
  typename TileProduct<V>::template Sums<vectors> sums(start);
  sums.template add<inputs>(input, panel, nullptr, steps, nullptr);
#pragma GCC unroll 16
  for (int r = 0; r < V::tile_rows; ++r) {
    const auto &row = sums.row(r);
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v)
      V::store(to + r * to_stride + v * V::lanes, row[v]);
  }
}

} // namespace intvit::kernels::vector
