// Tables for a terminal: aligned columns within its width.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/benchmark/tables.hpp"

namespace intvit::cli {

inline constexpr std::size_t terminal_width = 80;

// Of a table with several key columns: those that are the same in all rows, which terminal_text() leaves out, as "isa
// avx2, batch 1". Empty where there are none. At least one row.
std::string common_keys(const Table &table);

// The table without these columns.
Table without_common_keys(const Table &table);

// The other columns. Where they do not fit, several blocks one below the other, each of which begins with the key
// columns. Long text of the first column loses its middle unless rows could then not be told apart. Headings lose their
// " ms": say above the table what times are in.
std::string terminal_text(const Table &table, std::size_t width = terminal_width);

} // namespace intvit::cli
