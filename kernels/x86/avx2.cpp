// The kernels for AVX2. Compiled with -mavx2.
//
// AVX2's product of bytes, vpmaddubsw, saturates sums of two products at 16 bits and would give wrong results. So
// elements are widened to 16 bits, which vpmaddwd multiplies and adds exactly. Linear maps whose weights are small take
// the product of bytes all the same: avx2_folded.hpp proves of each step that nothing saturates.
#include "kernels/backends.hpp"
#include "kernels/vector/kernels.hpp"
#include "kernels/x86/avx256.hpp"
#ifndef __OPTIMIZE_SIZE__
#include "kernels/x86/avx2_folded.hpp"
#endif

namespace intvit::kernels {

namespace {

struct Avx2 {};

struct Vector : avx256::Operations<Avx2> {
  using Element = std::int16_t;

  static constexpr int group = 2;
  static constexpr int code_bias = 0;
  static constexpr bool reads_codes = false;

  static Vec load_elements(const Element *from) { return load256(from); }
  static Vec broadcast_codes(const Element *from) {
    std::int32_t two = 0;
    std::memcpy(&two, from, sizeof two);
    return _mm256_set1_epi32(two);
  }
  static Vec broadcast_attention_weights(const Element *from) { return broadcast_codes(from); }
  static Vec set_elements(int value) { return _mm256_set1_epi16(static_cast<std::int16_t>(value)); }
  static void codes_to_elements(const std::int8_t *from, int count, Element *to, int padded) {
    int k = 0;
    for (; k + 16 <= count; k += 16)
      store256(to + k, _mm256_cvtepi8_epi16(load128(from + k)));
    for (; k < count; ++k)
      to[k] = from[k];
    for (; k < padded; ++k)
      to[k] = 0;
  }
  static void store_attention_weights(Element *to, Bytes value) {
    store256(to, _mm256_cvtepu8_epi16(_mm256_castsi256_si128(value)));
    store256(to + 16, _mm256_cvtepu8_epi16(_mm256_extracti128_si256(value, 1)));
  }
  static void store_elements(Element *to, Bytes value) {
    store256(to, _mm256_cvtepi8_epi16(_mm256_castsi256_si128(value)));
    store256(to + 16, _mm256_cvtepi8_epi16(_mm256_extracti128_si256(value, 1)));
  }
  // 2 rows of 16 bytes to a panel's [columns][2].
  static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) {
    const __m256i row0 = _mm256_cvtepi8_epi16(load128(from));
    const __m256i row1 = _mm256_cvtepi8_epi16(load128(from + stride));
    store256(to, _mm256_unpacklo_epi16(row0, row1));
    store256(to + 16, _mm256_unpackhi_epi16(row0, row1));
  }
  // A product of two 8-bit numbers is at most 2^14 in magnitude, so sums of two are far from 32 bits.
  static Vec dot(Vec sum, Vec input, Vec weights) { return _mm256_add_epi32(sum, _mm256_madd_epi16(input, weights)); }
};

static_assert(VectorKernelOperations<Vector>);

// The smallest library has no room for two products of linear maps.
#ifndef __OPTIMIZE_SIZE__

struct Avx2Bytes {};

// For linear maps alone: elements are bytes. 8 accumulators, 4 vectors of weights, 2 of inputs, the ones and a product:
// more than 4 rows would not fit.
struct ByteVector : avx256::Operations<Avx2Bytes, 4> {
  using Element = std::uint8_t; // inputs; weights are the same bits, read as signed
  using TileProduct = avx256::FoldedProduct<ByteVector>;

  static constexpr int group = 4;
  static constexpr int code_bias = 128;
  static constexpr bool reads_codes = false;

  static void codes_to_elements(const std::int8_t *from, int count, Element *to, int padded) {
    int k = 0;
    for (; k + 32 <= count; k += 32)
      store256(to + k, _mm256_xor_si256(load256(from + k), set_bytes(code_bias))); // adds 128 to each byte
    for (; k < count; ++k)
      to[k] = static_cast<Element>(from[k] + code_bias);
    for (; k < padded; ++k)
      to[k] = 0;
  }
  static void store_elements(Element *to, Bytes value) { store256(to, value); }
  static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) { interleave4(from, stride, to); }
};

