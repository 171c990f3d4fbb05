/* What the page calls: one model, one picture after the other. Functions that can fail return null or a message. */
#include <intvit.h>

#include <emscripten.h>

static intvit_error error;
static intvit_session *session;
static int classes;
static intvit_class top[5];

/* `bytes`: a model file's content. It takes the place of the model before. */
EMSCRIPTEN_KEEPALIVE const char *open_model(const void *bytes, size_t size) {
  intvit_model *model;
  intvit_session_free(session);
  session = NULL;
  if (intvit_model_from_memory(bytes, size, NULL, &model, &error) != INTVIT_OK)
    return error.message;
  classes = intvit_model_classes(model);
  const intvit_status status = intvit_session_create(model, NULL, &session, &error);
  intvit_model_free(model); /* the session keeps it */
  return status == INTVIT_OK ? NULL : error.message;
}

/* `bytes`: a picture file's content. */
EMSCRIPTEN_KEEPALIVE const char *classify(const void *bytes, size_t size) {
  const intvit_image picture = intvit_encoded_image(bytes, size);
  const int failed = intvit_run(session, &picture, 1, &error) != INTVIT_OK ||
                     intvit_top_k(session, 0, classes < 5 ? classes : 5, top, &error) != INTVIT_OK;
  return failed ? error.message : NULL;
}

EMSCRIPTEN_KEEPALIVE int class_count(void) {
  return classes;
}

/* Of the last picture: all logits; of the most likely classes their names and probabilities in millionths. */
EMSCRIPTEN_KEEPALIVE const int32_t *logits(void) {
  const int32_t *values;
  intvit_logits(session, 0, &values, NULL);
  return values;
}

EMSCRIPTEN_KEEPALIVE const char *label(int rank) {
  return top[rank].label; /* null: the model has none */
}

EMSCRIPTEN_KEEPALIVE int class_index(int rank) {
  return top[rank].index;
}

EMSCRIPTEN_KEEPALIVE int probability(int rank) {
  return top[rank].probability;
}
