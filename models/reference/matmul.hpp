// Float32 matrix products whose bits do not depend on the machine.
//
// Every output is the sum of its products over k in ascending order, starting at 0, each product and each sum rounded
// to float32. Vectors lie along output columns only, so that wider ones change nothing. Eigen's own product is not
// used: its order of summation depends on the instruction set it is compiled for, and compiling it for several breaks
// the one-definition rule.
#pragma once

#include "models/architectures/weights.hpp"
#include "models/loops/loops.hpp"

namespace intvit::reference {

// a b: [M, K] [K, N] -> [M, N]
RowMatrix matmul(const MatrixView &a, const MatrixView &b, const LoopTable &loops = fastest_loops());
// a b^T: [M, K] [N, K] -> [M, N]. The columns of the result are shared among `threads`.
RowMatrix matmul_transposed(const MatrixView &a, const MatrixView &b, int threads = 1,
                            const LoopTable &loops = fastest_loops());
// a a^T: [M, K] -> [M, M]. Only its lower triangle is valid.
RowMatrix matmul_with_own_transpose(const MatrixView &a, int threads = 1, const LoopTable &loops = fastest_loops());

} // namespace intvit::reference
