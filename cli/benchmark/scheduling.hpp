// Where and how this process is to run while it measures.
#pragma once

#include <string>
#include <vector>

namespace intvit::cli {

// "0,2-5", or a mask like 0x2d whose lowest bit is processor 0: the processors in ascending order. Throws UsageError.
std::vector<int> processor_list(const std::string &text);

// For this thread and those that it starts. Throws std::runtime_error where the system refuses.
void use_processors(const std::vector<int> &processors);

enum class Priority { normal, high, realtime };
void use_priority(Priority priority);

// Waits; throws Interrupted.
void wait_seconds(double seconds);

} // namespace intvit::cli
