#include "engine/container/file_io.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <system_error>
#include <utility>

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
  FileDescriptor(FileDescriptor &&other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ~FileDescriptor() {
    if (descriptor_ >= 0)
      ::close(descriptor_);
  }
  FileDescriptor(const FileDescriptor &) = delete;
  FileDescriptor &operator=(const FileDescriptor &) = delete;
  FileDescriptor &operator=(FileDescriptor &&) = delete;

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

// The folder of a path, with its slash, and the name in it.
std::pair<std::string, std::string> split(const std::string &path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::pair(std::string("./"), path)
                                    : std::pair(path.substr(0, slash + 1), path.substr(slash + 1));
}

// What is to be replaced.
struct Target {
  std::string path;       // without links in its last part
  bool is_there = false;  // with
  mode_t permissions = 0; // these
};

Result<Target> target_of(const std::string &path) {
  // There, links stand for devices and open files, and renaming over one (as root, -o /dev/stdout) would replace it for
  // the whole system.
  const auto is_special = [](const std::string &name) {
    return name.starts_with("/dev/") || name.starts_with("/proc/");
  };
  Target target{path, false, 0};
  struct stat information = {};
  if (::lstat(path.c_str(), &information) != 0)
    return errno == ENOENT || errno == ENOTDIR ? Result<Target>(target) : io_error(path, "cannot write", errno);
  if (is_special(path))
    return Status(StatusCode::io, path + ": cannot write: not a regular file");
  if (S_ISLNK(information.st_mode)) {
    char *resolved = ::realpath(path.c_str(), nullptr);
    if (resolved == nullptr)
      return errno == ENOENT ? Status(StatusCode::io, path + ": cannot write: a symbolic link to nothing")
                             : io_error(path, "cannot write", errno);
    target.path = resolved;
    std::free(resolved);
    if (is_special(target.path))
      return Status(StatusCode::io, path + ": cannot write: not a regular file");
    if (::stat(target.path.c_str(), &information) != 0)
      return io_error(path, "cannot write", errno);
  }
  if (S_ISDIR(information.st_mode))
    return io_error(path, "cannot write", EISDIR);
  if (!S_ISREG(information.st_mode))
    return Status(StatusCode::io, path + ": cannot write: not a regular file");
  target.is_there = true;
  target.permissions = information.st_mode & 07777U;
  return target;
}

struct Temporary {
  std::string path;
  FileDescriptor file;
  std::string target; // what it is to replace
};

// A new, empty file beside what is to be written.
Result<Temporary> create_beside(const std::string &path) {
  const Result<Target> found = target_of(path);
  if (!found.ok())
    return found.status();
  const Target &target = *found;
  // The longest name that a file system has is 255 bytes.
  constexpr std::size_t longest_part = 200;
  const auto [folder, name] = split(target.path);
  const std::string stem = folder + name.substr(0, longest_part) + ".tmp-" + std::to_string(::getpid()) + "-";
  // Take the first free name: another process may be writing to the same path, or a killed one may have left its file.
  int error = EEXIST;
  for (int attempt = 0; attempt < 100 && error == EEXIST; ++attempt) {
    std::string temporary = stem + std::to_string(attempt);
    FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!file.is_open()) {
      error = errno;
      continue;
    }
    // Not every file system has permissions: without them the file is the same.
    if (target.is_there)
      static_cast<void>(::fchmod(file.get(), target.permissions));
    return Temporary{std::move(temporary), std::move(file), target.path};
  }
  return io_error(path, "cannot create a file in its folder", error);
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
  Result<Temporary> temporary = create_beside(path);
  if (!temporary.ok())
    return temporary.status();
  FileDescriptor &file = temporary->file;
  int error = write_all(file.get(), bytes);
  if (error == 0 && ::fsync(file.get()) != 0)
    error = errno;
  const int close_error = file.close();
  if (error == 0)
    error = close_error;
  if (error == 0 && std::rename(temporary->path.c_str(), temporary->target.c_str()) != 0)
    error = errno;
  if (error == 0) {
    // The rename reaches the disk only when the folder is flushed, too. If that fails, the path holds either the old or
    // the new file after a crash.
    const FileDescriptor opened(::open(split(temporary->target).first.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.is_open())
      ::fsync(opened.get());
    return {};
  }
  ::unlink(temporary->path.c_str());
  return io_error(path, "cannot write", error);
}

Status check_writable(const std::string &path) {
  Result<Temporary> temporary = create_beside(path);
  if (!temporary.ok())
    return temporary.status();
  ::unlink(temporary->path.c_str());
  return {};
}

} // namespace intvit
