// Floating point for the no-float gate to find, and what it must let pass. Compiled for self_test.sh alone.
// Each "expect" line names a function and an instruction that the gate must report; nothing in clean_... may be.
#include <cmath>

extern "C" {

// expect: planted_addition fadd
float planted_addition(float a, float b) {
  return a + b;
}

// expect: planted_conversion scvtf
double planted_conversion(int a) {
  return a;
}

// expect: planted_comparison fcmp
bool planted_comparison(float a, float b) {
  return a < b;
}

// expect: planted_libm refers to exp
double planted_libm(double a) {
  return std::exp(a);
}

// Long double is software here.
// expect: planted_helper refers to __addtf3
long double planted_helper(long double a, long double b) {
  return a + b;
}

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

long clean_integers(long a, int b) {
  return a * b + (a >> 3) % (b | 1);
}
}
