/* What a camera sees, frame by frame.
 *
 *   camera MODEL DEVICE [FRAMES]                            a V4L2 device (Linux), for instance /dev/video0
 *   camera MODEL FILE FORMAT WIDTH HEIGHT                   raw frames one after another, - for standard input
 *
 * FORMAT is nv12, nv21, i420, yuyv, uyvy, rgb, bgr or grey. What GStreamer or ffmpeg capture comes in by a pipe:
 *
 *   ffmpeg -f v4l2 -i /dev/video0 -f rawvideo -pix_fmt nv12 -s 640x480 - | camera MODEL - nv12 640 480
 *
 * Shows: pixel formats as drivers give them, strides, colour range, compressed frames, no allocation after the first.
 */
#define _DEFAULT_SOURCE /* what <linux/videodev2.h> needs of the C library */
#include <intvit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int classify(intvit_session *session, const intvit_image *image) {
  intvit_class top;
  intvit_error error;
  if (intvit_run(session, image, 1, &error) != INTVIT_OK || intvit_top_k(session, 0, 1, &top, &error) != INTVIT_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 0;
  }
  if (top.label != NULL)
    printf("%s %d %%\n", top.label, (int)top.probability / 10000);
  else /* a model without labels */
    printf("class %d %d %%\n", (int)top.index, (int)top.probability / 10000);
  fflush(stdout);
  return 1;
}

/* ---- Raw frames ---- */

static const char *const formats[] = {"rgb",  "bgr",  "rgba", "bgra", "rgbx", "grey",
                                      "nv12", "nv21", "i420", "yuyv", "uyvy"};

/* Of a dense frame: twelve bits a pixel in nv12, nv21 and i420, whose colours are rounded up to whole pairs. */
static size_t frame_bytes(int format, size_t width, size_t height) {
  const size_t pairs = (width + 1) / 2;
  switch (format) {
  case INTVIT_PIXELS_GREY:
    return width * height;
  case INTVIT_PIXELS_RGB:
  case INTVIT_PIXELS_BGR:
    return width * height * 3;
  case INTVIT_PIXELS_YUYV:
  case INTVIT_PIXELS_UYVY:
    return pairs * 4 * height;
  case INTVIT_PIXELS_NV12:
  case INTVIT_PIXELS_NV21:
  case INTVIT_PIXELS_I420:
    return width * height + pairs * 2 * ((height + 1) / 2);
  default:
    return width * height * 4;
  }
}

static int from_file(intvit_session *session, const char *path, const char *name, int width, int height) {
  const int count = (int)(sizeof formats / sizeof *formats);
  FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
  unsigned char *bytes = NULL;
  size_t size = 0;
  int format = 0;
  int frames = 0;
  while (format < count && strcmp(formats[format], name) != 0)
    ++format;
  if (format == count || width < 1 || height < 1 || file == NULL) {
    fprintf(stderr, "%s: cannot be read as %s of %d x %d pixels\n", path, name, width, height);
  } else {
    size = frame_bytes(format, (size_t)width, (size_t)height);
    bytes = malloc(size);
  }
  while (bytes != NULL && fread(bytes, 1, size, file) == size) {
    intvit_frame frame = intvit_frame_of((intvit_pixel_format)format, bytes, width, height, 0);
    intvit_image image;
    frame.plane_bytes[0] = size; /* a frame that needs more would be refused */
    image = intvit_frame_image(&frame);
    if (!classify(session, &image))
      break;
    ++frames;
  }
  free(bytes);
  if (file != NULL && file != stdin)
    fclose(file);
  return frames > 0;
}

/* ---- V4L2 ---- */

#ifdef __linux__
#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct {
  unsigned v4l2;
  intvit_pixel_format format;
} v4l2_formats[] = {{V4L2_PIX_FMT_NV12, INTVIT_PIXELS_NV12},   {V4L2_PIX_FMT_NV21, INTVIT_PIXELS_NV21},
                    {V4L2_PIX_FMT_YUV420, INTVIT_PIXELS_I420}, {V4L2_PIX_FMT_YUYV, INTVIT_PIXELS_YUYV},
                    {V4L2_PIX_FMT_UYVY, INTVIT_PIXELS_UYVY},   {V4L2_PIX_FMT_RGB24, INTVIT_PIXELS_RGB},
                    {V4L2_PIX_FMT_BGR24, INTVIT_PIXELS_BGR},   {V4L2_PIX_FMT_GREY, INTVIT_PIXELS_GREY}};

