// How much memory the process holds.
#pragma once

#include <cstddef>
#include <optional>

namespace intvit::cli {

// The most that the process had in memory since this was made. One at a time: each begins anew for all.
class PeakMemory {
public:
  PeakMemory();
  std::optional<std::size_t> bytes() const; // absent where the system does not tell, or cannot begin anew

private:
  bool begun_;
};

} // namespace intvit::cli
