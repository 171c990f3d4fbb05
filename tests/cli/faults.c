// Loaded into the program with LD_PRELOAD: ends the process in the middle of writing a file, or makes a system call
// about it fail, as a killed program, a full disk and a broken one do. INTVIT_TEST_FAULT says which. Meant are the
// temporary files that write_file_atomically() makes.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fault_is(const char *name) {
  const char *fault = getenv("INTVIT_TEST_FAULT");
  return fault != NULL && strcmp(fault, name) == 0;
}

static int is_temporary(int descriptor) {
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0)
    return 0;
  path[length] = '\0';
  return strstr(path, ".tmp-") != NULL;
}

static void end_process(void) {
  kill(getpid(), SIGKILL);
  pause();
}

ssize_t write(int descriptor, const void *data, size_t size) {
  static int written = 0;
  if (is_temporary(descriptor)) {
    if (written && fault_is("write-full")) {
      errno = ENOSPC;
      return -1;
    }
    if (fault_is("write-killed") || fault_is("write-full"))
      size = size / 2;
  }
  const ssize_t result = syscall(SYS_write, descriptor, data, size);
  if (is_temporary(descriptor)) {
    written = 1;
    if (fault_is("write-killed"))
      end_process();
  }
  return result;
}

int fsync(int descriptor) {
  if (is_temporary(descriptor)) {
    if (fault_is("fsync-killed"))
      end_process();
    if (fault_is("fsync-fails")) {
      errno = EIO;
      return -1;
    }
  }
  return (int)syscall(SYS_fsync, descriptor);
}

int close(int descriptor) {
  const int fails = is_temporary(descriptor) && fault_is("close-fails");
  const int result = (int)syscall(SYS_close, descriptor);
  if (fails) {
    errno = EDQUOT;
    return -1;
  }
  return result;
}

int rename(const char *from, const char *to) {
  if (strstr(from, ".tmp-") != NULL) {
    if (fault_is("rename-killed"))
      end_process();
    if (fault_is("rename-fails")) {
      errno = EACCES;
      return -1;
    }
  }
  const int result = renameat(AT_FDCWD, from, AT_FDCWD, to);
  if (fault_is("renamed-killed"))
    end_process();
  return result;
}
