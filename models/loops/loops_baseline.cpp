#include "models/loops/vector_loops.hpp"

namespace intvit {

namespace {

typedef float Floats __attribute__((vector_size(16)));
typedef double Doubles __attribute__((vector_size(16)));

} // namespace

const LoopTable loops_baseline = vector_loops<Floats, Doubles>("baseline");

} // namespace intvit
