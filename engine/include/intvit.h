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
 *     printf("class %d: %s\n", (int)top[0].index, top[0].label != NULL ? top[0].label : "(no label)");
 *
 * A model is immutable; any number of threads and sessions may use it. A session serves one caller at a time; sessions
 * of one model run side by side. The library never prints, never ends the process and lets no exception out. It keeps
 * no state outside models and sessions; a session's threads end with it. docs/embedding.md explains everything at
 * length. The interface is one file, however long, so that a program includes one.
 */
#ifndef INTVIT_H
#define INTVIT_H

#include <stddef.h>
#include <stdint.h>

#define INTVIT_VERSION_MAJOR 0
#define INTVIT_VERSION_MINOR 1
#define INTVIT_VERSION_PATCH 0

#if defined(_WIN32)
#define INTVIT_API __declspec(dllexport) /* programs find it in libintvit.dll.a without being told to import it */
#else
#define INTVIT_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
#define INTVIT_ENUM : int /* in C a caller may pass any number, so every int must be a valid value in C++ */
extern "C" {
#else
#define INTVIT_ENUM
#endif

/* ---- Errors ---- */

/* Every function that can fail returns one of these. New ones may be added at the end. */
typedef enum intvit_status INTVIT_ENUM {
  INTVIT_OK = 0,
  INTVIT_IO = 1,            /* a file cannot be opened or read */
  INTVIT_BAD_FORMAT = 2,    /* the bytes are wrong: truncated, corrupt, or of another kind */
  INTVIT_UNSUPPORTED = 3,   /* well-formed, but needs what this build or this processor does not have */
  INTVIT_BAD_ARGUMENT = 4,  /* the caller asked for something impossible */
  INTVIT_OUT_OF_MEMORY = 5, /* more memory is needed than there is */
  INTVIT_NOT_AVAILABLE = 6, /* the model has no such output, or there was no run yet */
  INTVIT_INTERNAL = 7,      /* a defect of the library, or an exception from a callback */
  INTVIT_CANCELLED = 8      /* intvit_session_cancel() was called during the run */
} intvit_status;

/* The status's name, for instance "INTVIT_IO", and a sentence that explains it. Never null: "unknown status" for any
 * other number. */
INTVIT_API const char *intvit_status_name(intvit_status status);
INTVIT_API const char *intvit_status_message(intvit_status status);

/* Says what was wrong and, where that helps, what to do. Every function that can fail takes a pointer to one as its
 * last argument and always fills it, after success with INTVIT_OK and an empty message. The pointer may be null. */
typedef struct intvit_error {
  intvit_status status;
  char message[508]; /* one line of UTF-8, ends with a zero byte; of a longer message the middle is left out */
} intvit_error;

/* ---- The library ---- */

/* The version of the library that runs, "MAJOR.MINOR.PATCH". The macros above are the header's version. */
INTVIT_API const char *intvit_version(void);

/* The instruction sets that this build contains and this processor has, slowest first. The name is null for any other
 * index. All instruction sets give the same bits. */
INTVIT_API int intvit_isa_count(void);
INTVIT_API const char *intvit_isa_name(int index);

/* Receives messages for the person who operates the program, one line at a time, without a line feed. It is called on
 * the thread that called the library, and never during a run. */
typedef enum intvit_log_level INTVIT_ENUM { INTVIT_LOG_INFO = 0, INTVIT_LOG_WARNING = 1 } intvit_log_level;
typedef void (*intvit_log_callback)(void *context, intvit_log_level level, const char *message);

/* ---- Models ---- */

typedef struct intvit_model intvit_model;

/* Begin with intvit_default_model_options() and change the fields that you need. */
typedef struct intvit_model_options {
  size_t struct_size;      /* size of this struct in the caller's header */
  const char *isa;         /* instruction set to use; null: $INTVIT_ISA if it names one, else the fastest */
  intvit_log_callback log; /* null: no messages; must live as long as the model and its sessions */
  void *log_context;
  /* The work of a run on one image, in multiply-accumulates, beyond which a model is refused with INTVIT_UNSUPPORTED: a
   * file of some kilobytes can ask for days. 0: 4e12, which no common model reaches. */
  int64_t max_work;
} intvit_model_options;

/* Reads, checks and packs a model file, given by its path (on Windows in UTF-8) or as its content: `size` bytes at
 * `bytes`, which may be freed afterwards. Options: null for the defaults. On failure *model becomes null. Errors:
 * INTVIT_IO, INTVIT_BAD_FORMAT, INTVIT_UNSUPPORTED (also an isa that is not there), INTVIT_BAD_ARGUMENT and
 * INTVIT_OUT_OF_MEMORY. */
INTVIT_API intvit_status intvit_model_open(const char *path, const intvit_model_options *options, intvit_model **model,
                                           intvit_error *error);
INTVIT_API intvit_status intvit_model_from_memory(const void *bytes, size_t size, const intvit_model_options *options,
                                                  intvit_model **model, intvit_error *error);

/* A model may be freed before its sessions, because they keep what they need. Null does nothing. */
INTVIT_API void intvit_model_free(intvit_model *model);

/* The size of the image that the model takes, in pixels. */
INTVIT_API int intvit_model_width(const intvit_model *model);
INTVIT_API int intvit_model_height(const intvit_model *model);

/* What the numbers mean that a model is run for. New meanings may be added at the end. */
typedef enum intvit_outputs INTVIT_ENUM {
  INTVIT_OUTPUTS_CLASSES = 0, /* logits of classes that exclude one another: probabilities are a softmax over all */
  INTVIT_OUTPUTS_LABELS = 1,  /* logits of labels, each true or not by itself: each probability is a sigmoid */
  INTVIT_OUTPUTS_SCORES = 2,  /* numbers without a probability (regression): intvit_logits() gives them */
  INTVIT_OUTPUTS_FEATURES = 3 /* features alone: the model has no classifier */
} intvit_outputs;
INTVIT_API intvit_outputs intvit_model_outputs(const intvit_model *model);

/* How many numbers a run gives for an image. Logits: one for each class, label or score. Features: the vector that the
 * classifier reads, an embedding of the image that can be compared with those of other images. A model without a
 * classifier has 0 classes. A classifier that was quantized by an early version has 0 features. */
INTVIT_API int intvit_model_classes(const intvit_model *model);
INTVIT_API int intvit_model_features(const intvit_model *model);

/* A model may give a vector for each patch of the image besides (intvit_patch_tokens()): of how many rows and columns
 * of patches, and how many numbers each. All are 0 if it does not. */
INTVIT_API int intvit_model_token_rows(const intvit_model *model);
INTVIT_API int intvit_model_token_columns(const intvit_model *model);
INTVIT_API int intvit_model_token_channels(const intvit_model *model);

/* Logits, features and patch tokens are integers; their unit is 2^-fraction_bits. The first number is for logits, the
 * second for features, the third for patch tokens; all are 0 to 30. */
INTVIT_API int intvit_model_fraction_bits(const intvit_model *model);
INTVIT_API int intvit_model_feature_fraction_bits(const intvit_model *model);
INTVIT_API int intvit_model_token_fraction_bits(const intvit_model *model);

/* The name of a class, label or score in UTF-8, valid as long as the model or one of its sessions exists. Null if the
 * model has no labels or no such class. */
INTVIT_API const char *intvit_model_label(const intvit_model *model, int index);

/* How an image is made the model's input, e.g. "resize=248,crop=224,filter=bicubic" (docs/images.md). */
INTVIT_API const char *intvit_model_recipe(const intvit_model *model);

/* The instruction set that the model was packed for. */
INTVIT_API const char *intvit_model_isa(const intvit_model *model);

/* The work of a run on one image: the multiply-accumulates of its matrix products, and 16 for each element that an
 * operation writes. */
INTVIT_API int64_t intvit_model_work(const intvit_model *model);

/* Bytes of the packed weights, which all sessions share. */
INTVIT_API size_t intvit_model_weight_bytes(const intvit_model *model);

/* ---- Sessions ---- */

typedef struct intvit_session intvit_session;

/* The caller's own parallel loop. It calls task(argument, i) once for every i from 0 to count - 1, on any threads and
 * in any order, and returns when all calls have returned. */
typedef void (*intvit_parallel_for)(void *context, int count, void (*task)(void *argument, int index), void *argument);

/* Begin with intvit_default_session_options() and change the fields that you need. */
typedef struct intvit_session_options {
  size_t struct_size; /* size of this struct in the caller's header */
  int threads;   /* 0: OMP_NUM_THREADS if set, else the processors this process may use (affinity, control group) */
  int max_batch; /* images that a run may take, 1 to 4096 */
  /* Memory for the session, aligned to 64 bytes and at least intvit_arena_bytes() long. Nobody else may use it while
   * the session exists. Null: the session allocates its own. */
  void *arena;
  size_t arena_bytes;
  /* Runs the session on the caller's threads. It is called about ten times for each block of the model, with `threads`
   * tasks; set `threads` then, not to 0. Null: the session has threads of its own. */
  intvit_parallel_for parallel_for;
  void *parallel_for_context;
} intvit_session_options;

/* How many bytes the arena of a session with these options needs. Errors: INTVIT_BAD_ARGUMENT. */
INTVIT_API intvit_status intvit_arena_bytes(const intvit_model *model, const intvit_session_options *options,
                                            size_t *bytes, intvit_error *error);

/* Allocates all the memory that runs need, and starts the session's threads: fewer than asked for where the system
 * gives no more. Options: null for the defaults. On failure *session becomes null. After fork() the child may go on
 * with its parent's session, unless the fork was during a run of it; its first run starts threads anew. Errors:
 * INTVIT_BAD_ARGUMENT, INTVIT_OUT_OF_MEMORY. */
INTVIT_API intvit_status intvit_session_create(const intvit_model *model, const intvit_session_options *options,
                                               intvit_session **session, intvit_error *error);

/* Null does nothing. */
INTVIT_API void intvit_session_free(intvit_session *session);

/* How many threads a run uses, the caller's included, and how many bytes the session's arena has. */
INTVIT_API int intvit_session_threads(const intvit_session *session);
INTVIT_API size_t intvit_session_arena_bytes(const intvit_session *session);

/* ---- Runs ---- */

typedef enum intvit_image_kind INTVIT_ENUM {
  INTVIT_IMAGE_RGB = 0,     /* pixels of any size; resized and cropped by the model's recipe */
  INTVIT_IMAGE_ENCODED = 1, /* a JPEG, PNG, WebP, BMP, GIF or PNM file; decoded, then resized and cropped likewise */
  INTVIT_IMAGE_INPUT = 2,   /* pixels of exactly the size that the model takes; used unchanged */
  INTVIT_IMAGE_FRAME = 3    /* a camera's picture, see intvit_frame; resized and cropped likewise */
} intvit_image_kind;

/* An image that belongs to the caller. It is read only during intvit_run(). */
typedef struct intvit_image {
  intvit_image_kind kind;
  int width; /* in pixels; not used for encoded images, whose file says it */
  int height;
  /* Pixels: the upper left one, as 8-bit R, G, B; encoded: the file's first byte; frame: the intvit_frame, whose size
   * and strides count, not these. */
  const void *data;
  size_t size;      /* encoded: the file's size in bytes; pixels: not used */
  ptrdiff_t stride; /* pixels: bytes from one row to the row below it, may be negative; 0 means 3 * width */
} intvit_image;

/* How the samples of a picture lie in memory, 8 bits each. New formats may be added at the end. */
typedef enum intvit_pixel_format INTVIT_ENUM {
  INTVIT_PIXELS_RGB = 0,
  INTVIT_PIXELS_BGR = 1,  /* as OpenCV has it */
  INTVIT_PIXELS_RGBA = 2, /* the fourth byte is not looked at */
  INTVIT_PIXELS_BGRA = 3,
  INTVIT_PIXELS_RGBX = 4,
  INTVIT_PIXELS_GREY = 5,
  /* planes[0] has y; two pixels and two rows share u and v, but the last of an odd width or height has its own. */
  INTVIT_PIXELS_NV12 = 6, /* planes[1]: u and v in turns */
  INTVIT_PIXELS_NV21 = 7, /* planes[1]: v and u in turns */
  INTVIT_PIXELS_I420 = 8, /* planes[1]: u, planes[2]: v. Of YV12 exchange the two */
  INTVIT_PIXELS_YUYV = 9, /* one plane, y u y v: two pixels of a row share u and v; also called YUY2 */
  INTVIT_PIXELS_UYVY = 10 /* likewise u y v y */
} intvit_pixel_format;

/* Which colours y, u and v stand for; a camera's driver tells. */
typedef enum intvit_color_space INTVIT_ENUM { INTVIT_BT601 = 0, INTVIT_BT709 = 1 } intvit_color_space;
typedef enum intvit_color_range INTVIT_ENUM {
  INTVIT_VIDEO_RANGE = 0, /* y from 16 to 235, u and v from 16 to 240 */
  INTVIT_FULL_RANGE = 1   /* all from 0 to 255 */
} intvit_color_range;

/* A picture as a camera gives it, and which part of it is meant. The region is cut out, mirrored, turned, and then
 * gives the same bits as an RGB picture of it. Begin with intvit_frame_of() and change the fields that you need. It and
 * its pixels are read only during intvit_run(). */
typedef struct intvit_frame {
  size_t struct_size; /* size of this struct in the caller's header */
  intvit_pixel_format format;
  intvit_color_space color_space; /* of formats with y, u and v */
  intvit_color_range color_range;
  int width; /* of the whole frame, in pixels */
  int height;
  int left; /* of the region that is meant; all four 0: the whole frame */
  int top;
  int region_width;
  int region_height;
  int mirrored;      /* not 0: left and right are exchanged */
  int quarter_turns; /* clockwise, 0 to 3 */
  /* The upper left sample of each plane, as many as the format has. Null: a plane lies right behind the rows of the one
   * before it. */
  const void *planes[3];
  /* Bytes from one row to the row below it, may be negative. 0: rows are dense in planes[0]; in the others as far apart
   * as there, in planes of I420 half as far, rounded up. */
  ptrdiff_t strides[3];
  /* How many bytes there are at planes[i], if the library shall refuse a frame that needs more. 0: not known. */
  size_t plane_bytes[3];
} intvit_frame;

/* Runs the model on `count` images, 1 to the session's max_batch. The result for an image does not depend on the
 * others. If one image cannot be used, the whole run fails; the message says which one it was, and the results of the
 * run before are gone.
 *
 * For pixels of the model's own size nothing is allocated. For other sizes memory is allocated at the first image and
 * whenever an image's size differs from the one before it; of a frame, its region's size counts. Decoding always
 * allocates.
 *
 * Errors: INTVIT_BAD_ARGUMENT, INTVIT_BAD_FORMAT (not a picture, corrupt), INTVIT_UNSUPPORTED (a picture too large),
 * INTVIT_OUT_OF_MEMORY, INTVIT_CANCELLED. */
INTVIT_API intvit_status intvit_run(intvit_session *session, const intvit_image *images, int count,
                                    intvit_error *error);

/* Ends the run that goes on, if one does, between two pictures that are decoded or two of the model's operations:
 * intvit_run() gives INTVIT_CANCELLED, and the session can be used again. From any thread, or from a signal handler. */
INTVIT_API void intvit_session_cancel(intvit_session *session);

/* How many images the last run had; 0 before the first run and after one that failed. */
INTVIT_API int intvit_session_images(const intvit_session *session);

/* The intvit_model_classes() logits or the intvit_model_features() features of image `image` of the last run. They are
 * valid until the next run. Errors: INTVIT_NOT_AVAILABLE (no such image, or the model has no such output). */
INTVIT_API intvit_status intvit_logits(const intvit_session *session, int image, const int32_t **logits,
                                       intvit_error *error);
INTVIT_API intvit_status intvit_features(const intvit_session *session, int image, const int32_t **features,
                                         intvit_error *error);

/* Likewise a vector for each patch of the image, from left to right and row by row: an array [rows][columns][channels]
 * of intvit_model_token_rows(), _columns() and _channels(). */
INTVIT_API intvit_status intvit_patch_tokens(const intvit_session *session, int image, const int32_t **tokens,
                                             intvit_error *error);

typedef struct intvit_class {
  const char *label; /* null if the model has no labels; valid as long as the model or the session exists */
  int32_t index;
  int32_t logit;
  /* In millionths, computed in integers; at most 1 off. Classes: the softmax over all. Labels: each one's sigmoid. */
  int32_t probability;
} intvit_class;

/* The `k` most likely classes or labels of image `image` of the last run, most likely first; of equal ones the lower
 * index first. Allocates nothing. Errors: INTVIT_BAD_ARGUMENT (k not in 1 .. classes), INTVIT_NOT_AVAILABLE (also a
 * model that gives scores). */
INTVIT_API intvit_status intvit_top_k(intvit_session *session, int image, int k, intvit_class *classes,
                                      intvit_error *error);

/* ---- Default values ----
 * They are `static inline`, so that a struct has the size of the header you compile against, even if the library is
 * newer. */

static inline intvit_model_options intvit_default_model_options(void) {
  intvit_model_options options;
  options.struct_size = sizeof options;
  options.isa = NULL;
  options.log = NULL;
  options.log_context = NULL;
  options.max_work = 0;
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

/* intvit_run() checks that `width` and `height` are the model's. */
static inline intvit_image intvit_input_image(const void *pixels, int width, int height, ptrdiff_t stride) {
  intvit_image image = intvit_rgb_image(pixels, width, height, stride);
  image.kind = INTVIT_IMAGE_INPUT;
  return image;
}

/* `pixels`: the first plane; others, if the format has them, follow it. */
static inline intvit_frame intvit_frame_of(intvit_pixel_format format, const void *pixels, int width, int height,
                                           ptrdiff_t stride) {
  intvit_frame frame;
  int i;
  frame.struct_size = sizeof frame;
  frame.format = format;
  frame.color_space = INTVIT_BT601;
  frame.color_range = INTVIT_VIDEO_RANGE;
  frame.width = width;
  frame.height = height;
  frame.left = 0;
  frame.top = 0;
  frame.region_width = 0;
  frame.region_height = 0;
  frame.mirrored = 0;
  frame.quarter_turns = 0;
  for (i = 0; i < 3; ++i) {
    frame.planes[i] = NULL;
    frame.strides[i] = 0;
    frame.plane_bytes[i] = 0;
  }
  frame.planes[0] = pixels;
  frame.strides[0] = stride;
  return frame;
}

/* The frame must stay where it is until intvit_run() has returned. */
static inline intvit_image intvit_frame_image(const intvit_frame *frame) {
  intvit_image image = intvit_rgb_image(frame, 0, 0, 0);
  image.kind = INTVIT_IMAGE_FRAME;
  return image;
}

#undef INTVIT_ENUM

#ifdef __cplusplus
}
#endif

#endif
