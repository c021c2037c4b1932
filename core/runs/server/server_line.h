/* What a server says of itself while a run goes on: server.jsonl, a line for each scrape of its
 * metrics.
 *
 *     struct server_line line;
 *     server_line_init(&line);
 *     line.values[SERVER_QUEUE] = 3;
 *     server_line_write(&line, &text);
 *     server_lines_read("results/x", take, &context, err);   // and back, a line at a time
 *
 * A line is of one source, and either holds values (NAN = not served) or the reason why there are
 * none.
 */
#ifndef FAREBOX_CORE_RUNS_SERVER_SERVER_LINE_H
#define FAREBOX_CORE_RUNS_SERVER_SERVER_LINE_H

#include "core/buffer.h"
#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Gauges first: what is the case at the instant of the scrape. The others are counters, which only
 * grow until the server starts anew. */
enum server_metric {
    SERVER_QUEUE,    /* requests that wait */
    SERVER_RUNNING,  /* requests in the batch */
    SERVER_KV_USE,   /* share of the KV cache, 0 to 1 */
    SERVER_HIT_RATE, /* share of the prompt tokens from the prefix cache, as the server has it */
    SERVER_GPU_POWER,
    SERVER_GPU_UTIL, /* 0 to 1 */
    SERVER_PREEMPTIONS,
    SERVER_PREFIX_QUERIES, /* prompt tokens looked up in the prefix cache, and found there */
    SERVER_PREFIX_HITS,
    SERVER_PROMPT_TOKENS,
    SERVER_GENERATED_TOKENS,
    SERVER_FINISHED, /* requests that it answered to their end */
    SERVER_ABORTED,
    SERVER_GPU_ENERGY,
    SERVER_METRICS,
};
#define SERVER_GAUGES SERVER_PREEMPTIONS
#define SERVER_COUNTERS (SERVER_METRICS - SERVER_GAUGES)

extern const char *const server_metric_keys[]; /* "queue", "kv_use", ...; NULL behind the last */

/* A share is averaged over engines and sources; anything else is added up. */
bool server_metric_is_share(enum server_metric m);

#define SERVER_OTHERS 16 /* metrics by names of the user's own */
#define SERVER_NAME_SIZE 48
#define SERVER_URL_SIZE 256
#define SERVER_ERROR_SIZE 200

struct server_other {
    char name[SERVER_NAME_SIZE];
    double value;
};

struct server_line {
    int64_t t_ns;                  /* of the asking, from the run's start; before it below 0 */
    char source[SERVER_URL_SIZE];  /* the URL as it may be shown */
    char server[SERVER_NAME_SIZE]; /* "vLLM"; "" = not known */
    double took_ms;                /* until all of the answer was there */
    char error[SERVER_ERROR_SIZE]; /* why there are no values; "" = there are */
    double values[SERVER_METRICS];
    struct server_other others[SERVER_OTHERS];
    size_t other_count;
};

/* Nothing known. */
void server_line_init(struct server_line *line);

/* Appends the line, its end included. */
void server_line_write(const struct server_line *line, struct buffer *out);

/* Hands on each line of the run's server.jsonl; the line is lent. What is cut short or no such line
 * is passed over. 1; 0 where there is no such file; ERR_SYSTEM where the disk does not give it. */
int server_lines_read(const char *run, void (*take)(void *context, const struct server_line *line),
                      void *context, struct error *err);

#endif
