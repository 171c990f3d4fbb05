// LaneOperations (operations.hpp) by means of xsimd (8.1 and later), for every instruction set that xsimd knows. A
// class V derives from this and adds what xsimd lacks, such as 8-bit dot products, multiplications to 64 bits and
// narrowing stores. Where V can do better than xsimd, it declares an operation of the same name, which hides the one
// here.
//
// **Keeping code of different flags apart.** xsimd's functions are inline templates with an architecture tag as their
// parameter. If two translation units with different flags used the same tag, both would contain functions of the same
// name, and the linker would keep one copy of each that was not inlined (in a debug build: of all). A processor could
// then meet instructions that it lacks. So every unit has a tag of its own, LocalArch: its parameter `Unit` is a type
// of the unit's unnamed namespace, so everything with this tag as a parameter, vectors included, has internal linkage.
// Only two kinds of xsimd's functions have no tag. Those that wrap a single NEON intrinsic, and the tables that list
// them, are the same instructions under any flags. Those in branches for other sizes of integers are never called.
//
// **What a class must hide**, because xsimd 8.1 has it wrong or not at all: on NEON, shifts by a count (right only for
// counts below the number of lanes); on AVX-512, shifts by a count for every lane. Gathers are not here: xsimd 8.1
// never takes the instructions of AVX2 and AVX-512 for them and loads lane by lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <xsimd/xsimd.hpp>

#include "kernels/inline.hpp"

namespace intvit::kernels::vector {

// xsimd's architecture `Base`, as the translation unit with the local type `Unit` compiles it.
template <class Base, class Unit> struct LocalArch : Base {};

template <class Arch> struct XsimdLanes {
  using Batch = xsimd::batch<std::int32_t, Arch>;
  using UnsignedBatch = xsimd::batch<std::uint32_t, Arch>;
  using Vec = typename Batch::register_type; // a bare register, for intrinsics

  static constexpr int lanes = static_cast<int>(Batch::size);

  INTVIT_INLINE static Vec load(const std::int32_t *from) { return Batch::load_unaligned(from); }
  INTVIT_INLINE static void store(std::int32_t *to, Vec value) { Batch(value).store_unaligned(to); }
  INTVIT_INLINE static Vec set(std::int32_t value) { return Batch(value); }

  // Modulo 2^32.
  INTVIT_INLINE static Vec add(Vec a, Vec b) { return Batch(a) + Batch(b); }
  INTVIT_INLINE static Vec subtract(Vec a, Vec b) { return Batch(a) - Batch(b); }
  // Of unsigned lanes, since it is C++'s for each of them where an instruction set has none.
  INTVIT_INLINE static Vec multiply(Vec a, Vec b) {
    return xsimd::bitwise_cast<Batch>(xsimd::bitwise_cast<UnsignedBatch>(Batch(a)) *
                                      xsimd::bitwise_cast<UnsignedBatch>(Batch(b)));
  }

  INTVIT_INLINE static Vec minimum(Vec a, Vec b) { return xsimd::min(Batch(a), Batch(b)); }
  INTVIT_INLINE static Vec maximum(Vec a, Vec b) { return xsimd::max(Batch(a), Batch(b)); }

  // 0 <= count < 32.
  INTVIT_INLINE static Vec shift_left(Vec value, int count) { return Batch(value) << count; }
  INTVIT_INLINE static Vec shift_left_lanes(Vec value, Vec counts) { return Batch(value) << Batch(counts); }
  INTVIT_INLINE static Vec shift_right_unsigned(Vec value, int count) {
    return xsimd::bitwise_cast<Batch>(xsimd::bitwise_cast<UnsignedBatch>(Batch(value)) >> count);
  }

  // The first `count` lanes, the others 0.
  INTVIT_INLINE static Vec keep(Vec value, int count) {
    return Batch(value) & Batch::load_unaligned(masks + most_lanes - count);
  }

private:
  static constexpr int most_lanes = 16;
  static_assert(lanes <= most_lanes);
  static constexpr std::int32_t masks[2 * most_lanes] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                         -1, -1, -1, -1, -1, -1, -1, -1}; // then zeros
};

} // namespace intvit::kernels::vector

// The registers of a local tag are those of its base; the types that wrap them are the unit's own.
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
