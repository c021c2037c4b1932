/* The bytes of answers: SSE chunks, whole bodies, HTTP heads, in OpenAI's shapes.
 *
 *     struct voice v;
 *     voice_init(&v, ASK_CHAT, model, id, created_s, include_usage);
 *     render_role(&v, &json);
 *     render_piece(&v, &answer, part, token, &json);
 *     frame_event(json.data, json.length, framing, &out);
 *     voice_free(&v);
 *
 * All append JSON without framing to `out`; frame_event() makes an SSE event and, where asked, an
 * HTTP chunk of it.
 */
#ifndef FAREBOX_SIM_MOCK_API_RENDER_H
#define FAREBOX_SIM_MOCK_API_RENDER_H

#include "core/buffer.h"
#include "core/usage.h"
#include "sim/mock/api/answer.h"
#include "sim/mock/api/ask.h"

#include <stdbool.h>
#include <stdint.h>

/* What all chunks of a stream begin and end with. */
struct voice {
    enum ask_kind kind;
    bool include_usage;
    struct buffer head; /* {"id": …, "choices":[ */
};

void voice_init(struct voice *v, enum ask_kind kind, const char *model, const char *id,
                int64_t created_s, bool include_usage);
void voice_free(struct voice *v);

/* Chunks of a stream. */
void render_role(const struct voice *v, struct buffer *out);
void render_piece(const struct voice *v, const struct answer *a, uint32_t part, uint32_t token,
                  uint32_t count, struct buffer *out);
void render_tool_head(const struct voice *v, const struct answer *a, uint32_t part,
                      struct buffer *out);
void render_finish(const struct voice *v, const char *finish_reason, struct buffer *out);
void render_usage_chunk(const struct voice *v, const struct usage *u, struct buffer *out);

/* A whole answer in one body. */
void render_whole(const struct ask *ask, const char *model, const struct answer *a, const char *id,
                  int64_t created_s, const struct usage *u, struct buffer *out);
void render_embeddings(const struct ask *ask, const char *model, uint64_t seed, struct buffer *out);

/* OpenAI's usage object. */
void render_usage(const struct usage *u, struct buffer *out);

/* How events stand on the wire. */
struct framing {
    bool chunked, crlf;
};

/* "data: …" and an empty line around the bytes, as an HTTP chunk if `chunked`. */
void frame_event(const char *bytes, size_t length, struct framing f, struct buffer *out);

/* Bytes as they are, as an HTTP chunk if `chunked`. */
void frame_bytes(const char *bytes, size_t length, bool chunked, struct buffer *out);

#endif
