// Reads a tar archive, plain or gzip-compressed, from front to back: POSIX ustar with the pax and GNU long-name
// extensions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace intvit::train {

struct TarEntry {
  std::string name; // as stored, without a leading "./"
  std::vector<std::uint8_t> bytes;
};

class TarReader {
public:
  // Throws std::runtime_error, naming the file, where it cannot be opened.
  explicit TarReader(const std::string &path);

  // The next regular file, or nothing after the last. Throws std::runtime_error, naming the archive, where it is
  // truncated or corrupt, or an entry is larger than 256 MiB.
  std::optional<TarEntry> next();

private:
  struct CloseGzip {
    void operator()(void *file) const;
  };

  bool read_block(std::uint8_t *block); // false at the end of the file
  std::vector<std::uint8_t> read_body(std::uint64_t size);
  [[noreturn]] void fail(const std::string &why) const;

  std::string path_;
  std::unique_ptr<void, CloseGzip> file_;
};

} // namespace intvit::train
