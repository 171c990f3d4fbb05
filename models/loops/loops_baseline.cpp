#include "models/loops/vector_loops.hpp"

namespace intvit {

namespace {

using Floats = float __attribute__((vector_size(16)));
using Doubles = double __attribute__((vector_size(16)));

} // namespace

const LoopTable loops_baseline = vector_loops<Floats, Doubles>("baseline");

} // namespace intvit
