// The operations on lanes of 32 bits that xsimd (8.1 and later) has for every instruction set, in the form that the
// kernels of this folder want them. A class of vector operations derives from this and adds what xsimd has not: 8-bit
// dot products, multiplications to 64 bits, narrowing stores; it hides an operation that it can do better.
//
// xsimd's functions are inline templates keyed by an architecture tag. Were two translation units with different flags
// to use the same tag, the linker would keep one unit's copy of a function that was not inlined (in a debug build: all
// of them) for both, and a processor could meet instructions that it lacks. LocalArch is therefore a tag of the unit's
// own: with `Unit` from the unnamed namespace, everything that is keyed by it, registers included, has internal
// linkage. What xsimd calls without a tag are NEON's wrappers of one intrinsic each and the tables it finds them in,
// the same instructions under any flags, and what stands in branches for other sizes of integers, which nobody calls.
//
// To be hidden, because xsimd 8.1 has them not or not right: on NEON shifts by a count (right only below the number of
// lanes), on AVX-512 shifts by a count of its own for every lane. Gathers are left out: its dispatch never finds AVX2's
// and AVX-512's and loads lane by lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <xsimd/xsimd.hpp>

namespace intvit::kernels::vector {

// xsimd's architecture `Base`, as the translation unit with the local type `Unit` compiles it.
template <class Base, class Unit> struct LocalArch : Base {};

template <class Arch> struct XsimdLanes {
  using Batch = xsimd::batch<std::int32_t, Arch>;
  using UnsignedBatch = xsimd::batch<std::uint32_t, Arch>;
  using Vec = typename Batch::register_type; // a bare register, for intrinsics

  static constexpr int lanes = static_cast<int>(Batch::size);

  static Vec load(const std::int32_t *from) { return Batch::load_unaligned(from); }
  static void store(std::int32_t *to, Vec value) { Batch(value).store_unaligned(to); }
  static Vec set(std::int32_t value) { return Batch(value); }

  // Modulo 2^32.
  static Vec add(Vec a, Vec b) { return Batch(a) + Batch(b); }
  static Vec subtract(Vec a, Vec b) { return Batch(a) - Batch(b); }
  // Of unsigned lanes, since it is C++'s for each of them where an instruction set has none.
  static Vec multiply(Vec a, Vec b) {
    return xsimd::bitwise_cast<Batch>(xsimd::bitwise_cast<UnsignedBatch>(Batch(a)) *
                                      xsimd::bitwise_cast<UnsignedBatch>(Batch(b)));
  }

  static Vec minimum(Vec a, Vec b) { return xsimd::min(Batch(a), Batch(b)); }
  static Vec maximum(Vec a, Vec b) { return xsimd::max(Batch(a), Batch(b)); }

  // 0 <= count < 32.
  static Vec shift_left(Vec value, int count) { return Batch(value) << count; }
  static Vec shift_left_lanes(Vec value, Vec counts) { return Batch(value) << Batch(counts); }
  static Vec shift_right_unsigned(Vec value, int count) {
    return xsimd::bitwise_cast<Batch>(xsimd::bitwise_cast<UnsignedBatch>(Batch(value)) >> count);
  }

  // The first `count` lanes, the others 0.
  static Vec keep(Vec value, int count) { return Batch(value) & Batch::load_unaligned(masks + most_lanes - count); }

private:
  static constexpr int most_lanes = 16;
  static_assert(lanes <= most_lanes);
  static constexpr std::int32_t masks[2 * most_lanes] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                         -1, -1, -1, -1, -1, -1, -1, -1}; // then zeros
};

} // namespace intvit::kernels::vector

// A local tag's registers are like its base's, but types of their own.
namespace xsimd::types {

template <class T, class Base, class Unit> struct simd_register<T, intvit::kernels::vector::LocalArch<Base, Unit>> {
  using register_type = typename simd_register<T, Base>::register_type;
  register_type data;

  simd_register() = default;
  simd_register(register_type value) noexcept : data(value) {}
  operator register_type() const noexcept { return data; }
};

template <class T, class Base, class Unit>
struct has_simd_register<T, intvit::kernels::vector::LocalArch<Base, Unit>> : has_simd_register<T, Base> {};

template <class T, class Base, class Unit>
struct get_bool_simd_register<T, intvit::kernels::vector::LocalArch<Base, Unit>> : get_bool_simd_register<T, Base> {};

} // namespace xsimd::types
