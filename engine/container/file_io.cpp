#include "engine/container/file_io.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace intvit {
namespace {

// Linux transfers at most 2 GiB in one call.
constexpr std::size_t max_transfer = std::size_t{1} << 30;

// `error` is a value of errno. std::generic_category() is strerror made safe for threads.
Status io_error(const std::string &path, const std::string &what, int error) {
  return Status(StatusCode::io, path + ": " + what + ": " + std::generic_category().message(error));
}

class FileDescriptor {
public:
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  ~FileDescriptor() {
    if (descriptor_ >= 0)
      ::close(descriptor_);
  }
  FileDescriptor(const FileDescriptor &) = delete;
  FileDescriptor &operator=(const FileDescriptor &) = delete;

  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  // Closes now and returns 0 or errno: some file systems report a failed write only here.
  int close() {
    const int descriptor = descriptor_;
    descriptor_ = -1;
    return ::close(descriptor) == 0 ? 0 : errno;
  }

private:
  int descriptor_;
};

// Returns 0 or errno.
int write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), std::min(bytes.size(), max_transfer));
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

} // namespace

Result<std::vector<std::byte>> read_file(const std::string &path, std::int64_t limit) {
  // O_NONBLOCK: opening a named pipe that nobody writes to must not hang; it changes nothing for regular files.
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open())
    return io_error(path, "cannot open", errno);
  struct stat information = {};
  if (::fstat(file.get(), &information) != 0)
    return io_error(path, "cannot read", errno);
  if (S_ISDIR(information.st_mode))
    return io_error(path, "cannot read", EISDIR);
  if (!S_ISREG(information.st_mode))
    return Status(StatusCode::io, path + ": cannot read: not a regular file");
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
    const ssize_t count = ::read(file.get(), bytes.data() + filled, std::min(bytes.size() - filled, max_transfer));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return io_error(path, "cannot read", errno);
    if (count == 0)
      return Status(StatusCode::io, path + ": cannot read: the file became shorter while it was read");
    filled += static_cast<std::size_t>(count);
  }
  return bytes;
}

Status write_file_atomically(const std::string &path, std::span<const std::byte> bytes) {
  // Renaming over a device (as root, -o /dev/null) would replace it for the whole system.
  struct stat information = {};
  if (::stat(path.c_str(), &information) == 0) {
    if (S_ISDIR(information.st_mode))
      return io_error(path, "cannot write", EISDIR);
    if (!S_ISREG(information.st_mode))
      return Status(StatusCode::io, path + ": cannot write: not a regular file");
  }

  // Take the first free name: another process may be writing to the same path, or a killed one may have left its file.
  const std::string stem = path + ".tmp-" + std::to_string(::getpid()) + "-";
  std::string temporary;
  int descriptor = -1;
  int error = EEXIST;
  for (int attempt = 0; attempt < 100 && error == EEXIST; ++attempt) {
    temporary = stem + std::to_string(attempt);
    descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    error = descriptor < 0 ? errno : 0;
  }
  if (error != 0)
    return io_error(path, "cannot create a file in its folder", error);

  FileDescriptor file(descriptor);
  error = write_all(file.get(), bytes);
  if (error == 0 && ::fsync(file.get()) != 0)
    error = errno;
  const int close_error = file.close();
  if (error == 0)
    error = close_error;
  if (error == 0 && std::rename(temporary.c_str(), path.c_str()) != 0)
    error = errno;
  if (error == 0) {
    // The rename reaches the disk only when the folder is flushed, too. If that fails, the path holds either the old or
    // the new file after a crash.
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.is_open())
      ::fsync(opened.get());
    return {};
  }
  ::unlink(temporary.c_str());
  return io_error(path, "cannot write", error);
}

} // namespace intvit
