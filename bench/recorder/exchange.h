/* One request on its way through the recorder, and what was seen of it.
 *
 * The loop makes it when a request's head is there, fills it while bytes pass, and hands it to the
 * clerk when it has ended. Whoever holds it owns it; the caller's head, in which its key stands, is
 * wiped before it is handed on.
 */
#ifndef FAREBOX_BENCH_RECORDER_EXCHANGE_H
#define FAREBOX_BENCH_RECORDER_EXCHANGE_H

#include "bench/answer/attempt.h"
#include "bench/recorder/chunked.h"
#include "core/buffer.h"

#include <curl/curl.h>

#define EXCHANGE_ANSWER_KEPT ((size_t)4 << 20) /* of an answer, to find the tools that it calls */

struct caller;

struct exchange {
    const struct bench_api *api; /* NULL: it passes and is not recorded */
    char *labels;                /* a JSON object; NULL */
    char *session;               /* from a header; NULL */
    struct buffer body;
    int64_t arrived_ns, ended_ns; /* its head was there; all was over */
    struct attempt_config config;
    struct attempt attempt;
    struct buffer answer;     /* the first of its bytes, without framing */
    enum failure_class broke; /* how it failed below HTTP */
    bool aborted;             /* the caller left before the end */
    struct exchange *next;    /* in the clerk's queue */

    /* the loop's own */
    struct caller *caller; /* NULL once it is gone */
    CURL *easy;
    struct curl_slist *headers;
    struct buffer head;             /* the answer's */
    struct chunked framing, passed; /* of what was read, and of what a caller without chunks got */
    struct buffer unread;           /* bytes that were handed on and not read yet */
    struct arrival arrived;         /* of those */
    struct exchange *next_unread;   /* in the loop's list of those that have some */
    int status;
    bool is_chunked, has_length, bodiless; /* how the answer's end is told */
    bool begun, read_enough, connected;
};

struct exchange *exchange_create(const struct bench_api *api, int64_t arrived_ns);
void exchange_free(struct exchange *x);

/* Keeps bytes of the answer's body, the framing in them, that came just now. */
void exchange_keep(struct exchange *x, const struct arrival *now, const char *raw, size_t count);

/* Has those that were kept read by the attempt. Apart from the keeping, so that the bytes of other
 * streams that came at the same time are handed on first. */
void exchange_read(struct exchange *x);

#endif
