// Calls that may crash, and what they crashed with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace intvit::test {

struct Fault {
  enum class Kind { illegal_instruction, invalid_access, arithmetic, trap };
  Kind kind = Kind::trap;
  std::uintptr_t address = 0;     // invalid accesses: the memory that was touched
  std::optional<bool> writing;    // these, where it is known: whether it was to be written
  std::uintptr_t instruction = 0; // 0 where it is not known

  // "illegal instruction at checkasm+0x1234", an offset that objdump and addr2line take.
  std::string text() const;
};

// Calls call(context) and returns what ended it early, if something did: illegal instruction, invalid memory access,
// arithmetic, breakpoint. The call must own nothing that needs destruction, as kernels do not. One thread.
std::optional<Fault> catch_fault(void (*call)(const void *context), const void *context);

template <typename Call> std::optional<Fault> catch_fault(const Call &call) {
  return catch_fault([](const void *context) { (*static_cast<const Call *>(context))(); }, &call);
}

} // namespace intvit::test
