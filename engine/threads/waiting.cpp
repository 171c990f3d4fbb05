#include "engine/threads/waiting.hpp"

namespace intvit {

void sleep_while(const std::atomic<unsigned> &value, unsigned old) {
  value.wait(old, std::memory_order_acquire);
}

void wake_one(std::atomic<unsigned> &value) {
  value.notify_one();
}

void wake_all(std::atomic<unsigned> &value) {
  value.notify_all();
}

} // namespace intvit
