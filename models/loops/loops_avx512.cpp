#include "models/loops/vector_loops.hpp"

namespace intvit {

namespace {

typedef float Floats __attribute__((vector_size(64)));
typedef double Doubles __attribute__((vector_size(64)));

} // namespace

const LoopTable loops_avx512 = vector_loops<Floats, Doubles>("avx512");

} // namespace intvit
