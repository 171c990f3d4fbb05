#include "models/loops/vector_loops.hpp"

namespace intvit {

namespace {

using Floats = float __attribute__((vector_size(64)));
using Doubles = double __attribute__((vector_size(64)));

} // namespace

const LoopTable loops_avx512 = vector_loops<Floats, Doubles>("avx512");

} // namespace intvit
