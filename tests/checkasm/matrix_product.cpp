#include "tests/checkasm/matrix_product.hpp"

#include "kernels/scalar/scalar.hpp"
#include "kernels/vector/kernels.hpp"

namespace intvit::test {

using namespace kernels;

namespace {

struct Unit {};

struct Vector : scalar::Operations<Unit, 6, 1> {
  static constexpr int group = 8;

  // 8 rows of codes to a panel's [columns][8].
  static void interleave(const std::int8_t *from, std::ptrdiff_t stride, Element *to) {
    for (int v = 0; v < tile_vectors; ++v)
      for (int lane = 0; lane < lanes; ++lane)
        for (int g = 0; g < group; ++g)
          *to++ = from[g * stride + vector::Panel<Vector>::column(v, lane)];
  }

  // Blocks of 2 rows by 2 columns. Rows are rearranged in pairs, a group of either row after the other's, and stand
  // behind a gap, so that rows which were taken as they are would give wrong sums.
  struct TileProduct : vector::TakesNoNotes {
    static constexpr int short_rows = 2;
    static constexpr int gap = 64 / static_cast<int>(sizeof(Element));

    struct Input {
      const Element *pairs_of_rows; // [steps][pairs][2][group]
    };

    static constexpr std::ptrdiff_t arranged_bytes(int elements) {
      const std::ptrdiff_t bytes =
          (gap + std::ptrdiff_t{elements} * tile_rows) * static_cast<std::ptrdiff_t>(sizeof(Element));
      return (bytes + 63) / 64 * 64;
    }
    static void arrange(const Element *const (&rows)[std::size_t{tile_rows}], int elements, std::byte *to) {
      Element *at = reinterpret_cast<Element *>(to) + gap;
      for (int k = 0; k < elements; k += group)
        for (const Element *row : rows)
          for (int g = 0; g < group; ++g)
            *at++ = row[k + g];
    }
    static Input input(const Element *const (&)[std::size_t{tile_rows}], const std::byte *arranged) {
      return {reinterpret_cast<const Element *>(arranged) + gap};
    }

    template <int vectors, int tall = tile_rows> class Sums {
      static constexpr int columns = vectors * lanes;

    public:
      explicit Sums(const std::int32_t *start) {
        for (int r = 0; r < tall; ++r)
          for (int c = 0; c < columns; ++c)
            block(r, c) = start[c];
      }

      template <vector::Inputs inputs>
      void add(const Input &input, const Element *panel, const std::byte * /*notes*/, int steps, vector::Ahead *ahead) {
        const Element *rows = input.pairs_of_rows;
        for (int step = 0; step < steps; ++step, rows += tile_rows * group, panel += columns * group)
          for (int r = 0; r < tall; ++r)
            for (int c = 0; c < columns; ++c)
              for (int g = 0; g < group; ++g)
                block(r, c) += rows[r * group + g] * panel[c * group + g];
        if (ahead != nullptr)
          ahead->at += steps * ahead->step;
      }

      Vec (&row(int r))[std::size_t{vectors}] {
        for (int c = 0; c < columns; ++c)
          row_[c / lanes][static_cast<std::size_t>(c % lanes)] = block(r, c);
        return row_;
      }

    private:
      std::int32_t &block(int r, int c) { return blocks_[r / 2][c / 2][r % 2][c % 2]; }

      std::int32_t blocks_[std::size_t{tall / 2}][std::size_t{columns / 2}][2][2];
      Vec row_[std::size_t{vectors}];
    };
  };
};

static_assert(VectorKernelOperations<Vector>);

struct NoPeak {
  static std::int64_t run(std::int64_t) { return 0; }
};

} // namespace

const KernelTable &matrix_product_kernels() {
  static const KernelTable table = [] {
    KernelTable result = reference_kernels();
    result.name = "matrix-product";
    use_vector_kernels<Vector, NoPeak>(result);
    return result;
  }();
  return table;
}

} // namespace intvit::test