/* The frame that the driver describes, or a file where it gives Motion JPEG, whose frames are files without tables. */
static int describe(const struct v4l2_pix_format *pixels, const void *data, size_t size, intvit_frame *frame,
                    intvit_image *image) {
  size_t i;
  if (pixels->pixelformat == V4L2_PIX_FMT_MJPEG || pixels->pixelformat == V4L2_PIX_FMT_JPEG) {
    *image = intvit_encoded_image(data, size);
    return 1;
  }
  for (i = 0; i < sizeof v4l2_formats / sizeof *v4l2_formats; ++i)
    if (v4l2_formats[i].v4l2 == pixels->pixelformat) {
      unsigned encoding = pixels->ycbcr_enc;
      unsigned quantization = pixels->quantization;
      if (encoding == V4L2_YCBCR_ENC_DEFAULT)
        encoding = V4L2_MAP_YCBCR_ENC_DEFAULT(pixels->colorspace);
      if (quantization == V4L2_QUANTIZATION_DEFAULT)
        quantization = V4L2_MAP_QUANTIZATION_DEFAULT(0, pixels->colorspace, encoding);
      *frame = intvit_frame_of(v4l2_formats[i].format, data, (int)pixels->width, (int)pixels->height,
                               (ptrdiff_t)pixels->bytesperline);
      frame->plane_bytes[0] = size;
      frame->color_space = encoding == V4L2_YCBCR_ENC_709 ? INTVIT_BT709 : INTVIT_BT601;
      frame->color_range = quantization == V4L2_QUANTIZATION_FULL_RANGE ? INTVIT_FULL_RANGE : INTVIT_VIDEO_RANGE;
      *image = intvit_frame_image(frame);
      return 1;
    }
  return 0;
}

enum { buffers = 4 };

/* Classifies the device's frames, once its buffers are there. */
static int capture(int device, const struct v4l2_pix_format *pixels, void *const *memory, int frames,
                   intvit_session *session) {
  int number;
  for (number = 0; number < frames; ++number) {
    struct v4l2_buffer buffer;
    intvit_frame frame;
    intvit_image image;
    memset(&buffer, 0, sizeof buffer);
    buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    buffer.memory = V4L2_MEMORY_MMAP;
    if (ioctl(device, VIDIOC_DQBUF, &buffer) != 0 || buffer.index >= buffers)
      return 0;
    if (!describe(pixels, memory[buffer.index], buffer.bytesused, &frame, &image)) {
      fprintf(stderr, "the camera gives \"%.4s\", which this example does not know\n",
              (const char *)&pixels->pixelformat);
      return 0;
    }
    /* A frame may be damaged: the next one is not. */
    (void)classify(session, &image);
    if (ioctl(device, VIDIOC_QBUF, &buffer) != 0)
      return 0;
  }
  return 1;
}

static int from_device(intvit_session *session, const char *path, int frames) {
  struct v4l2_format format;
  struct v4l2_requestbuffers request;
  void *memory[buffers] = {NULL};
  size_t lengths[buffers] = {0};
  enum v4l2_buf_type type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  const int device = open(path, O_RDWR);
  unsigned i;
  int ok;
  memset(&format, 0, sizeof format);
  memset(&request, 0, sizeof request);
  format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  request.memory = V4L2_MEMORY_MMAP;
  request.count = buffers;
  ok = device >= 0 && ioctl(device, VIDIOC_G_FMT, &format) == 0 && ioctl(device, VIDIOC_REQBUFS, &request) == 0;
  for (i = 0; ok && i < request.count && i < buffers; ++i) {
    struct v4l2_buffer buffer;
    memset(&buffer, 0, sizeof buffer);
    buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    buffer.memory = V4L2_MEMORY_MMAP;
    buffer.index = i;
    ok = ioctl(device, VIDIOC_QUERYBUF, &buffer) == 0;
    if (ok) {
      lengths[i] = buffer.length;
      memory[i] = mmap(NULL, buffer.length, PROT_READ, MAP_SHARED, device, (off_t)buffer.m.offset);
      ok = memory[i] != MAP_FAILED && ioctl(device, VIDIOC_QBUF, &buffer) == 0;
    }
  }
  ok = ok && ioctl(device, VIDIOC_STREAMON, &type) == 0;
  if (ok) {
    ok = capture(device, &format.fmt.pix, memory, frames, session);
    (void)ioctl(device, VIDIOC_STREAMOFF, &type);
  } else {
    fprintf(stderr, "%s: no V4L2 device that captures\n", path);
  }
  for (i = 0; i < buffers; ++i)
    if (memory[i] != NULL && memory[i] != MAP_FAILED)
      munmap(memory[i], lengths[i]);
  if (device >= 0)
    close(device);
  return ok;
}
#else
static int from_device(intvit_session *session, const char *path, int frames) {
  (void)session;
  (void)frames;
  fprintf(stderr, "%s: devices are read on Linux alone\n", path);
  return 0;
}
#endif

int main(int argc, char **argv) {
  intvit_model *model = NULL;
  intvit_session *session = NULL;
  intvit_error error;
  int ok;
  if (argc != 3 && argc != 4 && argc != 6) {
    fprintf(stderr, "usage: %s MODEL DEVICE [FRAMES]\n       %s MODEL FILE FORMAT WIDTH HEIGHT\n", argv[0], argv[0]);
    return 2;
  }
  if (intvit_model_open(argv[1], NULL, &model, &error) != INTVIT_OK ||
      intvit_session_create(model, NULL, &session, &error) != INTVIT_OK) {
    fprintf(stderr, "%s\n", error.message);
    intvit_model_free(model);
    return 1;
  }
  if (argc == 6)
    ok = from_file(session, argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
  else
    ok = from_device(session, argv[2], argc == 4 ? atoi(argv[3]) : 100);
  intvit_session_free(session);
  intvit_model_free(model);
  return ok ? 0 : 1;
}
