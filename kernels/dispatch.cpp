#include "kernels/dispatch.hpp"

#include <array>
#include <cstdlib>
#if defined(INTVIT_NEON_DOTPROD) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "kernels/backends.hpp"

namespace intvit::kernels {

namespace {

struct Tables {
  std::array<KernelTable, 5> tables;
  std::size_t count = 0;

  // A copy of the table below, changed by `use`.
  void add(void (*use)(KernelTable &)) {
    tables[count] = tables[count - 1];
    use(tables[count]);
    ++count;
  }

  Tables() {
    tables[count++] = reference_kernels();
#ifdef INTVIT_SCALAR
    add(use_scalar);
#endif
#if defined(INTVIT_AVX2) || defined(INTVIT_AVXVNNI) || defined(INTVIT_AVX512VNNI)
    // The compiler's check reads CPUID and, for the wider registers, that the operating system saves them (XGETBV).
    __builtin_cpu_init();
#endif
#ifdef INTVIT_AVX2
    if (__builtin_cpu_supports("avx2"))
      add(use_avx2);
#endif
#ifdef INTVIT_AVXVNNI
    if (__builtin_cpu_supports("avx2") && has_avxvnni())
      add(use_avxvnni);
#endif
#ifdef INTVIT_AVX512VNNI
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
      add(use_avx512vnni);
#endif
#ifdef INTVIT_NEON
    add(use_neon);
#endif
#if defined(INTVIT_NEON_DOTPROD) && defined(__linux__)
    // The kernel's list of what the processor has.
    if ((getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0)
      add(use_neon_dotprod);
#endif
  }

#ifdef INTVIT_AVXVNNI
  // CPUID leaf 7, subleaf 1, EAX bit 4; clang 14's check does not know the name.
  static bool has_avxvnni() {
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