// Linear maps by either product, whichever suits the weights. What is packed begins with a line that says which.
class Linear {
  using Widened = vector::LinearTile<Vector>;
  using Folded = vector::LinearTile<ByteVector>;
  static constexpr int columns = Widened::columns;
  static_assert(columns == Folded::columns);

  static constexpr std::ptrdiff_t line = 64;

  // Whether the product of bytes is the faster one, judged by eight of the panels. Per step of eight inputs it takes 5,
  // 6 or about 10 instructions an accumulator, folded, paired or widened, and the other product 8 that do as much as 7
  // of these, because it reads twice as many bytes.
  static bool are_small(const WeightsView &weights) {
    if (weights.format != WeightFormat::int8)
      return true; // most words are far below the largest, 64
    const int panels = (weights.out_features + columns - 1) / columns;
    std::int64_t cost = 0;
    std::int64_t steps = 0;
    for (int panel = 0; panel < panels; panel += (panels + 7) / 8)
      for (int input = 0; input + 8 <= weights.in_features; input += 8, ++steps)
        switch (step(weights, panel * columns, input)) {
        case avx256::Step::folded:
          cost += 5;
          break;
        case avx256::Step::paired:
          cost += 6;
          break;
        case avx256::Step::widened:
          cost += 10;
          break;
        }
    return cost < 7 * steps;
  }
  static avx256::Step step(const WeightsView &weights, int first_column, int input) {
    auto slowest = avx256::Step::folded;
    for (int column = first_column; column < first_column + columns && column < weights.out_features; ++column) {
      std::int8_t eight[8];
      std::memcpy(eight, weights.int8 + std::ptrdiff_t{column} * weights.in_features + input, sizeof eight);
      const avx256::Step own = avx256::step_of(eight);
      slowest = own > slowest ? own : slowest;
    }
    return slowest;
  }

public:
  static constexpr int tile_rows = 12; // a whole number of either's
  static_assert(tile_rows % Vector::tile_rows == 0 && tile_rows % ByteVector::tile_rows == 0);

  template <template <class> class Panels> static PackedFormat format() {
    return {.packed_bytes =
                [](const WeightsView &weights) {
                  return std::size_t{line} + (are_small(weights) ? Panels<ByteVector>::packed_bytes(weights)
                                                                 : Panels<Vector>::packed_bytes(weights));
                },
            .pack =
                [](const WeightsView &weights, const Requantization &requantization, std::byte *packed) {
                  const bool folded = are_small(weights);
                  std::memset(packed, 0, std::size_t{line});
                  packed[0] = std::byte{folded};
                  if (folded)
                    Panels<ByteVector>::pack(weights, requantization, packed + line);
                  else
                    Panels<Vector>::pack(weights, requantization, packed + line);
                },
            .scratch_bytes =
                [](int in_features) {
                  const std::size_t widened = Widened::scratch_bytes<Panels<Vector>>(in_features);
                  const std::size_t folded = Folded::scratch_bytes<Panels<ByteVector>>(in_features);
                  return widened > folded ? widened : folded;
                }};
  }

  static void run(const LinearArgs &args, Range rows, Range wanted) {
    LinearArgs inner = args;
    inner.packed += line;
    if (args.packed[0] != std::byte{0})
      Folded::run(inner, rows, wanted);
    else
      Widened::run(inner, rows, wanted);
  }
};

#endif

} // namespace

void use_avx2(KernelTable &table) {
  table.name = "avx2";
  use_vector_kernels<Vector>(table);
  table.peak_product = "vpmaddwd + vpaddd, 16 products of 16 bits; small weights take vpmaddubsw and may exceed it";
#ifndef __OPTIMIZE_SIZE__
  table.linear = {.tile_rows = Linear::tile_rows,
                  .tile_columns = vector::LinearTile<Vector>::columns,
                  .formats = PerFormat<PackedFormat>::of(Linear::format<vector::Int8Panels>(),
                                                         Linear::format<vector::StlqPanels>()),
                  .run = Linear::run};
#endif
}

} // namespace intvit::kernels
