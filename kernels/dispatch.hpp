// Which kernels this processor can run, and which are used.
#pragma once

#include <span>
#include <string_view>

#include "kernels/kernel_table.hpp"

namespace intvit::kernels {

// The sets of kernels that were built and whose instructions this processor and its operating system have, slowest
// first. The first is always "reference"; the next is "scalar" unless the build leaves it out.
std::span<const KernelTable> available_kernels();

// The one of that name; null where it was not built or this processor does not have it.
const KernelTable *find_kernels(std::string_view name);

// The one named by the environment variable INTVIT_ISA where it is available, else the fastest.
const KernelTable &default_kernels();

} // namespace intvit::kernels
