// Fused attention on vectors (docs/numerics.md, "Attention").
//
// Every call packs a head's keys and values into panels like a linear map's weights. Then it takes V::tile_rows queries
// at a time: their scores against all keys, the softmax of each row of scores, and the product of the weights with the
// values. All of that stays in the thread's scratch memory.
//
// The weights of all softmaxes except int8 have up to 16 bits. Where the product multiplies bytes, they are written as
// two planes of bytes, weight = 2^8 * high + low; each plane is multiplied by the values on its own, and the two sums
// are added with the same factor. Where an element holds 16 bits, one plane is enough. Where elements are signed, a
// plane holds weights plus V::attention_weight_bias.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/attention.hpp"
#include "kernels/reciprocal.hpp"
#include "kernels/vector/key_panels.hpp"
#include "kernels/vector/panel.hpp"
#include "kernels/vector/softmax_rows.hpp"
#include "kernels/vector/tile_product.hpp"

namespace intvit::kernels::vector {

template <SoftmaxOperations V> class AttentionTile {
  using Vec = typename V::Vec;
  using Element = typename V::Element;
  using Product = TileProduct<V>;
  using Keys = KeyPanels<V>;
  using Input = typename Product::Input;

  static constexpr int rows = V::tile_rows;
  static constexpr int lanes = V::lanes;
  static constexpr int vectors = V::tile_vectors;
  static constexpr int columns = Panel<V>::columns;
  static constexpr int group = V::group;
  static constexpr int block = 4 * lanes; // tokens whose distances fill one vector of bytes

  static constexpr int round_up(int n, int to) { return (n + to - 1) / to * to; }

  // How scratch memory is divided. Every part is a whole number of 64-byte lines:
  //   keys       panels of V::Element, [key_vectors * lanes tokens][head_dim], as KeyPanels packs them
  //   starts     what the scores of each key start at
  //   values     panels of V::Element, [tokens][value_panels * columns]
  //   constants  PanelConstants of each panel of values
  //   queries    a tile of rows, converted to elements where they cannot be read in place
  //   scores     a tile of rows
  //   codes      distances of one row, one byte each
  //   high, low  the planes of weights, a tile of rows each; no high one where an element holds 16 bits
  //   sums       the products of the planes with one panel of values: a tile of low, then one of high
  //   arranged   two places for a tile of rows that the product rearranges; none where it does not
  struct Layout {
    int key_vectors;   // of `lanes` tokens
    int score_columns; // tokens, rounded up to whole blocks
    int row_elements;  // score_columns, rounded up to whole lines of elements
    int query_elements;
    int value_panels;
    int head_dim_steps;
    int token_steps;
    std::size_t keys, starts, values, constants, queries, scores, codes, high, low, sums, arranged,
        total;                 // bytes from the beginning
    std::size_t arranged_tile; // bytes of one of the two places

    Layout(int tokens, int head_dim)
        : key_vectors(Keys::vectors_of(tokens)), score_columns(round_up(tokens, block)),
          row_elements(round_up(tokens, 64)), query_elements(round_up(head_dim, 64)),
          value_panels((head_dim + columns - 1) / columns), head_dim_steps(steps<V>(head_dim)),
          token_steps(steps<V>(tokens)) {
      std::size_t end = 0;
      const auto part = [&end](std::size_t bytes) {
        const std::size_t begin = end;
        end += (bytes + 63) / 64 * 64;
        return begin;
      };
      const auto area = [](int a, int b, std::size_t size) {
        return static_cast<std::size_t>(a) * static_cast<std::size_t>(b) * size;
      };
      keys = part(area(key_vectors * lanes, head_dim_steps * group, sizeof(Element)));
      starts = part(area(key_vectors * lanes, 1, sizeof(std::int32_t)));
      values = part(area(value_panels * columns, token_steps * group, sizeof(Element)));
      constants = part(area(value_panels, static_cast<int>(Panel<V>::constants_bytes), 1));
      queries = part(area(rows, query_elements, sizeof(Element)));
      scores = part(area(rows, score_columns, sizeof(std::int32_t)));
      codes = part(area(score_columns, 1, 1));
      high = part(area(V::wide_attention_weights ? 0 : rows, row_elements, sizeof(Element)));
      low = part(area(rows, row_elements, sizeof(Element)));
      sums = part(area(V::wide_attention_weights ? rows : 2 * rows, columns, sizeof(std::int32_t)));
      const std::ptrdiff_t query_bytes = Product::arranged_bytes(head_dim_steps * group);
      const std::ptrdiff_t weight_bytes = Product::arranged_bytes(token_steps * group);
      arranged_tile = static_cast<std::size_t>(query_bytes < weight_bytes ? weight_bytes : query_bytes);
      arranged = part(2 * arranged_tile);
      total = end;
    }
  };

public:
  static std::size_t scratch_bytes(int tokens, int head_dim) { return Layout(tokens, head_dim).total; }

  static void run(const AttentionArgs &args, int head, Range queries) {
    if (queries.begin >= queries.end)
      return;
    Head h(args, head);
    h.pack_keys();
    h.pack_values();
    for (int first = queries.begin; first < queries.end; first += rows)
      h.compute(first, queries.end - first < rows ? queries.end - first : rows);
  }

private:
  static_assert(bias_lanes % lanes == 0, "a bias is read in whole vectors");

  // The score of the lanes that fill up the last vector of keys. Any real score, bias and mask included, is above
  // -(2^24 + 2^28 + 2^29), so these lanes never hold a row's largest.
  static constexpr std::int32_t no_score = -(std::int32_t{1} << 30);

  class Head {
  public:
    Head(const AttentionArgs &args, int head)
        : args_(args), head_(head), layout_(args.tokens, args.head_dim),
          channels_(std::ptrdiff_t{args.heads} * args.head_dim), first_(std::ptrdiff_t{head} * args.head_dim),
          softmax_(args, head) {}

    void pack_keys() {
      std::int32_t *starts = part<std::int32_t>(layout_.starts);
      Element prepared[std::size_t{max_head_dim}];
      Keys::pack(
          args_.tokens, args_.head_dim,
          [&](int token) { return args_.qkv + attention_row(args_, token) * 3 * channels_ + channels_ + first_; },
          prepared, part<Element>(layout_.keys), starts);
      for (int token = 0; args_.token_bias != nullptr && token < args_.tokens; ++token)
        starts[token] += args_.token_bias[token];
      for (int token = args_.tokens; token < layout_.key_vectors * lanes; ++token)
        starts[token] = no_score;
    }

    // Panels of values [steps][columns][group]. Here tokens are what is summed over, and the head's channels are the
    // columns, in the order of a linear map's panel.
    void pack_values() {
      for (int panel = 0; panel < layout_.value_panels; ++panel) {
        Element *values = part<Element>(layout_.values) + std::ptrdiff_t{panel} * layout_.token_steps * columns * group;
        Element *to = values;
        const int first = panel * columns;
        const int count = args_.head_dim - first < columns ? args_.head_dim - first : columns;
        const std::int8_t *from = args_.qkv + 2 * channels_ + first_ + first;
        for (int step = 0; step < layout_.token_steps; ++step, to += columns * group) {
          const int token = step * group;
          if (args_.rows == nullptr && count == columns && token + group <= args_.tokens) {
            V::interleave(from + std::ptrdiff_t{token} * 3 * channels_, 3 * channels_, to);
            continue;
          }
          std::int8_t whole[std::size_t{group} * columns] = {};
          for (int g = 0; g < group && token + g < args_.tokens; ++g)
            std::memcpy(whole + g * columns, from + attention_row(args_, token + g) * 3 * channels_,
                        static_cast<std::size_t>(count));
          V::interleave(whole, columns, to);
        }
        const PanelConstants<V, std::byte> constants(panel_constants(panel));
        std::memset(panel_constants(panel), 0, static_cast<std::size_t>(Panel<V>::constants_bytes));
        for (int v = 0; v < vectors; ++v)
          for (int lane = 0; lane < lanes; ++lane)
            if (const int column = Panel<V>::column(v, lane); column < count)
              place<V>(args_.requantization, first_ + first + column, v, lane, constants);
        write_starts<V::attention_weight_bias, vectors>(values, layout_.token_steps, constants.start);
      }
    }

    void compute(int first, int count) {
      const Element *queries[std::size_t{rows}];
      for (int r = 0; r < rows; ++r)
        queries[r] = query(first + (r < count ? r : count - 1), r);
      const Input input = arrange(queries, layout_.head_dim_steps, 0);
      for_each_tile([&](auto n, int vector) { scores<decltype(n)::value>(input, vector); });
      if (args_.bias.bias != nullptr)
        for (int r = 0; r < count; ++r)
          add_bias(first + r, score_row(r));
      Reciprocal divisors[std::size_t{rows}];
      for (int r = 0; r < count; ++r)
        divisors[r] = reciprocal(softmax_.weigh(score_row(r), part<std::uint8_t>(layout_.codes),
                                                weight_row(layout_.high, r), weight_row(layout_.low, r)));
      const Input low = weights(layout_.low, 0, count);
      const Input high = two_planes() ? weights(layout_.high, 1, count) : low;
      for (int panel = 0; panel < layout_.value_panels; ++panel)
        outputs(panel, first, count, divisors, low, high);
    }

  private:
    // See KeyPanels.
    template <typename Work> void for_each_tile(const Work &work) const {
      Keys::for_each_tile(layout_.key_vectors, work);
    }

    template <typename T> T *part(std::size_t offset) const { return reinterpret_cast<T *>(args_.scratch + offset); }
    std::byte *panel_constants(int panel) const {
      return args_.scratch + layout_.constants + panel * Panel<V>::constants_bytes;
    }
    std::int32_t *score_row(int r) const { return part<std::int32_t>(layout_.scores) + r * layout_.score_columns; }
    Element *weight_row(std::size_t plane, int r) const { return part<Element>(plane) + r * layout_.row_elements; }
    bool in_place() const { return Keys::in_place(args_.head_dim); }

    // Bias and mask are 0 in the lanes behind the last token, which keep no_score.
    void add_bias(int query, std::int32_t *scores) const {
      const ScoreBias &b = args_.bias;
      const std::int32_t *bias = bias_row(args_, head_, query);
      const int keys = layout_.key_vectors * lanes;
      for (int key = 0; key < keys; key += lanes)
        V::store(scores + key, V::add(V::load(scores + key), V::load(bias + key)));
      if (b.mask == nullptr)
        return;
      const std::int32_t *mask = b.mask + query * b.stride;
      const Vec masking = V::set(b.masking[head_]);
      for (int key = 0; key < keys; key += lanes)
        V::store(scores + key, V::subtract(V::load(scores + key), V::multiply(V::load(mask + key), masking)));
    }

    const Element *query(int token, int r) const {
      const std::int8_t *codes = args_.qkv + attention_row(args_, token) * 3 * channels_ + first_;
      if (in_place())
        return reinterpret_cast<const Element *>(codes);
      Element *prepared = part<Element>(layout_.queries) + r * layout_.query_elements;
      V::codes_to_elements(codes, args_.head_dim, prepared, layout_.query_elements);
      return prepared;
    }

    // Where accumulators start, so that the `bias` that is added to every input cancels out.
    template <int bias, int n> static void write_starts(const Element *tile, int steps, std::int32_t *starts) {
      if constexpr (bias == 0)
        std::memset(starts, 0, std::size_t{n} * lanes * sizeof(std::int32_t));
      else
        Product::template cancel_bias<bias, n>(tile, steps, starts);
    }

    // A tile of rows as the product reads them. Those that it rearranges go to one of two places of scratch memory.
    Input arrange(const Element *const (&at)[std::size_t{rows}], int steps, std::size_t place) const {
      std::byte *to = args_.scratch + layout_.arranged + place * layout_.arranged_tile;
      if (Product::arranged_bytes(steps * group) > 0)
        Product::arrange(at, steps * group, to);
      return Product::input(at, to);
    }

    template <int n> void scores(const Input &queries, int vector) const {
      multiply_tile<V, Inputs::codes, n>(
          queries, part<Element>(layout_.keys) + std::ptrdiff_t{vector} * lanes * layout_.head_dim_steps * group,
          layout_.head_dim_steps, part<std::int32_t>(layout_.starts) + vector * lanes, score_row(0) + vector * lanes,
          layout_.score_columns);
    }

    void outputs(int panel, int first, int count, const Reciprocal (&divisors)[std::size_t{rows}],
                 const Input &low_plane, const Input &high_plane) const {
      std::int32_t *low = part<std::int32_t>(layout_.sums);
      std::int32_t *high = low + std::ptrdiff_t{rows} * columns;
      weigh(low_plane, panel, low);
      if (two_planes())
        weigh(high_plane, panel, high);
      const PanelConstants<V, const std::byte> constants(panel_constants(panel));
      const int wide = args_.head_dim - panel * columns;
      for (int r = 0; r < count; ++r) {
        Vec row[std::size_t{vectors}];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v) {
          const int at = r * columns + v * lanes;
          row[v] = two_planes() ? V::add(V::shift_left(V::load(high + at), 8), V::load(low + at)) : V::load(low + at);
          row[v] = V::quotient(row[v], divisors[r].factor, divisors[r].shift);
        }
        requantize_row<V>(constants, args_.requantization.shift, row);
        std::int8_t *to =
            args_.output + attention_row(args_, first + r) * channels_ + first_ + std::ptrdiff_t{panel} * columns;
        if (wide >= columns) {
          V::store_row(to, row);
        } else {
          std::int8_t whole[std::size_t{columns}];
          V::store_row(whole, row);
          std::memcpy(to, whole, static_cast<std::size_t>(wide));
        }
      }
    }

    bool two_planes() const {
      return !V::wide_attention_weights && args_.softmax != Softmax::int8;
    }

    // A plane of weights as the product reads it.
    Input weights(std::size_t plane, std::size_t place, int count) const {
      const Element *at[std::size_t{rows}];
      for (int r = 0; r < rows; ++r)
        at[r] = weight_row(plane, r < count ? r : count - 1);
      return arrange(at, layout_.token_steps, place);
    }

    // One plane of weights times a panel of values.
    void weigh(const Input &plane, int panel, std::int32_t *to) const {
      const std::int32_t *starts = PanelConstants<V, const std::byte>(panel_constants(panel)).start;
      multiply_tile<V, Inputs::attention_weights, vectors>(
          plane, part<Element>(layout_.values) + std::ptrdiff_t{panel} * layout_.token_steps * columns * group,
          layout_.token_steps, starts, to, columns);
    }

    const AttentionArgs &args_;
    int head_;
    Layout layout_;
    std::ptrdiff_t channels_;
    std::ptrdiff_t first_; // channel of the head
    SoftmaxRows<V> softmax_;
  };
};

} // namespace intvit::kernels::vector
