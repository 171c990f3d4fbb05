/* intvit's C interface: classifies images with a quantized Vision Transformer, in integers.
 *
 *   intvit_error error;
 *   intvit_model *model;
 *   intvit_session *session;
 *   intvit_class top[5];
 *   if (intvit_model_open("model.safetensors", NULL, &model, &error) != INTVIT_OK ||
 *       intvit_session_create(model, NULL, &session, &error) != INTVIT_OK)
 *     return fprintf(stderr, "%s\n", error.message), 1;
 *   intvit_image frame = intvit_rgb_image(pixels, 640, 480, 0);
 *   if (intvit_run(session, &frame, 1, &error) == INTVIT_OK && intvit_top_k(session, 0, 5, top, &error) == INTVIT_OK)
 *     puts(top[0].label);
 *
 * A model is immutable and may be used by any number of threads and sessions. A session serves one caller at a time;
 * sessions of one model run side by side. The library prints nothing, ends no process, lets no exception out and keeps
 * no state outside models and sessions but OpenMP's threads. docs/embedding.md tells the whole.
 */
#ifndef INTVIT_H
#define INTVIT_H

#include <stddef.h>
#include <stdint.h>

#define INTVIT_VERSION_MAJOR 0
#define INTVIT_VERSION_MINOR 1
#define INTVIT_VERSION_PATCH 0

#if defined(__GNUC__)
#define INTVIT_API __attribute__((visibility("default")))
#else
#define INTVIT_API
#endif

