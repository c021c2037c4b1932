/* Answers on their way to the wire: what each API's events are made of, and how they are framed.
 *
 *     struct rendering r = {.ask = &ask, .answer = &answer, .model = "m", .id = "chatcmpl-1",
 *                           .json = &json, .out = &out};
 *     buffer_add_text(r.json, "{...}");
 *     render_event(&r, NULL);                  // r.out: data: {...}, as an HTTP chunk if need be
 *     rendering_free(&r);
 *
 * A rendering borrows everything but its head.
 */
#ifndef FAREBOX_SIM_MOCK_API_RENDER_H
#define FAREBOX_SIM_MOCK_API_RENDER_H

#include "core/buffer.h"
#include "core/usage/usage.h"
#include "sim/mock/api/answer.h"

#include <stdbool.h>
#include <stdint.h>

/* How events stand on the wire. */
struct framing {
    bool chunked, crlf;
};

/* One answer, as the functions of its API render it. */
struct rendering {
    const struct ask *ask;                         /* without its body */
    const struct answer *answer;                   /* of the choice that is rendered */
    uint32_t choice;                               /* its number */
    const struct answer *answers[ASK_MAX_CHOICES]; /* of all of them */
    size_t text_ends[ASK_MAX_CHOICES];             /* bytes of text that each has told */
    const char *model, *id;
    struct usage input; /* of the prompt, where it is known before the answer */
    int64_t created_s;
    struct framing framing;
    struct buffer *json; /* where an event is put together */
    struct buffer *out;  /* what goes to the socket */
    struct buffer head;  /* the API's own: what all its events begin with; owned */
    uint64_t sequence;   /* the next event's number, where they have one */
};

void rendering_free(struct rendering *r);

/* Moves the JSON in r->json to r->out as an event; `name` NULL = it has none. */
void render_event(struct rendering *r, const char *name);

/* Appends a text as a JSON string. */
void render_string(const char *text, struct buffer *out);

/* Appends the text of some tokens of a part as it stands inside a JSON string. */
void render_text(const struct answer *a, uint32_t part, uint32_t token, uint32_t count,
                 struct buffer *out);

/* Appends the text of all parts of a kind as a JSON string, or null where there is none. */
void render_parts(const struct answer *a, enum part_kind kind, struct buffer *out);

/* "data: …" and an empty line around the bytes, as an HTTP chunk if `chunked`; with "event: …"
 * before it where there is a name. */
void frame_event(const char *name, const char *bytes, size_t length, struct framing f,
                 struct buffer *out);

/* Bytes as they are, as an HTTP chunk if `chunked`. */
void frame_bytes(const char *bytes, size_t length, bool chunked, struct buffer *out);

#endif
