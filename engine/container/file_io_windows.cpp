// file_io.hpp on Windows. Paths are UTF-8, as everywhere in the project, and UTF-16 for the system.
#include "engine/container/file_io.hpp"

#include <algorithm>
#include <cerrno>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <sys/stat.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "engine/container/utf16_windows.hpp"

namespace intvit {
namespace {

constexpr std::size_t max_transfer = std::size_t{1} << 30;

// `error` is a value of errno.
Status io_error(const std::string &path, const std::string &what, int error) {
  return Status(StatusCode::io, path + ": " + what + ": " + std::generic_category().message(error));
}

class FileDescriptor {
public:
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor &&other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ~FileDescriptor() {
    if (is_open())
      ::_close(descriptor_);
  }
  FileDescriptor(const FileDescriptor &) = delete;
  FileDescriptor &operator=(const FileDescriptor &) = delete;
  FileDescriptor &operator=(FileDescriptor &&) = delete;

  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  int close() { return ::_close(std::exchange(descriptor_, -1)) == 0 ? 0 : errno; }

private:
  int descriptor_;
};

// What a path leads to: 0, or errno where there is nothing.
int look(const std::wstring &path, struct _stat64 &information) {
  return ::_wstat64(path.c_str(), &information) == 0 ? 0 : errno;
}

bool is_regular(const struct _stat64 &information) {
  return (information.st_mode & _S_IFMT) == _S_IFREG;
}

struct Temporary {
  std::wstring path;
  FileDescriptor file;
};

// A new, empty file beside what is to be written.
Result<Temporary> create_beside(const std::string &path) {
  const std::optional<std::wstring> name = utf16(path);
  if (!name)
    return Status(StatusCode::io, path + ": cannot write: the name is no UTF-8");
  struct _stat64 information = {};
  const int error = look(*name, information);
  if (error != 0 && error != ENOENT)
    return io_error(path, "cannot write", error);
  if (error == 0 && (information.st_mode & _S_IFMT) == _S_IFDIR)
    return io_error(path, "cannot write", EISDIR);
  if (error == 0 && !is_regular(information))
    return Status(StatusCode::io, path + ": cannot write: not a regular file");
  const std::wstring stem = *name + L".tmp-" + std::to_wstring(::_getpid()) + L"-";
  int failed = EEXIST;
  for (int attempt = 0; attempt < 100 && failed == EEXIST; ++attempt) {
    std::wstring temporary = stem + std::to_wstring(attempt);
    FileDescriptor file(
        ::_wopen(temporary.c_str(), _O_WRONLY | _O_CREAT | _O_EXCL | _O_BINARY | _O_NOINHERIT, _S_IREAD | _S_IWRITE));
    if (file.is_open())
      return Temporary{std::move(temporary), std::move(file)};
    failed = errno;
  }
  return io_error(path, "cannot create a file in its folder", failed);
}

// Returns 0 or errno.
int write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const int written = ::_write(descriptor, bytes.data(), static_cast<unsigned>(std::min(bytes.size(), max_transfer)));
    if (written < 0)
      return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

} // namespace

Result<std::vector<std::byte>> read_file(const std::string &path, std::int64_t limit) {
  const std::optional<std::wstring> name = utf16(path);
  if (!name)
    return Status(StatusCode::io, path + ": cannot open: the name is no UTF-8");
  struct _stat64 information = {};
  if (const int error = look(*name, information); error != 0)
    return io_error(path, "cannot open", error);
  if ((information.st_mode & _S_IFMT) == _S_IFDIR)
    return io_error(path, "cannot read", EISDIR);
  if (!is_regular(information))
    return Status(StatusCode::io, path + ": cannot read: not a regular file");
  const FileDescriptor file(::_wopen(name->c_str(), _O_RDONLY | _O_BINARY | _O_NOINHERIT));
  if (!file.is_open())
    return io_error(path, "cannot open", errno);
  if (::_fstat64(file.get(), &information) != 0)
    return io_error(path, "cannot read", errno);
  if (information.st_size > limit)
    return Status(StatusCode::io, path + ": cannot read: " + std::to_string(information.st_size) + " bytes, at most " +
                                      std::to_string(limit) + " are read");

  std::vector<std::byte> bytes;
  // The size of this allocation comes from outside and may exceed the machine's memory.
  try {
    bytes.resize(static_cast<std::size_t>(information.st_size));
  } catch (const std::bad_alloc &) {
    return io_error(path, "cannot read " + std::to_string(information.st_size) + " bytes", ENOMEM);
  }
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const int count = ::_read(file.get(), bytes.data() + filled,
                              static_cast<unsigned>(std::min(bytes.size() - filled, max_transfer)));
    if (count < 0)
      return io_error(path, "cannot read", errno);
    if (count == 0)
      return Status(StatusCode::io, path + ": cannot read: the file became shorter while it was read");
    filled += static_cast<std::size_t>(count);
  }
  return bytes;
}

Status write_file_atomically(const std::string &path, std::span<const std::byte> bytes) {
  Result<Temporary> temporary = create_beside(path);
  if (!temporary.ok())
    return temporary.status();
  int error = write_all(temporary->file.get(), bytes);
  if (error == 0 && ::_commit(temporary->file.get()) != 0)
    error = errno;
  if (const int close_error = temporary->file.close(); error == 0)
    error = close_error;
  if (error == 0 && MoveFileExW(temporary->path.c_str(), utf16(path)->c_str(),
                                MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) == 0)
    error = EACCES; // what is there is open, or not to be written
  if (error == 0)
    return {};
  ::_wunlink(temporary->path.c_str());
  return io_error(path, "cannot write", error);
}

Status check_writable(const std::string &path) {
  Result<Temporary> temporary = create_beside(path);
  if (!temporary.ok())
    return temporary.status();
  static_cast<void>(temporary->file.close()); // what is open cannot be removed
  ::_wunlink(temporary->path.c_str());
  return {};
}

} // namespace intvit
