// How a thread sleeps until another one changes a number.
#pragma once

#include <atomic>

namespace intvit {

// Until `value` is another one than `old`, and whoever changed it has called one of the functions below. What was
// written before the change is seen afterwards, if that released it.
void sleep_while(const std::atomic<unsigned> &value, unsigned old);

void wake_one(std::atomic<unsigned> &value);
void wake_all(std::atomic<unsigned> &value);

} // namespace intvit
