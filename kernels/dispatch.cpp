// All sets of kernels that were built, and what each needs of the processor. Checks are here and not beside the
// kernels, whose translation units are compiled with instructions that the processor may lack.
#include "kernels/dispatch.hpp"

#include <array>
#include <cstdlib>
#include <iterator>
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "kernels/backends.hpp"

namespace intvit::kernels {

namespace {

// Whether this processor, and the operating system on it, has what a set of kernels needs. GCC's and clang's check on
// x86-64 reads CPUID and, for the wider registers, that the operating system saves them (XGETBV).
bool always() {
  return true;
}

#ifdef INTVIT_AVX2
bool has_avx2() {
  return __builtin_cpu_supports("avx2") != 0;
}
#endif

#ifdef INTVIT_AVXVNNI
// CPUID leaf 7, subleaf 1, EAX bit 4; clang 14's check does not know the name. That the registers are saved, AVX2's
// check tells.
bool has_avxvnni() {
  if (__builtin_cpu_supports("avx2") == 0)
    return false;
  unsigned leaves = 0;
  unsigned eax = 7;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  __asm__("cpuid" : "=a"(leaves), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(7), "c"(0));
  if (leaves < 1)
    return false;
  __asm__("cpuid" : "=a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(7), "c"(1));
  return (eax >> 4 & 1) != 0;
}
#endif

#if defined(INTVIT_AVX512) || defined(INTVIT_AVX512VNNI) || defined(INTVIT_AVX512VBMI)
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
}
#endif

#if defined(INTVIT_AVX512VNNI) || defined(INTVIT_AVX512VBMI)
bool has_avx512vnni() {
  return has_avx512() && __builtin_cpu_supports("avx512vnni") != 0;
}
#endif

#ifdef INTVIT_AVX512VBMI
bool has_avx512vbmi() {
  return has_avx512vnni() && __builtin_cpu_supports("avx512vbmi") != 0;
}
#endif

#ifdef INTVIT_NEON_DOTPROD
// Linux tells a program which of 64-bit Arm's extensions there are; elsewhere nothing is asked and none is used.
bool has_neon_dotprod() {
#ifdef __linux__
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
  return false;
#endif
}
#endif

#ifdef INTVIT_NEON_I8MM
bool has_neon_i8mm() {
#if defined(__linux__) && defined(HWCAP2_I8MM)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0 && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
#else
  return false;
#endif
}
#endif

struct Backend {
  bool (*available)();
  void (*use)(KernelTable &);
};

// All sets of kernels that were built, slowest first.
constexpr Backend backends[] = {
    {always, use_reference},
#ifdef INTVIT_SCALAR
    {always, use_scalar},
#endif
#ifdef INTVIT_AVX2
    {has_avx2, use_avx2},
#endif
#ifdef INTVIT_AVX512
    {has_avx512, use_avx512},
#endif
#ifdef INTVIT_AVXVNNI
    {has_avxvnni, use_avxvnni},
#endif
#ifdef INTVIT_AVX512VNNI
    {has_avx512vnni, use_avx512vnni},
#endif
#ifdef INTVIT_AVX512VBMI
    {has_avx512vbmi, use_avx512vbmi},
#endif
#ifdef INTVIT_NEON
    {always, use_neon},
#endif
#ifdef INTVIT_NEON_DOTPROD
    {has_neon_dotprod, use_neon_dotprod},
#endif
#ifdef INTVIT_NEON_I8MM
    {has_neon_i8mm, use_neon_i8mm},
#endif
};

// The tables of the sets that this processor has. They are made once, at the first use.
struct Tables {
  std::array<KernelTable, std::size(backends)> tables;
  std::size_t count = 0;

  Tables() {
#ifdef __x86_64__
    __builtin_cpu_init();
#endif
    for (const Backend &backend : backends)
      if (backend.available()) {
        if (count > 0)
          tables[count] = tables[count - 1]; // what a set does not replace is the next slower one's
        backend.use(tables[count]);
        ++count;
      }
  }
};

const Tables &tables() {
  static const Tables instance;
  return instance;
}

} // namespace

std::span<const KernelTable> available_kernels() {
  return {tables().tables.data(), tables().count};
}

const KernelTable *find_kernels(std::string_view name) {
  for (const KernelTable &table : available_kernels())
    if (name == table.name)
      return &table;
  return nullptr;
}

const KernelTable &default_kernels() {
  const char *asked = std::getenv("INTVIT_ISA");
  const KernelTable *found = asked != nullptr ? find_kernels(asked) : nullptr;
  return found != nullptr ? *found : available_kernels().back();
}

} // namespace intvit::kernels
