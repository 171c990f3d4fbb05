// For the no-float gate to find, and what it must let pass. Compiled for self_test.sh alone.
// Each "expect" line names a function and an instruction that the gate must report; nothing in clean_... may be.
#include "planted.hpp"

// expect: planted_addition fadd.s
// expect: planted_conversion fcvt.d.w
// expect: planted_comparison flt.s
// expect: planted_libm refers to exp
// Long double is software here.
// expect: planted_long_double refers to __addtf3

extern "C" {

// expect: planted_instructions fmul.d
// expect: planted_instructions fmadd.s
// expect: planted_instructions fcvt.l.d
// expect: planted_instructions fsqrt.d
// expect: planted_instructions fmax.s
// expect: planted_instructions feq.d
// expect: planted_instructions fdiv.s
// expect: planted_instructions fclass.d
// expect: planted_instructions fsgnjx.d
// expect: planted_instructions frflags
void planted_instructions() {
  __asm__ volatile("fmul.d fa0, fa1, fa2\n\t"
                   "fmadd.s fa0, fa1, fa2, fa3\n\t"
                   "fcvt.l.d a0, fa0\n\t"
                   "fsqrt.d fa0, fa1\n\t"
                   "fmax.s fa0, fa1, fa2\n\t"
                   "feq.d a0, fa1, fa2\n\t"
                   "fdiv.s fa0, fa1, fa2\n\t"
                   "fclass.d a0, fa1\n\t"
                   "fsgnjx.d fa0, fa1, fa2\n\t"
                   "frflags a0");
}

void clean_instructions() {
  __asm__ volatile("fld fs0, 0(sp)\n\t"
                   "fsw fs0, 0(sp)\n\t"
                   "fmv.x.d a0, fa0\n\t"
                   "fmv.d fa0, fa1\n\t"
                   "addiw a0, a1, 1\n\t"
                   "mulhsu a0, a1, a2\n\t"
                   "remuw a0, a1, a2\n\t"
                   "sext.w a0, a1\n\t"
                   "1: lr.w.aq a0, (a1)\n\t"
                   "sc.w.rl a0, a2, (a1)\n\t"
                   "bnez a0, 1b\n\t"
                   "amoadd.d.aqrl a0, a1, (a2)\n\t"
                   "amomaxu.w a0, a1, (a2)\n\t"
                   "fence rw, w\n\t"
                   "nop");
}
}
