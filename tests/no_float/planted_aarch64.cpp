// For the no-float gate to find, and what it must let pass. Compiled for self_test.sh alone.
// Each "expect" line names a function and an instruction that the gate must report; nothing in clean_... may be.
#include "planted.hpp"

// expect: planted_addition fadd
// expect: planted_conversion scvtf
// expect: planted_comparison fcmp
// expect: planted_libm refers to exp
// Long double is software here.
// expect: planted_long_double refers to __addtf3

extern "C" {

// expect: planted_instructions ucvtf
// expect: planted_instructions fmul
// expect: planted_instructions fmla
// expect: planted_instructions fcvtzs
// expect: planted_instructions fsqrt
// expect: planted_instructions frinta
// expect: planted_instructions fmaxnm
// expect: planted_instructions fcmeq
// expect: planted_instructions frecpe
// expect: planted_instructions fcsel
// expect: planted_instructions bfdot
void planted_instructions() {
  __asm__ volatile(".arch armv8.6-a+bf16\n\t"
                   "ucvtf v0.4s, v1.4s\n\t"
                   "fmul v0.4s, v1.4s, v2.4s\n\t"
                   "fmla v0.2d, v1.2d, v2.2d\n\t"
                   "fcvtzs w0, s0\n\t"
                   "fsqrt d0, d1\n\t"
                   "frinta s0, s1\n\t"
                   "fmaxnm s0, s1, s2\n\t"
                   "fcmeq v0.4s, v1.4s, v2.4s\n\t"
                   "frecpe v0.4s, v1.4s\n\t"
                   "fcsel s0, s1, s2, eq\n\t"
                   "bfdot v0.4s, v1.8h, v2.8h");
}

void clean_instructions() {
  __asm__ volatile(".arch armv8.2-a+dotprod\n\t"
                   "fmov s0, w0\n\t"
                   "fmov x0, d0\n\t"
                   "movi v0.4s, #1\n\t"
                   "dup v0.4s, w0\n\t"
                   "and v0.16b, v1.16b, v2.16b\n\t"
                   "tbl v0.16b, {v1.16b}, v2.16b\n\t"
                   "sdot v0.4s, v1.16b, v2.4b[0]\n\t"
                   "smlal v0.4s, v1.4h, v2.4h\n\t"
                   "sqrdmulh v0.4s, v1.4s, v2.4s\n\t"
                   "ldp q0, q1, [sp]\n\t"
                   "bfi w0, w1, #1, #2\n\t"
                   "b.eq 1f\n"
                   "1:");
}
}
