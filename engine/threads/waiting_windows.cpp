// By the system's own calls. std::atomic's may sleep for ever in GCC 12's library for Windows: it looks at the number
// before it takes the lock under which it sleeps, and misses who changes it in between.
#include "engine/threads/waiting.hpp"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

namespace intvit {

static_assert(sizeof(std::atomic<unsigned>) == sizeof(unsigned));

void sleep_while(const std::atomic<unsigned> &value, unsigned old) {
  while (value.load(std::memory_order_acquire) == old)
    WaitOnAddress(const_cast<std::atomic<unsigned> *>(&value), &old, sizeof old, INFINITE);
}

void wake_one(std::atomic<unsigned> &value) {
  WakeByAddressSingle(&value);
}

void wake_all(std::atomic<unsigned> &value) {
  WakeByAddressAll(&value);
}

} // namespace intvit
