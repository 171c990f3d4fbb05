#include "models/loops/vector_loops.hpp"

namespace intvit {

namespace {

using Floats = float __attribute__((vector_size(32)));
using Doubles = double __attribute__((vector_size(32)));

} // namespace

const LoopTable loops_avx2 = vector_loops<Floats, Doubles>("avx2");

} // namespace intvit
