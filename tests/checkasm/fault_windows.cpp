// fault.hpp on Windows. The handler of a fault goes on with a function that jumps back into catch_fault(): nothing
// between is unwound, as kernels own nothing.
#include "tests/checkasm/fault.hpp"

#include <array>
#include <sstream>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

namespace intvit::test {

namespace {

void *escape[5]; // of __builtin_setjmp
bool catching = false;
Fault fault;

[[noreturn]] void leave() {
  __builtin_longjmp(escape, 1);
}

LONG CALLBACK handle(EXCEPTION_POINTERS *exception) {
  if (!catching)
    return EXCEPTION_CONTINUE_SEARCH;
  const EXCEPTION_RECORD &record = *exception->ExceptionRecord;
  fault = {};
  fault.instruction = reinterpret_cast<std::uintptr_t>(record.ExceptionAddress);
  switch (record.ExceptionCode) {
  case EXCEPTION_ILLEGAL_INSTRUCTION:
  case EXCEPTION_PRIV_INSTRUCTION:
    fault.kind = Fault::Kind::illegal_instruction;
    break;
  case EXCEPTION_ACCESS_VIOLATION:
    fault.kind = Fault::Kind::invalid_access;
    if (record.NumberParameters >= 2) {
      fault.writing = record.ExceptionInformation[0] == 1;
      fault.address = static_cast<std::uintptr_t>(record.ExceptionInformation[1]);
    }
    break;
  case EXCEPTION_INT_DIVIDE_BY_ZERO:
  case EXCEPTION_INT_OVERFLOW:
    fault.kind = Fault::Kind::arithmetic;
    break;
  case EXCEPTION_BREAKPOINT:
  case EXCEPTION_DATATYPE_MISALIGNMENT:
    fault.kind = Fault::Kind::trap;
    break;
  default:
    return EXCEPTION_CONTINUE_SEARCH;
  }
  catching = false;
  CONTEXT &context = *exception->ContextRecord;
  context.Rsp = (context.Rsp & ~DWORD64{15}) - 8 - 32; // as behind a call, with room for arguments
  context.Rip = reinterpret_cast<DWORD64>(&leave);
  return EXCEPTION_CONTINUE_EXECUTION;
}

} // namespace

std::string Fault::text() const {
  constexpr std::array names = {"illegal instruction", "segmentation fault", "arithmetic fault", "trap"};
  std::ostringstream text;
  text << names[static_cast<std::size_t>(kind)];
  if (instruction != 0)
    text << " at " << std::hex << "0x" << instruction;
  return text.str();
}

[[gnu::noinline]] std::optional<Fault> catch_fault(void (*call)(const void *context), const void *context) {
  void *const handler = AddVectoredExceptionHandler(1, handle);
  volatile bool escaped = true;
  if (__builtin_setjmp(escape) == 0) {
    catching = true;
    call(context);
    catching = false;
    escaped = false;
  }
  RemoveVectoredExceptionHandler(handler);
  return escaped ? std::optional<Fault>(fault) : std::nullopt;
}

} // namespace intvit::test
