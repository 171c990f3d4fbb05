/* Classifies every picture that is put into a folder, as soon as it is there whole. Linux: waits with inotify.
 *
 *   watch_folder MODEL FOLDER [COUNT]      ends after COUNT files, or never
 *
 * Prints "FILE<tab>CLASS<tab>PERCENT" for each; what cannot be classified is told on stderr, and watching goes on.
 * Shows: a program that runs for months; its sessions' memory is allocated once. */
#define _POSIX_C_SOURCE 200809L
#include <intvit.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static void classify(intvit_session *session, const char *folder, const char *name) {
  char path[4096];
  struct stat information;
  intvit_error error;
  intvit_class best;
  if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) {
    fprintf(stderr, "%s: the name is too long\n", name);
    return;
  }
  /* Without O_NONBLOCK, opening a pipe would wait for somebody who writes to it. */
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  FILE *file = NULL;
  if (descriptor >= 0 && fstat(descriptor, &information) == 0 && S_ISREG(information.st_mode))
    file = fdopen(descriptor, "rb");
  if (file == NULL) {
    fprintf(stderr, "%s: cannot be read\n", path);
    if (descriptor >= 0)
      close(descriptor);
    return;
  }
  const size_t size = (size_t)information.st_size;
  void *bytes = malloc(size > 0 ? size : 1);
  const int whole = bytes != NULL && fread(bytes, 1, size, file) == size;
  fclose(file);
  const intvit_image image = intvit_encoded_image(bytes, size);
  if (!whole)
    fprintf(stderr, "%s: cannot be read\n", path);
  else if (intvit_run(session, &image, 1, &error) != INTVIT_OK ||
           intvit_top_k(session, 0, 1, &best, &error) != INTVIT_OK)
    fprintf(stderr, "%s: %s\n", path, error.message);
  else if (best.label != NULL)
    printf("%s\t%s\t%d\n", name, best.label, (best.probability + 5000) / 10000);
  else /* a model without labels */
    printf("%s\tclass %d\t%d\n", name, (int)best.index, (best.probability + 5000) / 10000);
  fflush(stdout);
  free(bytes);
}

static int watch(intvit_session *session, const char *folder, long count) {
  /* Room for several events; names come with them. */
  union {
    struct inotify_event event;
    char bytes[16384];
  } buffer;
  const int watcher = inotify_init1(IN_CLOEXEC);
  /* Written and closed, or moved here: either way the file is whole. */
  if (watcher < 0 || inotify_add_watch(watcher, folder, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
    perror(folder);
    return 1;
  }
  fprintf(stderr, "watching %s\n", folder);
  while (count != 0) {
    const ssize_t got = read(watcher, buffer.bytes, sizeof buffer.bytes);
    if (got <= 0) {
      perror("inotify");
      return 1;
    }
    for (ssize_t at = 0; at < got && count != 0;) {
      struct inotify_event event;
      memcpy(&event, buffer.bytes + at, sizeof event);
      if (event.len > 0 && (event.mask & IN_ISDIR) == 0) {
        classify(session, folder, buffer.bytes + at + sizeof event);
        count -= count > 0;
      }
      at += (ssize_t)(sizeof event + event.len);
    }
  }
  close(watcher);
  return 0;
}

int main(int argc, char **argv) {
  intvit_model *model = NULL;
  intvit_session *session = NULL;
  intvit_error error;
  if (argc < 3 || argc > 4) {
    fprintf(stderr, "usage: %s MODEL FOLDER [COUNT]\n", argv[0]);
    return 2;
  }
  if (intvit_model_open(argv[1], NULL, &model, &error) != INTVIT_OK ||
      intvit_session_create(model, NULL, &session, &error) != INTVIT_OK) {
    fprintf(stderr, "%s\n", error.message);
    intvit_model_free(model);
    return 1;
  }
  intvit_model_free(model); /* the session keeps what it needs */
  const int code = watch(session, argv[2], argc == 4 ? strtol(argv[3], NULL, 10) : -1);
  intvit_session_free(session);
  return code;
}
