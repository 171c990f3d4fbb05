#include "engine/container/file_io.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/engine/container/safetensors_bytes.hpp"
#include "tests/support/data.hpp"

namespace intvit {
namespace {

namespace fs = std::filesystem;
using test::temporary_file;
using test::to_bytes;

void put(const std::string &path, const std::string &content) {
  std::ofstream(path, std::ios::binary) << content;
}

std::string content(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t files_in(const std::string &folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

void check_io_error(const Status &status, const std::string &message) {
  CHECK(status.code() == StatusCode::io);
  CHECK(status.message() == message);
}

TEST_CASE("read_file returns the bytes of the file") {
  const std::string path = temporary_file("read");
  for (const std::string &text : {std::string(), std::string("a\0b\n\xFF", 5), std::string(3000000, 'x')}) {
    put(path, text);
    const auto bytes = read_file(path);
    REQUIRE(bytes.ok());
    CHECK((*bytes == to_bytes(text)));
  }
}

TEST_CASE("read_file says which file it cannot read, and why") {
  const std::string missing = temporary_file("missing");
  check_io_error(read_file(missing).status(), missing + ": cannot open: No such file or directory");

  const std::string folder = temporary_file("folder");
  fs::create_directory(folder);
  check_io_error(read_file(folder).status(), folder + ": cannot read: Is a directory");

  check_io_error(read_file("/dev/zero").status(), "/dev/zero: cannot read: not a regular file");

  const std::string pipe = temporary_file("a-pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  check_io_error(read_file(pipe).status(), pipe + ": cannot read: not a regular file");

  const std::string ten = temporary_file("ten");
  put(ten, "0123456789");
  CHECK(read_file(ten, 10).ok());
  check_io_error(read_file(ten, 9).status(), ten + ": cannot read: 10 bytes, at most 9 are read");

  // A sparse file takes no space on the disk, whatever its size.
  const std::string sparse = temporary_file("sparse");
  put(sparse, "");
  REQUIRE(::truncate(sparse.c_str(), max_file_size + 1) == 0);
  check_io_error(read_file(sparse).status(), sparse + ": cannot read: 17179869185 bytes, at most 17179869184 are read");
}

TEST_CASE("write_file_atomically creates and replaces, and leaves nothing else behind") {
  const std::string folder = temporary_file("write");
  fs::create_directory(folder);
  const std::string path = folder + "/target";
  for (const std::string &text : {std::string("first, long"), std::string("second"), std::string()}) {
    REQUIRE(write_file_atomically(path, to_bytes(text)).ok());
    CHECK(content(path) == text);
    CHECK(files_in(folder) == 1);
  }
}

TEST_CASE("write_file_atomically gives new files the permissions that the user's mask leaves") {
  const std::string path = temporary_file("permissions");
  const mode_t before = ::umask(027);
  const Status status = write_file_atomically(path, {});
  ::umask(before);
  REQUIRE(status.ok());
  CHECK(fs::status(path).permissions() == fs::perms(0640));
}

TEST_CASE("write_file_atomically replaces what a symbolic link leads to, and keeps the link") {
  const std::string target = temporary_file("link-target");
  const std::string link = temporary_file("link");
  const std::string link_of_link = temporary_file("link-of-link");
  REQUIRE(write_file_atomically(target, to_bytes("old")).ok());
  fs::create_symlink("link-target", link);
  fs::create_symlink(link, link_of_link);
  for (const std::string &path : {link, link_of_link}) {
    REQUIRE(write_file_atomically(path, to_bytes(path)).ok());
    CHECK(fs::is_symlink(path));
    CHECK(content(target) == path);
  }
  const std::string dangling = temporary_file("dangling");
  fs::create_symlink("nothing", dangling);
  CHECK(write_file_atomically(dangling, to_bytes("new")).message() ==
        dangling + ": cannot write: a symbolic link to nothing");
  CHECK(fs::is_symlink(dangling));
}

TEST_CASE("write_file_atomically replaces no device, no pipe, and nothing that stands for an open file") {
  const std::string pipe = temporary_file("pipe-to-replace");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const std::string to_device = temporary_file("to-device");
  fs::create_symlink("/dev/null", to_device);
  const std::string to_stdout = temporary_file("to-stdout");
  fs::create_symlink("/dev/stdout", to_stdout);
  for (const std::string &path : {std::string("/dev/null"), std::string("/dev/stdout"), std::string("/dev/fd/1"),
                                  std::string("/proc/self/fd/1"), pipe, to_device}) {
    CHECK(write_file_atomically(path, to_bytes("new")).message() == path + ": cannot write: not a regular file");
    CHECK(check_writable(path).message() == path + ": cannot write: not a regular file");
  }
  CHECK(fs::is_symlink("/dev/stdout"));
  CHECK(fs::is_character_file("/dev/null"));
  CHECK(fs::is_fifo(pipe));
}

TEST_CASE("write_file_atomically keeps the permissions of what it replaces") {
  const std::string path = temporary_file("private");
  REQUIRE(write_file_atomically(path, to_bytes("old")).ok());
  for (const fs::perms permissions : {fs::perms(0600), fs::perms(0640), fs::perms(0755)}) {
    fs::permissions(path, permissions);
    REQUIRE(write_file_atomically(path, to_bytes("new")).ok());
    CHECK(fs::status(path).permissions() == permissions);
  }
}

TEST_CASE("write_file_atomically takes the longest names that a folder takes") {
  for (const std::size_t length : {std::size_t{200}, std::size_t{241}, std::size_t{255}}) {
    const std::string path = temporary_file(std::string(length, 'n'));
    CHECK(write_file_atomically(path, to_bytes("new")).ok());
    CHECK(content(path) == "new");
    fs::remove(path);
  }
}

TEST_CASE("check_writable says beforehand what would go wrong, and leaves nothing") {
  const std::string folder = temporary_file("checked");
  fs::create_directory(folder);
  CHECK(check_writable(folder + "/new").ok());
  CHECK(fs::is_empty(folder));
  REQUIRE(write_file_atomically(folder + "/old", to_bytes("old")).ok());
  CHECK(check_writable(folder + "/old").ok());
  CHECK(content(folder + "/old") == "old");
  CHECK(check_writable(folder).message() == folder + ": cannot write: Is a directory");
  CHECK(check_writable(folder + "/no/such").message() ==
        folder + "/no/such: cannot create a file in its folder: No such file or directory");
}

TEST_CASE("write_file_atomically keeps clear of other writers' temporary files") {
  const std::string folder = temporary_file("contended");
  fs::create_directory(folder);
  const std::string path = folder + "/target";
  const std::string other = path + ".tmp-" + std::to_string(::getpid()) + "-0";
  put(other, "other");
  REQUIRE(write_file_atomically(path, to_bytes("mine")).ok());
  CHECK(content(path) == "mine");
  CHECK(content(other) == "other");
  CHECK(files_in(folder) == 2);
}

TEST_CASE("write_file_atomically names the target where it fails") {
  const std::string nowhere = temporary_file("no-such-folder") + "/target";
  check_io_error(write_file_atomically(nowhere, {}),
                 nowhere + ": cannot create a file in its folder: No such file or directory");

  const std::string file = temporary_file("plain-file");
  put(file, "");
  check_io_error(write_file_atomically(file + "/target", {}),
                 file + "/target: cannot create a file in its folder: Not a directory");

  const std::string folder = temporary_file("target-is-folder");
  fs::create_directory(folder);
  check_io_error(write_file_atomically(folder, {}), folder + ": cannot write: Is a directory");

  check_io_error(write_file_atomically("/dev/null", {}), "/dev/null: cannot write: not a regular file");
}

TEST_CASE("write_file_atomically needs a writable folder") {
  if (::geteuid() == 0) {
    std::cout << "[skipped] root may write to every folder\n";
    return;
  }
  const std::string folder = temporary_file("read-only");
  fs::create_directory(folder);
  fs::permissions(folder, fs::perms::owner_read | fs::perms::owner_exec);
  check_io_error(write_file_atomically(folder + "/target", {}),
                 folder + "/target: cannot create a file in its folder: Permission denied");
  fs::permissions(folder, fs::perms::owner_all);
}

TEST_CASE("write_file_atomically keeps the old file where the disk does not take the new one") {
  const std::string folder = temporary_file("full");
  fs::create_directory(folder);
  const std::string path = folder + "/target";
  put(path, "old");

  // A limit on file sizes makes writing fail part of the way, as a full disk does.
  rlimit before = {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limited = before;
  limited.rlim_cur = 1000;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limited) == 0);
  const Status status = write_file_atomically(path, std::vector<std::byte>(5000));
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);

  check_io_error(status, path + ": cannot write: File too large");
  CHECK(content(path) == "old");
  CHECK(files_in(folder) == 1);
}

} // namespace
} // namespace intvit
