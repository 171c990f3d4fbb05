#pragma once

#include <stdexcept>

namespace intvit {

// A command line that makes no sense. The programs print the message, which says what to do, and exit with 2.
class UsageError : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

} // namespace intvit
