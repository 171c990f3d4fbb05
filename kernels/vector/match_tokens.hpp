// Partners of tokens on vectors (docs/numerics.md, "Merging tokens"): the keys of tokens are packed, tiles of them are
// multiplied by those before them, and D(a, b) = |a|^2 + |b|^2 - 2 a b.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/range.hpp"
#include "kernels/token_matching.hpp"
#include "kernels/vector/key_panels.hpp"

namespace intvit::kernels::vector {

template <SoftmaxOperations V> class MatchTokens {
  using Vec = typename V::Vec;
  using Element = typename V::Element;
  using Product = TileProduct<V>;
  using Keys = KeyPanels<V>;

  static constexpr int rows = V::tile_rows;
  static constexpr int lanes = V::lanes;
  static constexpr int group = V::group;

  // How scratch memory is divided, into whole lines of 64 bytes, for as many tokens as may merge:
  //   ranked     RankedTokens'
  //   panels     their keys
  //   starts     what the product with each of them starts at
  //   lengths    |b|^2 of each
  //   prepared   a tile of tokens, and one to pack, converted to elements where they are not read in place
  //   products   a tile of rows
  //   arranged   a tile of rows that the product rearranges
  struct Layout {
    int steps;
    int vectors;
    int elements; // of a prepared row
    std::size_t ranked, panels, starts, lengths, prepared, products, arranged, total;

    Layout(int tokens, int channels)
        : steps(vector::steps<V>(channels)), vectors(Keys::vectors_of(tokens)),
          elements((steps * group + 63) / 64 * 64) {
      std::size_t end = 0;
      const auto part = [&end](std::size_t count, std::size_t size) {
        const std::size_t begin = end;
        end += (count * size + 63) / 64 * 64;
        return begin;
      };
      const std::size_t keys = static_cast<std::size_t>(vectors) * std::size_t{lanes};
      const std::size_t row = static_cast<std::size_t>(steps) * std::size_t{group};
      ranked = part(matching_scratch_bytes(tokens), 1); // match() needs no more
      panels = part(keys * row, sizeof(Element));
      starts = part(keys, sizeof(std::int32_t));
      lengths = part(keys, sizeof(std::int32_t));
      prepared = part(static_cast<std::size_t>(rows + 1) * static_cast<std::size_t>(elements), sizeof(Element));
      products = part(static_cast<std::size_t>(rows) * keys, sizeof(std::int32_t));
      arranged = part(static_cast<std::size_t>(Product::arranged_bytes(steps * group)), 1);
      total = end;
    }
  };

public:
  static std::size_t scratch_bytes(int tokens, int channels) { return Layout(tokens, channels).total; }

  static void find_partners(const MatchTokensArgs &args, Range ranks) {
    const RankedTokens ranked(args);
    if (ranks.begin == 0 && ranks.end > 0)
      ranked.set_no_partner();
    if (ranks.end > 1 && ranks.begin < ranks.end)
      Distances(args, ranked, ranks.end).find_nearest(ranks.begin > 1 ? ranks.begin : 1);
  }

private:
  static std::int32_t squared_length(const std::int8_t *key, int channels) {
    std::int32_t sum = 0;
    for (int c = 0; c < channels; ++c)
      sum += key[c] * key[c];
    return sum;
  }

  class Distances {
  public:
    // Of the first `count` tokens.
    Distances(const MatchTokensArgs &args, const RankedTokens &ranked, int count)
        : args_(args), ranked_(ranked), count_(count), layout_(args.tokens, args.channels),
          vectors_(Keys::vectors_of(count)) {
      Keys::pack(
          count_, args_.channels, [&](int i) { return key(i); }, prepared(rows), part<Element>(layout_.panels),
          part<std::int32_t>(layout_.starts));
      std::int32_t *lengths = part<std::int32_t>(layout_.lengths);
      for (int i = 0; i < vectors_ * lanes; ++i)
        lengths[i] = i < count_ ? squared_length(key(i), args_.channels) : 0;
    }

    // Of those from `begin` on.
    void find_nearest(int begin) const {
      for (int first = begin; first < count_; first += rows) {
        const int count = count_ - first < rows ? count_ - first : rows;
        multiply(first, count);
        for (int r = 0; r < count; ++r)
          set_nearest(first + r, product_row(r));
      }
    }

  private:
    template <typename T> T *part(std::size_t offset) const { return reinterpret_cast<T *>(args_.scratch + offset); }
    const std::int8_t *key(int i) const { return args_.keys + ranked_[i] * args_.stride; }
    Element *prepared(int row) const {
      return part<Element>(layout_.prepared) + std::ptrdiff_t{row} * layout_.elements;
    }
    std::int32_t *product_row(int row) const {
      return part<std::int32_t>(layout_.products) + std::ptrdiff_t{row} * vectors_ * lanes;
    }

    // The products of a tile of tokens with those before them; panels are computed to their ends.
    void multiply(int first, int count) const {
      const Element *at[std::size_t{rows}];
      for (int r = 0; r < rows; ++r) {
        if (r >= count) {
          at[r] = at[count - 1];
          continue;
        }
        const std::int8_t *codes = key(first + r);
        at[r] = reinterpret_cast<const Element *>(codes);
        if (!Keys::in_place(args_.channels)) {
          V::codes_to_elements(codes, args_.channels, prepared(r), layout_.elements);
          at[r] = prepared(r);
        }
      }
      std::byte *arranged = args_.scratch + layout_.arranged;
      if (Product::arranged_bytes(layout_.steps * group) > 0)
        Product::arrange(at, layout_.steps * group, arranged);
      const typename Product::Input input = Product::input(at, arranged);
      Keys::for_each_tile(vectors_, [&](auto n, int vector) {
        constexpr int width = decltype(n)::value;
        if (vector * lanes >= first + count - 1)
          return;
        multiply_tile<V, Inputs::codes, width>(
            input, part<Element>(layout_.panels) + std::ptrdiff_t{vector} * lanes * layout_.steps * group,
            layout_.steps, part<std::int32_t>(layout_.starts) + vector * lanes, product_row(0) + vector * lanes,
            std::ptrdiff_t{vectors_} * lanes);
      });
    }

    // The largest 2 a b - |b|^2 of the first i keys, which lies between -2^30 - 2^29 and 2^29; lanes behind them have
    // -INT32_MAX.
    void set_nearest(int i, std::int32_t *products) const {
      const std::int32_t *lengths = part<std::int32_t>(layout_.lengths);
      Vec best = V::set(-INT32_MAX);
      for (int j = 0; j < i; j += lanes) {
        V::store(products + j, V::subtract(V::shift_left(V::load(products + j), 1), V::load(lengths + j)));
        for (int behind = i; behind < j + lanes; ++behind)
          products[behind] = -INT32_MAX;
        best = V::maximum(best, V::load(products + j));
      }
      const std::int32_t largest = V::largest(best);
      int nearest = 0;
      while (products[nearest] != largest)
        ++nearest;
      ranked_.set_partner(i, nearest, squared_length(key(i), args_.channels) - largest);
    }

    const MatchTokensArgs &args_;
    const RankedTokens &ranked_;
    int count_;
    Layout layout_;
    int vectors_; // of keys
  };
};

} // namespace intvit::kernels::vector
