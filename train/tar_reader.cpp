#include "train/tar_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <zlib.h>

namespace intvit::train {

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::uint64_t kLargestEntry = std::uint64_t{256} << 20;

using Block = std::array<std::uint8_t, kBlock>;

// A field of the header: text up to the first zero byte.
std::string field(const Block &block, std::size_t offset, std::size_t length) {
  const auto *begin = block.data() + offset;
  return {begin, std::find(begin, begin + length, std::uint8_t{0})};
}

// An octal field, or nothing where it holds anything else. Twelve digits at most, so nothing overflows.
std::optional<std::uint64_t> octal(const Block &block, std::size_t offset, std::size_t length) {
  std::uint64_t value = 0;
  bool any = false;
  for (const char c : field(block, offset, length)) {
    if (c == ' ')
      continue;
    if (c < '0' || c > '7')
      return std::nullopt;
    value = value * 8 + static_cast<std::uint64_t>(c - '0');
    any = true;
  }
  return any ? std::optional(value) : std::nullopt;
}

// The sum of the header's bytes with its own checksum field read as blanks.
std::uint64_t header_checksum(const Block &block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i)
    sum += i >= 148 && i < 156 ? std::uint64_t{' '} : block[i];
  return sum;
}

// The value of "path" in a pax header, whose records are "LENGTH KEY=VALUE\n"; empty where there is none.
std::string pax_path(const std::vector<std::uint8_t> &body) {
  const std::string text(body.begin(), body.end());
  std::string_view rest = text;
  while (!rest.empty()) {
    std::size_t length = 0;
    std::size_t digits = 0;
    while (digits < rest.size() && digits < 9 && rest[digits] >= '0' && rest[digits] <= '9')
      length = length * 10 + static_cast<std::size_t>(rest[digits++] - '0');
    if (length <= digits + 1 || length > rest.size())
      return {};
    const std::string_view record = rest.substr(digits + 1, length - digits - 2);
    if (record.substr(0, 5) == "path=")
      return std::string(record.substr(5));
    rest.remove_prefix(length);
  }
  return {};
}

} // namespace

void TarReader::CloseGzip::operator()(void *file) const {
  gzclose(static_cast<gzFile>(file));
}

TarReader::TarReader(const std::string &path) : path_(path) {
  errno = 0;
  file_.reset(gzopen(path.c_str(), "rb"));
  if (file_ == nullptr)
    fail(std::string("cannot open: ") + (errno != 0 ? std::strerror(errno) : "out of memory"));
  gzbuffer(static_cast<gzFile>(file_.get()), 1U << 18);
}

void TarReader::fail(const std::string &why) const {
  throw std::runtime_error(path_ + ": " + why);
}

bool TarReader::read_block(std::uint8_t *block) {
  auto *file = static_cast<gzFile>(file_.get());
  const int got = gzread(file, block, kBlock);
  if (got == static_cast<int>(kBlock))
    return true;
  int code = Z_OK;
  std::string message = gzerror(file, &code);
  if (message.rfind(path_ + ": ", 0) == 0) // zlib puts it in front of its own messages
    message.erase(0, path_.size() + 2);
  if (got < 0 || (code != Z_OK && code != Z_STREAM_END))
    fail(code == Z_BUF_ERROR ? "truncated: the compressed data ends early" : "corrupt compressed data: " + message);
  if (got != 0)
    fail("truncated: ends inside a block");
  return false;
}

std::vector<std::uint8_t> TarReader::read_body(std::uint64_t size) {
  if (size > kLargestEntry)
    fail("holds an entry of " + std::to_string(size) + " bytes; 256 MiB is the most");
  const std::size_t blocks = static_cast<std::size_t>((size + kBlock - 1) / kBlock);
  std::vector<std::uint8_t> body;
  Block block;
  for (std::size_t i = 0; i < blocks; ++i) {
    if (!read_block(block.data()))
      fail("truncated: ends inside an entry");
    body.insert(body.end(), block.begin(), block.end());
  }
  body.resize(static_cast<std::size_t>(size));
  return body;
}

std::optional<TarEntry> TarReader::next() {
  std::string long_name;
  Block block;
  while (read_block(block.data())) {
    // An archive ends with blocks of zeros. Reading on to the file's end makes zlib check the data's checksum.
    if (std::all_of(block.begin(), block.end(), [](std::uint8_t b) { return b == 0; })) {
      while (read_block(block.data())) {
      }
      return std::nullopt;
    }
    const auto checksum = octal(block, 148, 8);
    const auto size = octal(block, 124, 12);
    if (!checksum || *checksum != header_checksum(block))
      fail("not a tar archive, or corrupt: a header's checksum is wrong");
    if (!size)
      fail("corrupt: an entry's size is not a number");

    const char type = static_cast<char>(block[156]);
    std::vector<std::uint8_t> body = read_body(*size);
    if (type == 'L') {
      long_name.assign(body.begin(), std::find(body.begin(), body.end(), std::uint8_t{0}));
      continue;
    }
    if (type == 'x') {
      long_name = pax_path(body);
      continue;
    }
    if (type != '0' && type != '\0') {
      long_name.clear();
      continue;
    }
    TarEntry entry;
    entry.bytes = std::move(body);
    if (!long_name.empty()) {
      entry.name = long_name;
    } else {
      const std::string prefix = field(block, 257, 5) == "ustar" ? field(block, 345, 155) : "";
      entry.name = prefix.empty() ? field(block, 0, 100) : prefix + "/" + field(block, 0, 100);
    }
    if (entry.name.rfind("./", 0) == 0)
      entry.name.erase(0, 2);
    return entry;
  }
  return std::nullopt;
}

} // namespace intvit::train
