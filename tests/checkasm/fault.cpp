#include "tests/checkasm/fault.hpp"

#include <array>
#include <csetjmp>
#include <csignal>
#include <dlfcn.h>
#include <sstream>
#include <ucontext.h>

namespace intvit::test {

namespace {

constexpr std::array caught_signals = {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP};

sigjmp_buf escape;
Fault fault;

Fault::Kind kind_of(int signal) {
  switch (signal) {
  case SIGILL:
    return Fault::Kind::illegal_instruction;
  case SIGSEGV:
  case SIGBUS:
    return Fault::Kind::invalid_access;
  case SIGFPE:
    return Fault::Kind::arithmetic;
  default:
    return Fault::Kind::trap;
  }
}

void handle(int signal, siginfo_t *info, void *context) {
  fault = {};
  fault.kind = kind_of(signal);
  if (fault.kind == Fault::Kind::invalid_access)
    fault.address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const auto &machine = static_cast<const ucontext_t *>(context)->uc_mcontext;
#if defined(__x86_64__)
  fault.instruction = static_cast<std::uintptr_t>(machine.gregs[REG_RIP]);
  if (signal == SIGSEGV)
    fault.writing = (machine.gregs[REG_ERR] & 2) != 0; // bit 1 of the page fault's error code
#elif defined(__aarch64__)
  fault.instruction = static_cast<std::uintptr_t>(machine.pc);
#elif defined(__riscv)
  fault.instruction = static_cast<std::uintptr_t>(machine.__gregs[REG_PC]);
#else
  static_cast<void>(machine);
#endif
  siglongjmp(escape, 1);
}

} // namespace

std::string Fault::text() const {
  constexpr std::array names = {"illegal instruction", "segmentation fault", "arithmetic fault", "trap"};
  std::ostringstream text;
  text << names[static_cast<std::size_t>(kind)];
  Dl_info module{};
  if (instruction != 0 && ::dladdr(reinterpret_cast<void *>(instruction), &module) != 0 &&
      module.dli_fname != nullptr) {
    const std::string path = module.dli_fname;
    text << " at " << path.substr(path.rfind('/') + 1) << "+0x" << std::hex
         << instruction - reinterpret_cast<std::uintptr_t>(module.dli_fbase);
  }
  return text.str();
}

std::optional<Fault> catch_fault(void (*call)(const void *context), const void *context) {
  std::array<struct sigaction, caught_signals.size()> previous;
  struct sigaction action {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < caught_signals.size(); ++i)
    ::sigaction(caught_signals[i], &action, &previous[i]);
  const bool escaped = sigsetjmp(escape, 1) != 0;
  if (!escaped)
    call(context);
  for (std::size_t i = 0; i < caught_signals.size(); ++i)
    ::sigaction(caught_signals[i], &previous[i], nullptr);
  return escaped ? std::optional<Fault>(fault) : std::nullopt;
}

} // namespace intvit::test
