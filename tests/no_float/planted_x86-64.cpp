// For the no-float gate to find, and what it must let pass. Compiled for self_test.sh alone.
// Each "expect" line names a function and an instruction that the gate must report; nothing in clean_... may be.
#include "planted.hpp"

// expect: planted_addition addss
// expect: planted_conversion cvtsi2sd
// Any: comiss or ucomiss, as the compiler likes.
// expect: planted_comparison
// expect: planted_libm refers to exp
// expect: planted_long_double fadd

// expect: planted_parameter refers to display(double)
extern "C" void planted_parameter(double a);

void display(double value);

void planted_parameter(double a) {
  display(a);
}

extern "C" {

// No vector register names the type in these three; the rest have vectors of every width.
// expect: planted_instructions cvttsd2si
// expect: planted_instructions fldz
// expect: planted_instructions vfpclassps
// expect: planted_instructions mulps
// expect: planted_instructions minsd
// expect: planted_instructions cmpltsd
// expect: planted_instructions ucomisd
// expect: planted_instructions comiss
// expect: planted_instructions sqrtpd
// expect: planted_instructions rcpps
// expect: planted_instructions roundss
// expect: planted_instructions haddps
// expect: planted_instructions dpps
// expect: planted_instructions vaddps
// expect: planted_instructions vdivpd
// expect: planted_instructions vfmadd231ps
// expect: planted_instructions vcvtdq2ps
// expect: planted_instructions vcvtph2ps
// expect: planted_instructions vcmpltps
// expect: planted_instructions vrndscaleps
// expect: planted_instructions vscalefps
// expect: planted_instructions vrcp14ps
// expect: planted_instructions vgetexpps
// expect: planted_instructions vdpbf16ps
// expect: planted_instructions pfadd
// expect: planted_instructions (bad)
void planted_instructions() {
  __asm__ volatile("cvttsd2si (%rsp), %eax\n\t"
                   "fldz\n\t"
                   "vfpclasspsz $1, (%rsp), %k1\n\t"
                   "mulps %xmm0, %xmm1\n\t"
                   "minsd %xmm0, %xmm1\n\t"
                   "cmpltsd %xmm0, %xmm1\n\t"
                   "ucomisd %xmm0, %xmm1\n\t"
                   "comiss %xmm0, %xmm1\n\t"
                   "sqrtpd %xmm0, %xmm1\n\t"
                   "rcpps %xmm0, %xmm1\n\t"
                   "roundss $1, %xmm0, %xmm1\n\t"
                   "haddps %xmm0, %xmm1\n\t"
                   "dpps $1, %xmm0, %xmm1\n\t"
                   "vaddps %ymm0, %ymm1, %ymm2\n\t"
                   "vdivpd %zmm0, %zmm1, %zmm2\n\t"
                   "vfmadd231ps %zmm0, %zmm1, %zmm2\n\t"
                   "vcvtdq2ps %ymm0, %ymm1\n\t"
                   "vcvtph2ps %xmm0, %ymm1\n\t"
                   "vcmpltps %zmm0, %zmm1, %k1\n\t"
                   "vrndscaleps $1, %zmm0, %zmm1\n\t"
                   "vscalefps %zmm0, %zmm1, %zmm2\n\t"
                   "vrcp14ps %zmm0, %zmm1\n\t"
                   "vgetexpps %zmm0, %zmm1\n\t"
                   "vdpbf16ps %zmm0, %zmm1, %zmm2\n\t"
                   "pfadd %mm0, %mm1\n\t"
                   ".byte 0x06"); // no instruction in 64 bits
}

void clean_instructions() {
  __asm__ volatile("movaps %xmm0, %xmm1\n\t"
                   "movsd (%rsp), %xmm0\n\t"
                   "movss (%rsp), %xmm0\n\t"
                   "movhlps %xmm0, %xmm1\n\t"
                   "andps %xmm0, %xmm1\n\t"
                   "andnpd %xmm0, %xmm1\n\t"
                   "xorps %xmm0, %xmm1\n\t"
                   "shufps $1, %xmm0, %xmm1\n\t"
                   "unpcklpd %xmm0, %xmm1\n\t"
                   "vblendps $1, %ymm0, %ymm1, %ymm2\n\t"
                   "vpermps %ymm0, %ymm1, %ymm2\n\t"
                   "vpermilpd $1, %ymm0, %ymm1\n\t"
                   "vbroadcastss %xmm0, %zmm1\n\t"
                   "vextractf128 $1, %ymm0, %xmm1\n\t"
                   "vinsertf64x4 $1, %ymm0, %zmm1, %zmm2\n\t"
                   "vshuff64x2 $1, %zmm0, %zmm1, %zmm2\n\t"
                   "vpdpbusd %zmm0, %zmm1, %zmm2\n\t"
                   "vpcmpltd %zmm0, %zmm1, %k1\n\t"
                   "kandw %k1, %k2, %k3\n\t"
                   "vpmuldq %ymm0, %ymm1, %ymm2\n\t"
                   "lock cmpxchgl %ecx, (%rsp)\n\t"
                   "rep stosb\n\t"
                   "cmpsb\n\t"
                   "shrdl $3, %eax, %ecx\n\t"
                   "vzeroupper");
}
}