#ifdef __cplusplus
#define INTVIT_ENUM : int /* any number of a caller in C is a value, though it has no name */
extern "C" {
#else
#define INTVIT_ENUM
#endif

/* ---- Errors ---- */

/* What every function that can fail returns. New ones may be added at the end. */
typedef enum intvit_status INTVIT_ENUM {
  INTVIT_OK = 0,
  INTVIT_IO = 1,            /* a file cannot be opened or read */
  INTVIT_BAD_FORMAT = 2,    /* bytes that are not what they should be: truncated, corrupt, of another kind */
  INTVIT_UNSUPPORTED = 3,   /* well-formed, but needs what this build or this processor does not have */
  INTVIT_BAD_ARGUMENT = 4,  /* the caller asked for something impossible */
  INTVIT_OUT_OF_MEMORY = 5, /* more memory is needed than there is */
  INTVIT_NOT_AVAILABLE = 6, /* the model has no such output, or there was no run yet */
  INTVIT_INTERNAL = 7       /* a defect of the library, or an exception out of a callback */
} intvit_status;

/* "INTVIT_IO", and a sentence about it. Never null: "unknown status" for any other number. */
INTVIT_API const char *intvit_status_name(intvit_status status);
INTVIT_API const char *intvit_status_message(intvit_status status);

/* Where a function tells what was wrong and, where it helps, what to do. Every function that can fail takes one as its
 * last argument and fills it in both cases (INTVIT_OK and an empty message after success); null where nobody asks. */
typedef struct intvit_error {
  intvit_status status;
  char message[508]; /* UTF-8, ends with a zero byte; what does not fit is cut off between characters */
} intvit_error;

/* ---- The library ---- */

/* Of the library that runs, "MAJOR.MINOR.PATCH"; the macros above are those of the header. */
INTVIT_API const char *intvit_version(void);

/* The instruction sets that were built and that this processor has, slowest first; null for any other index. All give
 * the same bits. */
INTVIT_API int intvit_isa_count(void);
INTVIT_API const char *intvit_isa_name(int index);

/* Receives what may interest whoever operates the program, a line without a line feed at a time; called on the thread
 * that called the library. Never called during a run. */
typedef enum intvit_log_level INTVIT_ENUM { INTVIT_LOG_INFO = 0, INTVIT_LOG_WARNING = 1 } intvit_log_level;
typedef void (*intvit_log_callback)(void *context, intvit_log_level level, const char *message);

/* ---- Models ---- */

typedef struct intvit_model intvit_model;

/* Begin with intvit_default_model_options() and change what is to be different. */
typedef struct intvit_model_options {
  size_t struct_size;      /* of this struct in the caller's header */
  const char *isa;         /* instruction set to use; null: $INTVIT_ISA if it names one, else the fastest */
  intvit_log_callback log; /* null: no messages; has to live as long as the model and its sessions */
  void *log_context;
} intvit_model_options;

/* Reads, checks and packs a model file; `size` bytes at `bytes` are a model file's content and are not needed any more
 * afterwards. Options: null for the defaults. On failure *model becomes null.
 * Errors: INTVIT_IO, INTVIT_BAD_FORMAT, INTVIT_UNSUPPORTED (also an isa that is not available), INTVIT_BAD_ARGUMENT,
 * INTVIT_OUT_OF_MEMORY. */
INTVIT_API intvit_status intvit_model_open(const char *path, const intvit_model_options *options, intvit_model **model,
                                           intvit_error *error);
INTVIT_API intvit_status intvit_model_from_memory(const void *bytes, size_t size, const intvit_model_options *options,
                                                  intvit_model **model, intvit_error *error);

/* Sessions hold on to what they need, so a model may be freed before them. Null does nothing. */
INTVIT_API void intvit_model_free(intvit_model *model);

/* The image that the model takes, in pixels. */
INTVIT_API int intvit_model_width(const intvit_model *model);
INTVIT_API int intvit_model_height(const intvit_model *model);

/* Numbers that a run gives for an image: logits, one a class, and features, what the classifier looks at: the image's
 * embedding, to be compared with other images'. A model without a classifier has 0 classes, one that was quantized
 * before classifiers had features 0 features. */
INTVIT_API int intvit_model_classes(const intvit_model *model);
INTVIT_API int intvit_model_features(const intvit_model *model);

/* A logit is an integer in units of 2^-the first, a feature of 2^-the second; 0 to 30. */
INTVIT_API int intvit_model_fraction_bits(const intvit_model *model);
INTVIT_API int intvit_model_feature_fraction_bits(const intvit_model *model);

/* The name of a class, UTF-8, valid while the model or a session of it is. Null where the model has no labels or no
 * such class. */
INTVIT_API const char *intvit_model_label(const intvit_model *model, int index);

/* How an image becomes the model's input, e.g. "resize=248,crop=224,filter=bicubic" (docs/images.md). */
INTVIT_API const char *intvit_model_recipe(const intvit_model *model);

/* The instruction set that the model was packed for. */
INTVIT_API const char *intvit_model_isa(const intvit_model *model);

/* Memory that the packed weights take, shared by all sessions. */
INTVIT_API size_t intvit_model_weight_bytes(const intvit_model *model);

/* ---- Sessions ---- */

typedef struct intvit_session intvit_session;

/* A parallel loop of the caller's: calls task(argument, i) once for every i from 0 to count - 1, on any threads and in
 * any order, and returns when all calls have returned. */
typedef void (*intvit_parallel_for)(void *context, int count, void (*task)(void *argument, int index), void *argument);

/* Begin with intvit_default_session_options() and change what is to be different. */
typedef struct intvit_session_options {
  size_t struct_size; /* of this struct in the caller's header */
  int threads;        /* 0: OMP_NUM_THREADS, else as many as this process may use (affinity, control group) */
  int max_batch;      /* images that a run may take, 1 to 4096 */
  /* Memory for the session, aligned to 64 bytes: intvit_arena_bytes() of it, nobody else's while the session exists.
   * Null: the session allocates it. */
  void *arena;
  size_t arena_bytes;
  /* Runs on the caller's threads: called some ten times a block of the model, with `threads` tasks, which has to be
   * given then. Null: on OpenMP's threads. */
  intvit_parallel_for parallel_for;
  void *parallel_for_context;
} intvit_session_options;

/* How large the arena of such a session is. Errors: INTVIT_BAD_ARGUMENT. */
INTVIT_API intvit_status intvit_arena_bytes(const intvit_model *model, const intvit_session_options *options,
                                            size_t *bytes, intvit_error *error);

/* Allocates everything that runs need. Options: null for the defaults. On failure *session becomes null.
 * Errors: INTVIT_BAD_ARGUMENT, INTVIT_OUT_OF_MEMORY. */
INTVIT_API intvit_status intvit_session_create(const intvit_model *model, const intvit_session_options *options,
                                               intvit_session **session, intvit_error *error);

/* Null does nothing. */
INTVIT_API void intvit_session_free(intvit_session *session);

/* Threads a run uses, and memory the session holds for it. */
INTVIT_API int intvit_session_threads(const intvit_session *session);
INTVIT_API size_t intvit_session_arena_bytes(const intvit_session *session);

/* ---- Runs ---- */

typedef enum intvit_image_kind INTVIT_ENUM {
  INTVIT_IMAGE_RGB = 0,     /* pixels of any size; resized and cropped by the model's recipe */
  INTVIT_IMAGE_ENCODED = 1, /* a JPEG, PNG, BMP, GIF or PNM file; then likewise */
  INTVIT_IMAGE_INPUT = 2    /* pixels of exactly the size that the model takes, taken as they are */
} intvit_image_kind;

/* An image of the caller's. Only read during intvit_run(). */
typedef struct intvit_image {
  intvit_image_kind kind;
  int width; /* pixels; not of encoded images, whose file says it */
  int height;
  const void *data; /* pixels: 8-bit R G B, the upper left one first; encoded: the file's first byte */
  size_t size;      /* encoded: bytes of the file; pixels: not used */
  ptrdiff_t stride; /* pixels: bytes from a row to the one below it, may be negative; 0: 3 * width */
} intvit_image;

/* Runs the model on `count` images, 1 to the session's max_batch. What each gives does not depend on the others. One
 * that cannot be used fails the whole run; the message tells which, and results of the run before are gone.
 *
 * Nothing is allocated for pixels of the size that the model takes. For others memory is allocated at the first image
 * and whenever an image has another size than the one before it; decoding allocates.
 *
 * Errors: INTVIT_BAD_ARGUMENT, INTVIT_BAD_FORMAT (not a picture, corrupt), INTVIT_UNSUPPORTED (a picture too large),
 * INTVIT_OUT_OF_MEMORY. */
INTVIT_API intvit_status intvit_run(intvit_session *session, const intvit_image *images, int count,
                                    intvit_error *error);

/* How many images the last run had; 0 before the first and after one that failed. */
INTVIT_API int intvit_session_images(const intvit_session *session);

/* Logits, intvit_model_classes() of them, or features, intvit_model_features() of them, of image `image` of the last
 * run. Valid until the next run. Errors: INTVIT_NOT_AVAILABLE (no such image, or the model has none). */
INTVIT_API intvit_status intvit_logits(const intvit_session *session, int image, const int32_t **logits,
                                       intvit_error *error);
INTVIT_API intvit_status intvit_features(const intvit_session *session, int image, const int32_t **features,
                                         intvit_error *error);

typedef struct intvit_class {
  const char *label; /* null where the model has no labels; valid while the model is */
  int32_t index;
  int32_t logit;
  int32_t probability; /* in millionths: softmax over all classes, within 1, computed in integers */
} intvit_class;

/* The `k` most likely classes of image `image` of the last run, most likely first, of equal ones the lower index first.
 * Allocates nothing. Errors: INTVIT_BAD_ARGUMENT (k not in 1 .. classes), INTVIT_NOT_AVAILABLE. */
INTVIT_API intvit_status intvit_top_k(intvit_session *session, int image, int k, intvit_class *classes,
                                      intvit_error *error);

/* ---- Values, made in the caller, so that they have the size that the caller's header gives them ---- */

static inline intvit_model_options intvit_default_model_options(void) {
  intvit_model_options options;
  options.struct_size = sizeof options;
  options.isa = NULL;
  options.log = NULL;
  options.log_context = NULL;
  return options;
}

static inline intvit_session_options intvit_default_session_options(void) {
  intvit_session_options options;
  options.struct_size = sizeof options;
  options.threads = 0;
  options.max_batch = 1;
  options.arena = NULL;
  options.arena_bytes = 0;
  options.parallel_for = NULL;
  options.parallel_for_context = NULL;
  return options;
}

static inline intvit_image intvit_rgb_image(const void *pixels, int width, int height, ptrdiff_t stride) {
  intvit_image image;
  image.kind = INTVIT_IMAGE_RGB;
  image.width = width;
  image.height = height;
  image.data = pixels;
  image.size = 0;
  image.stride = stride;
  return image;
}

static inline intvit_image intvit_encoded_image(const void *bytes, size_t size) {
  intvit_image image;
  image.kind = INTVIT_IMAGE_ENCODED;
  image.width = 0;
  image.height = 0;
  image.data = bytes;
  image.size = size;
  image.stride = 0;
  return image;
}

/* `width` and `height` are checked against the model's. */
static inline intvit_image intvit_input_image(const void *pixels, int width, int height, ptrdiff_t stride) {
  intvit_image image = intvit_rgb_image(pixels, width, height, stride);
  image.kind = INTVIT_IMAGE_INPUT;
  return image;
}

#undef INTVIT_ENUM

#ifdef __cplusplus
}
#endif

#endif
