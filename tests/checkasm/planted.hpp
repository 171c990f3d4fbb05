// Kernels with a planted mistake, to show that checkasm reports it.
#pragma once

#include <span>

#include "kernels/kernel_table.hpp"
#include "tests/checkasm/check.hpp"

namespace intvit::test {

struct Plant {
  const char *mistake;        // "a flipped bit"
  kernels::KernelTable table; // the reference's, each function with the mistake
  std::span<const FailureKind> reported_as;
};

std::span<const Plant> planted_kernels();

} // namespace intvit::test
