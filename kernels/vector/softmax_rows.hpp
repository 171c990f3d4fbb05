// The softmax of rows of attention scores on vectors (docs/numerics.md, "Attention").
//
// A row is read twice or three times, a block of 4 * lanes tokens at a time, which is one vector of bytes: once for its
// largest score, then for the distances from it and the sum of their exps, and for log-int-softmax once more, when the
// sum is known, for the codes. Codes are not computed by division: exps fall with the distance, so the distances that
// have the same code are an interval, and a token's code follows from comparing its distance with 16 limits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/attention.hpp"
#include "kernels/vector/operations.hpp"

namespace intvit::kernels::vector {

template <SoftmaxOperations V> class SoftmaxRows {
  using Vec = typename V::Vec;
  using Bytes = typename V::Bytes; // 4 * lanes bytes
  using Element = typename V::Element;

  static constexpr int lanes = V::lanes;
  static constexpr int block = 4 * lanes; // tokens whose distances fill one vector of bytes

  // An int16 weight may be looked up by its distance, in two tables of bytes.
  static constexpr bool looks_up_weights = V::looks_up_weights;

public:
  SoftmaxRows(const AttentionArgs &args, int head) : args_(args), head_(head) {
    if (args.softmax == Softmax::int8)
      weight_table_ = V::byte_table(args.int8_weights->data());
    if constexpr (looks_up_weights)
      if (args.softmax == Softmax::int16)
        make_tables();
  }

  // Writes the weights of a row of scores, 2^8 * high + low, and returns what they are to be divided by. For int8, and
  // where an element holds 16 bits of a weight, `low` is the weights and `high` is left alone. `scores` is a whole
  // number of vectors, whose lanes behind the last token hold less than any score; `codes` is scratch memory. `codes`,
  // `high` and `low` have room for whole blocks, and the weights behind the last token become 0.
  std::uint32_t weigh(const std::int32_t *scores, std::uint8_t *codes, Element *high, Element *low) const {
    Vec best = V::load(scores);
    for (int token = lanes; token < args_.tokens; token += lanes)
      best = V::maximum(best, V::load(scores + token));
    const Vec largest = V::set(V::largest(best));
    switch (args_.softmax) {
    case Softmax::int8:
      return int8_weights(scores, largest, low);
    case Softmax::int16:
      return int16_weights(scores, largest, high, low);
    case Softmax::lis8:
      return log_int_weights<true>(scores, largest, codes, high, low);
    case Softmax::lis4:
      break;
    }
    return log_int_weights<false>(scores, largest, codes, high, low);
  }

private:
  // The distances of `lanes` tokens from `token` on as codes that are not yet clamped to 255
  // (kernels::distance_code()); 255 or more behind the last token.
  Vec distances(const std::int32_t *row, int token, Vec largest) const {
    if (token >= args_.tokens)
      return V::set(255);
    const Vec multiplier = V::set(args_.score_multiplier[head_]);
    const Vec half = V::set(std::int32_t{1} << (args_.score_shift - 1));
    const Vec distance = V::subtract(largest, V::load(row + token));
    const Vec code = V::shift_right_unsigned(V::add(V::multiply(distance, multiplier), half), args_.score_shift);
    const int count = args_.tokens - token;
    return count >= lanes ? code : V::add(V::keep(code, count), V::subtract(V::set(255), V::keep(V::set(255), count)));
  }

  // Those of a block.
  Bytes distance_codes(const std::int32_t *row, int token, Vec largest) const {
    return V::narrow_to_bytes(distances(row, token, largest), distances(row, token + lanes, largest),
                              distances(row, token + 2 * lanes, largest), distances(row, token + 3 * lanes, largest));
  }

  static void store_weights(Element *high, Element *low, Bytes high_bytes, Bytes low_bytes) {
    if constexpr (V::wide_attention_weights) {
      V::store_attention_weights(low, high_bytes, low_bytes);
    } else {
      V::store_attention_weights(high, high_bytes);
      V::store_attention_weights(low, low_bytes);
    }
  }

  std::uint32_t int8_weights(const std::int32_t *row, Vec largest, Element *weights) const {
    Vec sum = V::set(0);
    for (int t = 0; t < args_.tokens; t += block) {
      const Bytes codes = distance_codes(row, t, largest);
      const Bytes weight = V::look_up(weight_table_, codes); // 255 has no weight
      sum = V::accumulate_bytes(sum, weight);
      if constexpr (V::wide_attention_weights)
        V::store_attention_weights(weights + t, V::set_bytes(0), weight);
      else
        V::store_attention_weights(weights + t, weight);
    }
    return static_cast<std::uint32_t>(V::sum(sum));
  }

  Vec exps(Vec code) const { // code <= 255
    return args_.exp_halves ? V::exp_by_octaves(args_.exp->data(), code) : V::look_up(args_.exp->data(), code);
  }

  void make_tables() {
    std::uint8_t *const high = table_bytes_;
    std::uint8_t *const low = table_bytes_ + 256;
    for (std::size_t code = 0; code < 256; ++code) {
      const std::uint32_t weight = code < 255 ? int16_weight((*args_.exp)[code], args_.int16_weight_shift) : 0;
      high[code] = static_cast<std::uint8_t>(weight >> 8);
      low[code] = static_cast<std::uint8_t>(weight & 255);
    }
    high_table_ = V::byte_table(high);
    weight_table_ = V::byte_table(low);
  }

  std::uint32_t looked_up_weights(const std::int32_t *row, Vec largest, Element *high, Element *low) const {
    Vec high_sum = V::set(0);
    Vec low_sum = V::set(0);
    for (int t = 0; t < args_.tokens; t += block) {
      const Bytes codes = distance_codes(row, t, largest);
      const Bytes high_weight = V::look_up(high_table_, codes);
      const Bytes low_weight = V::look_up(weight_table_, codes);
      high_sum = V::accumulate_bytes(high_sum, high_weight);
      low_sum = V::accumulate_bytes(low_sum, low_weight);
      store_weights(high + t, low + t, high_weight, low_weight);
    }
    return static_cast<std::uint32_t>(V::sum(high_sum)) * 256 + static_cast<std::uint32_t>(V::sum(low_sum));
  }

  std::uint32_t int16_weights(const std::int32_t *row, Vec largest, Element *high, Element *low) const {
    if constexpr (looks_up_weights)
      return looked_up_weights(row, largest, high, low);
    const Vec last = V::set(255);
    const Vec half = V::set(static_cast<std::int32_t>(std::uint32_t{1} << args_.int16_weight_shift >> 1));
    Vec sum = V::set(0);
    for (int t = 0; t < args_.tokens; t += block) {
      Vec high_weight[4];
      Vec low_weight[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const Vec code = V::minimum(distances(row, t + i * lanes, largest), last);
        const Vec exp = V::shift_right_unsigned(V::add(exps(code), half), args_.int16_weight_shift);
        const Vec weight = V::keep_where_less(exp, code, last); // the last distance has no weight
        sum = V::add(sum, weight);
        high_weight[i] = V::shift_right_unsigned(weight, 8);
        low_weight[i] = V::low_byte(weight);
      }
      store_weights(high + t, low + t,
                    V::narrow_to_bytes(high_weight[0], high_weight[1], high_weight[2], high_weight[3]),
                    V::narrow_to_bytes(low_weight[0], low_weight[1], low_weight[2], low_weight[3]));
    }
    return static_cast<std::uint32_t>(V::sum(sum));
  }

  template <bool lis8>
  std::uint32_t log_int_weights(const std::int32_t *row, Vec largest, std::uint8_t *codes, Element *high,
                                Element *low) const {
    Vec exp_sum = V::set(0);
    for (int t = 0; t < args_.tokens; t += block) {
      Vec code[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const int token = t + i * lanes;
        code[i] = V::minimum(distances(row, token, largest), V::set(255));
        if (token < args_.tokens) {
          const Vec exp = exps(code[i]);
          exp_sum = V::add(exp_sum, args_.tokens - token < lanes ? V::keep(exp, args_.tokens - token) : exp);
        }
      }
      V::store_bytes(codes + t, V::narrow_to_bytes(code[0], code[1], code[2], code[3]));
    }

    const auto sum = static_cast<std::uint32_t>(V::sum(exp_sum));
    const int skipped = lis8 ? skipped_codes(sum) : 0;
    const CodeLimits limits = find_code_limits<lis8>(sum, skipped);
    Vec high_sum = V::set(0);
    Vec low_sum = V::set(0);
    const int past = args_.tokens % block; // tokens of the last block
    for (int t = 0; t < args_.tokens; t += block) {
      const Bytes distance = V::load_bytes(codes + t);
      Bytes code = V::set_bytes(limits.least);
#pragma GCC unroll 16
      for (int k = 0; k < planes_codes; ++k)
        code = V::count_above(code, distance, limits.last[k]);
      Bytes high_weight = V::look_up_16(high_plane, code);
      Bytes low_weight = V::look_up_16(low_plane, code);
      if (past != 0 && t + block > args_.tokens) {
        high_weight = V::keep_bytes(high_weight, past);
        low_weight = V::keep_bytes(low_weight, past);
      }
      high_sum = V::accumulate_bytes(high_sum, high_weight);
      low_sum = V::accumulate_bytes(low_sum, low_weight);
      store_weights(high + t, low + t, high_weight, low_weight);
    }
    if (!args_.renormalize)
      return std::uint32_t{1} << (lis4_unit + skipped);
    return static_cast<std::uint32_t>(V::sum(high_sum)) * 256 + static_cast<std::uint32_t>(V::sum(low_sum));
  }

  // The two bytes of a weight 2^(15 - code). Codes 0..7 have their bit in the high byte, codes 8..15 in the low one.
  static constexpr int planes_codes = 16;
  alignas(16) static constexpr std::uint8_t high_plane[planes_codes] = {128, 64, 32, 16, 8, 4, 2, 1};
  alignas(16) static constexpr std::uint8_t low_plane[planes_codes] = {0,   0,  0,  0,  0, 0, 0, 0,
                                                                       128, 64, 32, 16, 8, 4, 2, 1};

  // Where codes, less those that are skipped, change: a distance has the code `least` plus the number of entries of
  // `last` that are below it. last[k] is the last distance whose code is at most k. Where that is every distance it is
  // 255, and where it is none it is 255 too, and `least` counts it.
  struct CodeLimits {
    std::uint8_t least = 0;
    std::uint8_t last[std::size_t{planes_codes}] = {};
  };

  // log_int_softmax_code() is at least k, 1..24, where ratio = round(sum / exp) is at least r(k): r(1) = 2, and r(k) =
  // 1.5 * 2^(k-1) = 3, 6, 12 ... from k = 2 on. Rounding up ties, that is where sum / exp >= r(k) - 1/2, or exp *
  // (2 r(k) - 1) <= 2 sum. Returns 2 r(k) - 1, which is below 2^25.
  static constexpr std::uint32_t code_border(int k) {
    return k == 1 ? 3 : (std::uint32_t{6} << (k - 2)) - 1;
  }

  // lis8 only: how many codes are below the row's smallest, 8 at most. The unit is 15 plus this number, so the weight
  // 2^(unit - code) is 2^(15 - (code - skipped)), and the two bytes of a weight are looked up by code - skipped.
  int skipped_codes(std::uint32_t sum) const {
    int skipped = 0;
    while (skipped < lis8_largest_unit - lis4_unit && (*args_.exp)[0] <= sum * 2 / code_border(skipped + 1))
      ++skipped;
    return skipped;
  }

  // The limits of a row whose exps add up to `sum`. For lis8 the distance 255, which also stands for all larger ones,
  // lies beyond all limits, so that its code is 16 and it has no weight.
  template <bool lis8> CodeLimits find_code_limits(std::uint32_t sum, int skipped) const {
    const std::uint32_t twice = sum * 2; // sum < 2^31
    CodeLimits limits;
#pragma GCC unroll 16
    for (int k = 1; k <= planes_codes; ++k) {
      const int before = exps_above(twice / code_border(skipped + k)); // distances whose code is below skipped + k
      limits.least = static_cast<std::uint8_t>(limits.least + (before == 0 ? 1 : 0));
      // 0 - 1 is 255 as well: no distance is above it.
      limits.last[k - 1] = static_cast<std::uint8_t>((before < 256 ? before : lis8 ? 255 : 256) - 1);
    }
    return limits;
  }

  // How many entries of the exp table are greater than `limit`; more than 255 for all.
  int exps_above(std::uint32_t limit) const {
    const ExpTable &exp = *args_.exp;
    if (!args_.exp_halves) {
      int count = 0;
      while (count < 256 && exp[static_cast<std::size_t>(count)] > limit)
        ++count;
      return count;
    }
    // An octave is 16 entries: entry 16 o + i is exp[i] >> o. Entries above the limit are those of all octaves before
    // the last one whose first entry is above it, exp[0] >> octave >= limit + 1, and some of that octave: exp[i] >>
    // octave >= limit + 1 means exp[i] >= (limit + 1) << octave, which is at most exp[0].
    const std::uint64_t least = std::uint64_t{limit} + 1;
    if (least > exp[0])
      return 0;
    int octave = std::countl_zero(static_cast<std::uint32_t>(least)) - std::countl_zero(exp[0]);
    octave -= least << octave > exp[0] ? 1 : 0;
    return 16 * octave + V::count_at_least(exp.data(), static_cast<std::int32_t>(least << octave));
  }

  const AttentionArgs &args_;
  int head_;
  typename V::ByteTable weight_table_{}; // of int8 weights, or the low bytes of int16 ones
  typename V::ByteTable high_table_{};
  std::uint8_t table_bytes_[looks_up_weights ? 512 : 1]; // what the tables of int16 weights are made of
};

} // namespace intvit::kernels::vector
