// Whole files in and out of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/status.hpp"

namespace intvit {

// No larger file is read: a bound on what a hostile path (a sparse file, say) can make the process allocate.
inline constexpr std::int64_t max_file_size = std::int64_t{1} << 34;

// The content of a regular file. Errors: io (missing, unreadable, a directory or device, larger than `limit` bytes,
// more than memory holds). Messages begin with the path.
Result<std::vector<std::byte>> read_file(const std::string &path, std::int64_t limit = max_file_size);

// Makes `bytes` the content of `path`: writes a temporary file in the same folder, flushes it to the disk and renames
// it, so that `path` holds the old content or the new and never a part. On failure the temporary file is removed. A
// symbolic link is replaced, not followed. Errors: io; messages begin with the path.
Status write_file_atomically(const std::string &path, std::span<const std::byte> bytes);

} // namespace intvit
