/* Inside bench/answer: what the files of an attempt share. */
#ifndef FAREBOX_BENCH_ANSWER_ATTEMPT_STATE_H
#define FAREBOX_BENCH_ANSWER_ATTEMPT_STATE_H

#include "bench/answer/attempt.h"

#define ATTEMPT_ERROR_BODY ((size_t)64 << 10) /* of an answer outside 2xx: for its message */

static inline bool attempt_is_good(const struct attempt *a)
{
    return a->http_status >= 200 && a->http_status < 300;
}

/* Without the byte-order mark that may stand before it. */
static inline struct text attempt_body(const struct attempt *a)
{
    struct text body = {a->body.data ? a->body.data : "", a->body.length};
    return text_starts(body, "\xef\xbb\xbf") ? (struct text){body.at + 3, body.length - 3} : body;
}

/* When what is being fed arrived: see struct arrival. Never before the read before it, nor before
 * it was asked for. */
static inline int64_t attempt_now(const struct attempt *a)
{
    int64_t at_ns = a->read_items > 0 ? a->now.read_ns : a->now.wake_ns;
    return at_ns > a->last_read_ns ? at_ns : a->last_read_ns;
}

/* A body without the byte-order mark, blanks and empty lines, which may stand before anything. */
struct text attempt_behind_blanks(struct text body);

/* ---- attempt_words.c ---- */

/* The attempt has failed, unless it had before; the words are kept without secrets. Those of _json
 * may have JSON's escapes. */
void attempt_fail(struct attempt *a, enum failure_class why, struct text words);
void attempt_fail_json(struct attempt *a, enum failure_class why, struct text raw);

/* Keeps words that may explain how the answer ends; those of an error go before others. */
void attempt_hold(struct attempt *a, enum held_words whose, struct text raw);

/* Fails with the words that are held; false where there are none that say why. */
bool attempt_fail_held(struct attempt *a);

/* Whether the chunk, read from `data`, says that the answer failed; that then is its failure. */
bool attempt_says_failed(struct attempt *a, const struct chunk *c, struct text data);

/* ---- attempt_events.c ---- */

/* Takes what a chunk says beside its tokens: texts, usage, the finish reason. */
void attempt_note_rest(struct attempt *a, const struct chunk *c);

/* Reads once more what is nearly JSON, as an event or (name NULL) a whole answer. The chunk, and
 * *data, are then lent from the attempt. */
bool attempt_read_mended(struct attempt *a, const char *name, struct text *data, struct chunk *c);

/* Whether an event that bore no text is one of another API. */
void attempt_look(struct attempt *a, struct text data);

/* Bytes of an event stream, and its end; false: hang up. */
bool attempt_feed_events(struct attempt *a, const char *bytes, size_t count);
void attempt_end_events(struct attempt *a);

#endif
