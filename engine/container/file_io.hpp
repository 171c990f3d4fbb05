// Reads and writes whole files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/status.hpp"

namespace intvit {

// Larger files are not read. This bounds what a hostile path, such as a sparse file, can make the process allocate.
inline constexpr std::int64_t max_file_size = std::int64_t{1} << 34;

// The content of a regular file. Errors: io (missing, unreadable, a directory or device, larger than `limit` bytes, or
// larger than memory). Messages begin with the path.
Result<std::vector<std::byte>> read_file(const std::string &path, std::int64_t limit = max_file_size);

// Makes `bytes` the content of `path`. It writes a temporary file in the same folder, flushes it to the disk and
// renames it, so `path` always holds either the old content or the new, never a part. On failure the temporary file is
// removed. A file that is there keeps its permissions; of a symbolic link the file that it leads to is replaced, and
// the link stays. Errors: io (also what is no regular file, or lies in /dev or /proc, where a link stands for an open
// file, and a link to nothing); messages begin with the path.
Status write_file_atomically(const std::string &path, std::span<const std::byte> bytes);

// What would hinder write_file_atomically() already: to be asked before long work. Writes nothing that stays.
Status check_writable(const std::string &path);

} // namespace intvit
