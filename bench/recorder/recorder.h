/* The recorder: a relay in front of an endpoint, which makes a trace of what passes.
 *
 *     struct recorder_config config = {.listen = "127.0.0.1:8088", .to =
 * "https://api.example.com/v1", .clerk = {.path = "trace.jsonl", .block_tokens = 16}}; struct
 * recorder *r = recorder_create(&config, err); printf("%s", recorder_url(r)); recorder_run(r, err);
 * // until a signal asks for the end recorder_free(r, &report);
 *
 * HTTP/1.1 on both sides. A request is taken whole and goes on with its headers as they came, but
 * for those of the connection and for Accept-Encoding; the answer's bytes are handed on as they
 * come, their framing included. Where the caller is slower than the endpoint, the endpoint is read
 * no faster than the caller.
 */
#ifndef FAREBOX_BENCH_RECORDER_RECORDER_H
#define FAREBOX_BENCH_RECORDER_RECORDER_H

#include "bench/recorder/clerk.h"
#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDER_MAX_BODY ((size_t)64 << 20)

/* A header whose value becomes a label: {"user": "..."}. */
struct recorder_label {
    const char *name, *header;
};

struct recorder_config {
    const char *listen, *to; /* HOST:PORT; the endpoint's URL */
    const char *ca_file;     /* NULL */
    bool insecure;           /* certificates are not checked */
    const struct recorder_label *labels;
    size_t label_count;
    const char *session_header; /* NULL */
    struct clerk_config clerk;
    /* Called twice a second, from the loop; NULL. */
    void (*on_tick)(void *context, int64_t now_ns);
    void *context;
};

struct recorder_report {
    struct clerk_report clerk;
    uint64_t connections, turned_away;  /* accepted; closed at once, for there were too many */
    uint64_t requests, passed, refused; /* taken; of those not recorded; no requests at all */
    uint64_t unreachable;               /* the endpoint did not answer */
    uint64_t chunks;                    /* pieces of answers that were handed on */
    double delay_p50_ms, delay_p99_ms, delay_max_ms; /* from socket in to written out */
    double busy;                                     /* the share of a CPU that the loop took */
    size_t in_flight;
};

struct recorder;

/* Borrows the config. ERR_INPUT, ERR_SYSTEM. */
struct recorder *recorder_create(const struct recorder_config *config, struct error *err);

/* What callers have as their base URL: where it listens, with the path of `to`. */
const char *recorder_url(const struct recorder *r);
const char *recorder_host(const struct recorder *r);
uint16_t recorder_port(const struct recorder *r);

/* Serves until core/stop.h says that it is to end: at first it lets what is under way come to its
 * end, at the second signal it cuts it. */
int recorder_run(struct recorder *r, struct error *err);

void recorder_look(struct recorder *r, struct recorder_report *out);

/* Writes what is not written, tells what there was, and frees; `r` and `out` may be NULL. */
void recorder_free(struct recorder *r, struct recorder_report *out);

#endif
