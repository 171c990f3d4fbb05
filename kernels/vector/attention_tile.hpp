// Fused attention on vectors (docs/numerics.md, "Attention"); V as for linear_tile.hpp.
//
// A head's keys and values are packed once a call into panels like a linear map's weights. Then, for every few queries:
// their scores against all keys, the softmax of each row, and the product with the values, all in the thread's scratch
// memory. lis4's weights, powers of two up to 2^15, go through the 8-bit product as two planes, weight = 2^8 * high +
// low.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/attention.hpp"
#include "kernels/reciprocal.hpp"
#include "kernels/vector/linear_tile.hpp"

namespace intvit::kernels::vector {

template <class V> class AttentionTile {
  using Vec = typename V::Vec;
  using Element = typename V::Element;

  static constexpr int rows = V::tile_rows;
  static constexpr int columns = V::tile_vectors * V::lanes;
  static constexpr int group = V::group;

  static constexpr int round_up(int n, int to) { return (n + to - 1) / to * to; }

  // How scratch memory is divided. Every part is a whole number of 64-byte lines.
  struct Layout {
    int score_columns;  // tokens, rounded up to whole panels
    int weight_columns; // tokens, rounded up to whole vectors and lines
    int query_columns;  // head_dim, rounded up to whole lines
    int value_columns;  // head_dim, rounded up to whole panels
    int head_dim_steps;
    int token_steps;
    std::size_t keys, starts, values, queries, scores, high, low, table, total; // bytes from the beginning

    Layout(int tokens, int head_dim)
        : score_columns(round_up(tokens, columns)), weight_columns(round_up(tokens, 64)),
          query_columns(round_up(head_dim, 64)), value_columns(round_up(head_dim, columns)),
          head_dim_steps(round_up(head_dim, group) / group), token_steps(round_up(tokens, group) / group) {
      std::size_t end = 0;
      const auto part = [&end](std::size_t bytes) {
        const std::size_t begin = end;
        end += (bytes + 63) / 64 * 64;
        return begin;
      };
      const auto area = [](int a, int b, std::size_t size) {
        return static_cast<std::size_t>(a) * static_cast<std::size_t>(b) * size;
      };
      keys = part(area(score_columns, head_dim_steps * group, sizeof(Element)));
      starts = part(area(score_columns, 1, sizeof(std::int32_t)));
      values = part(area(value_columns, token_steps * group, sizeof(Element)));
      queries = part(area(rows, query_columns, sizeof(Element)));
      scores = part(area(rows, score_columns, sizeof(std::int32_t)));
      high = part(area(rows, weight_columns, sizeof(Element)));
      low = part(area(rows, weight_columns, sizeof(Element)));
      table = part(256 * sizeof(std::uint32_t));
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
  class Head {
  public:
    Head(const AttentionArgs &args, int head)
        : args_(args), head_(head), layout_(args.tokens, args.head_dim),
          channels_(std::ptrdiff_t{args.heads} * args.head_dim), first_(std::ptrdiff_t{head} * args.head_dim) {
      // The int8 softmax looks up the same weights for every row.
      if (args.softmax == Softmax::int8)
        for (std::size_t d = 0; d < 256; ++d)
          table()[d] = (*args.int8_weights)[d];
    }

    void pack_keys() {
      Element *keys = part<Element>(layout_.keys);
      std::memset(keys, 0, layout_.starts - layout_.keys);
      std::int32_t *starts = part<std::int32_t>(layout_.starts);
      std::memset(starts, 0, layout_.values - layout_.starts);
      for (int token = 0; token < args_.tokens; ++token) {
        const std::int8_t *key = args_.qkv + token * 3 * channels_ + channels_ + first_;
        Element *to = keys + std::ptrdiff_t{token / columns} * layout_.head_dim_steps * columns * group +
                      (token % columns) * group;
        std::int32_t sum = 0;
        for (int d = 0; d < args_.head_dim; ++d) {
          to[std::ptrdiff_t{d / group} * columns * group + d % group] = static_cast<Element>(key[d]);
          sum += key[d];
        }
        starts[token] = -V::bias * sum; // below 2^7 * 2^7 * 2^10
      }
    }

    void pack_values() {
      Element *values = part<Element>(layout_.values);
      std::memset(values, 0, layout_.queries - layout_.values);
      for (int token = 0; token < args_.tokens; ++token) {
        const std::int8_t *value = args_.qkv + token * 3 * channels_ + 2 * channels_ + first_;
        for (int panel = 0; panel < layout_.value_columns; panel += columns) {
          Element *to = values + std::ptrdiff_t{panel / columns} * layout_.token_steps * columns * group +
                        std::ptrdiff_t{token / group} * columns * group + token % group;
          const int end = args_.head_dim - panel < columns ? args_.head_dim - panel : columns;
          for (int d = 0; d < end; ++d)
            to[d * group] = static_cast<Element>(value[panel + d]);
        }
      }
    }

    void compute(int first, int count) {
      prepare_queries(first, count);
      for (int column = 0; column < args_.tokens; column += columns)
        with_rows(count, [&](auto n) { scores<decltype(n)::value>(column); });
      for (int r = 0; r < count; ++r)
        divisors_[r] = softmax(r);
      for (int column = 0; column < args_.head_dim; column += columns)
        with_rows(count, [&](auto n) { outputs<decltype(n)::value>(first, column); });
    }

  private:
    template <int n> struct Rows { static constexpr int value = n; };

    template <typename Work> static void with_rows(int count, const Work &work) {
      switch (count) {
      case 1:
        return work(Rows<1>{});
      case 2:
        return work(Rows<2>{});
      case 3:
        return work(Rows<3>{});
      case 4:
        return work(Rows<4>{});
      case 5:
        return work(Rows<5>{});
      default:
        static_assert(rows == 6);
        return work(Rows<6>{});
      }
    }

    template <typename T> T *part(std::size_t offset) const { return reinterpret_cast<T *>(args_.scratch + offset); }
    std::uint32_t *table() const { return part<std::uint32_t>(layout_.table); }
    std::int32_t *score_row(int r) const { return part<std::int32_t>(layout_.scores) + r * layout_.score_columns; }

    void prepare_queries(int first, int count) {
      for (int r = 0; r < count; ++r) {
        const std::int8_t *query = args_.qkv + (first + r) * 3 * channels_ + first_;
        Element *to = part<Element>(layout_.queries) + r * layout_.query_columns;
        for (int d = 0; d < args_.head_dim; ++d)
          to[d] = static_cast<Element>(query[d] + V::bias);
        for (int d = args_.head_dim; d < layout_.query_columns; ++d)
          to[d] = 0;
      }
    }

    template <int n> void scores(int column) {
      const std::int32_t *starts = part<std::int32_t>(layout_.starts) + column;
      Vec sums[std::size_t{n}][std::size_t{V::tile_vectors}];
#pragma GCC unroll 8
      for (int v = 0; v < V::tile_vectors; ++v)
#pragma GCC unroll 8
        for (int r = 0; r < n; ++r)
          sums[r][v] = V::load(starts + v * V::lanes);
      Product<V>::template add<n>(sums, part<Element>(layout_.queries), layout_.query_columns,
                                  part<Element>(layout_.keys) + std::ptrdiff_t{column} * layout_.head_dim_steps * group,
                                  layout_.head_dim_steps);
#pragma GCC unroll 8
      for (int r = 0; r < n; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < V::tile_vectors; ++v)
          V::store(score_row(r) + column + v * V::lanes, sums[r][v], V::lanes);
    }

    // Writes a row's weights as planes and returns what they are to be divided by.
    std::uint32_t softmax(int r) {
      std::int32_t *row = score_row(r);
      const int tokens = args_.tokens;
      Vec best = V::set(row[0]);
      for (int t = 0; t < tokens; t += V::lanes) {
        // Lanes behind the row repeat its first score instead of taking part.
        const int count = count_at(t);
        const Vec score = V::load(row + t, count);
        best = V::maximum(best, count == V::lanes
                                    ? score
                                    : V::add(score, V::subtract(V::set(row[0]), V::keep(V::set(row[0]), count))));
      }
      const Vec largest = V::set(V::largest(best));
      const Vec multiplier = V::set(args_.score_multiplier[head_]);
      const Vec half = V::set(1 << (args_.score_shift - 1));
      Vec exp_sum = V::set(0);
      for (int t = 0; t < tokens; t += V::lanes) {
        const int count = count_at(t);
        const Vec distance = V::keep(V::subtract(largest, V::load(row + t, count)), count);
        const Vec scaled = V::shift_right_unsigned(V::add(V::multiply(distance, multiplier), half), args_.score_shift);
        const Vec code = V::minimum(scaled, V::set(255));
        V::store(row + t, code, V::lanes);
        if (args_.softmax == Softmax::lis4)
          exp_sum = V::add(exp_sum, V::keep(V::look_up(args_.exp->data(), code), count));
      }
      if (args_.softmax == Softmax::lis4)
        build_lis4_table(static_cast<std::uint32_t>(V::sum(exp_sum)));

      Element *high = part<Element>(layout_.high) + r * layout_.weight_columns;
      Element *low = part<Element>(layout_.low) + r * layout_.weight_columns;
      Vec weight_sum = V::set(0);
      for (int t = 0; t < layout_.weight_columns; t += V::lanes) {
        Vec weight = V::set(0);
        if (t < tokens)
          weight = V::keep(V::look_up(table(), V::load(row + t)), count_at(t));
        weight_sum = V::add(weight_sum, weight);
        V::store_elements(low + t, V::keep_low_byte(weight));
        if (args_.softmax == Softmax::lis4)
          V::store_elements(high + t, V::shift_right_unsigned(weight, 8));
      }
      if (args_.softmax == Softmax::lis4 && !args_.renormalize)
        return std::uint32_t{1} << 15;
      return static_cast<std::uint32_t>(V::sum(weight_sum));
    }

    // The weight of every distance in a row whose exps add up to `sum`. log_int_softmax_code() is at least k where
    // round(sum / exp) >= r(k), r = 2, 3, 6, 12 ..., that is where exp * (2 r(k) - 1) <= 2 sum; exps fall with the
    // distance, so that codes rise and one pass finds them all.
    void build_lis4_table(std::uint32_t sum) {
      const std::uint64_t twice = std::uint64_t{sum} * 2;
      int code = 0;
      std::uint64_t next = 3; // 2 r(code + 1) - 1
      for (std::size_t d = 0; d < 256; ++d) {
        while (code < lis4_zero && (*args_.exp)[d] * next <= twice) {
          ++code;
          next = (std::uint64_t{6} << (code - 1)) - 1;
        }
        table()[d] = static_cast<std::uint32_t>(lis4_weight(code));
      }
    }

    template <int n> void outputs(int first, int column) {
      const Element *values = part<Element>(layout_.values) + std::ptrdiff_t{column} * layout_.token_steps * group;
      Vec sums[std::size_t{n}][std::size_t{V::tile_vectors}];
#pragma GCC unroll 8
      for (int v = 0; v < V::tile_vectors; ++v)
#pragma GCC unroll 8
        for (int r = 0; r < n; ++r)
          sums[r][v] = V::set(0);
      if (args_.softmax == Softmax::lis4) {
        Product<V>::template add<n>(sums, part<Element>(layout_.high), layout_.weight_columns, values,
                                    layout_.token_steps);
#pragma GCC unroll 8
        for (int v = 0; v < V::tile_vectors; ++v)
#pragma GCC unroll 8
          for (int r = 0; r < n; ++r)
            sums[r][v] = V::shift_left(sums[r][v], 8);
      }
      Product<V>::template add<n>(sums, part<Element>(layout_.low), layout_.weight_columns, values,
                                  layout_.token_steps);

      const Requantization &q = args_.requantization;
#pragma GCC unroll 8
      for (int v = 0; v < V::tile_vectors; ++v) {
        const int d = column + v * V::lanes;
        if (d >= args_.head_dim)
          break;
        const int count = args_.head_dim - d < V::lanes ? args_.head_dim - d : V::lanes;
        const std::ptrdiff_t c = first_ + d;
        Vec even;
        Vec odd;
        V::load_offsets(q.offset + c, count, even, odd);
        const Vec multiplier = V::load(q.multiplier + c, count);
#pragma GCC unroll 8
        for (int r = 0; r < n; ++r) {
          const Reciprocal by = reciprocal(divisors_[r]);
          const Vec code = V::requantize(V::quotient(sums[r][v], by.factor, by.shift), multiplier, even, odd, q.shift);
          V::store_clamped(args_.output + (first + r) * channels_ + c, code, count);
        }
      }
    }

    int count_at(int t) const {
      return args_.tokens - t < V::lanes ? args_.tokens - t : V::lanes;
    }

    const AttentionArgs &args_;
    int head_;
    Layout layout_;
    std::ptrdiff_t channels_;
    std::ptrdiff_t first_; // channel of the head
    std::uint32_t divisors_[std::size_t{rows}] = {};
  };
};

} // namespace intvit::kernels::vector
