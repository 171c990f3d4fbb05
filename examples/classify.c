/* What is on these pictures: the three most likely classes of each.
 *
 *   classify MODEL PICTURE ...
 *
 * Shows: opening a model, one session for many pictures, picture files from memory, errors as values. */
#include <intvit.h>

#include <stdio.h>
#include <stdlib.h>

/* The whole file, to be freed; null with a message where it cannot be read. */
static void *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  char *bytes = NULL;
  size_t capacity = 1 << 16;
  *size = 0;
  if (file != NULL) {
    size_t count = 1;
    bytes = malloc(capacity);
    while (bytes != NULL && (count = fread(bytes + *size, 1, capacity - *size, file)) > 0) {
      *size += count;
      if (*size == capacity) {
        char *grown = realloc(bytes, capacity *= 2);
        if (grown == NULL)
          free(bytes);
        bytes = grown;
      }
    }
    if (ferror(file)) {
      free(bytes);
      bytes = NULL;
    }
    fclose(file);
  }
  if (bytes == NULL)
    fprintf(stderr, "%s: cannot be read\n", path);
  return bytes;
}

static int classify(intvit_session *session, const char *path, int classes) {
  enum { most = 3 };
  intvit_class top[most];
  intvit_error error;
  size_t size;
  void *bytes = read_file(path, &size);
  if (bytes == NULL)
    return 1;
  const intvit_image image = intvit_encoded_image(bytes, size);
  const int count = classes < most ? classes : most;
  const int failed =
      intvit_run(session, &image, 1, &error) != INTVIT_OK || intvit_top_k(session, 0, count, top, &error) != INTVIT_OK;
  free(bytes);
  if (failed) {
    fprintf(stderr, "%s: %s\n", path, error.message);
    return 1;
  }
  printf("%s\n", path);
  for (int i = 0; i < count; ++i) {
    const int hundredths = (top[i].probability + 50) / 100; /* of a percent */
    printf("  %3d.%02d %%  ", hundredths / 100, hundredths % 100);
    if (top[i].label != NULL)
      printf("%s\n", top[i].label);
    else /* a model without labels */
      printf("class %d\n", (int)top[i].index);
  }
  return 0;
}

int main(int argc, char **argv) {
  intvit_model *model = NULL;
  intvit_session *session = NULL;
  intvit_error error;
  int failures = 0;
  if (argc < 3) {
    fprintf(stderr, "usage: %s MODEL PICTURE ...\n", argv[0]);
    return 2;
  }
  if (intvit_model_open(argv[1], NULL, &model, &error) != INTVIT_OK ||
      intvit_session_create(model, NULL, &session, &error) != INTVIT_OK) {
    fprintf(stderr, "%s\n", error.message);
    intvit_model_free(model);
    return 1;
  }
  for (int i = 2; i < argc; ++i)
    failures += classify(session, argv[i], intvit_model_classes(model));
  intvit_session_free(session);
  intvit_model_free(model);
  return failures > 0 ? 1 : 0;
}
