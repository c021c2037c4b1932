/* The workload: the requests to be made, in sessions, with their times or dependencies.
 *
 * Held as columns: ten million requests fit in a gigabyte, and whoever prices or sums them reads
 * only the columns it needs. A column that no request uses is NULL; `struct request` is one row
 * with every default filled in, for those who want rows.
 *
 *     struct workload w;
 *     workload_init(&w);
 *     if (trace_read("conv.csv", NULL, &w, NULL, err) < 0) ...
 *     for (size_t i = 0; i < w.count; i++) {
 *         struct request r;
 *         workload_get(&w, i, &r);
 *         ...
 *     }
 *     workload_free(&w);
 *
 * Rows stand in the order in which they were added (a file's order), which need not be the order of
 * their times: see workload_time_order(). The workload owns everything; a row lends its texts and
 * arrays until the workload changes, and its id as long as the row itself is there.
 */
#ifndef FAREBOX_WORKLOADS_MODEL_WORKLOAD_H
#define FAREBOX_WORKLOADS_MODEL_WORKLOAD_H

#include "core/clock.h"
#include "core/error.h"
#include "core/money.h"
#include "core/names.h"
#include "core/text.h"
#include "core/usage/usage.h"
#include "workloads/model/image_size.h"
#include "workloads/model/request_ids.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a request is paid as. Sellers have others beside the four that are known here ("scale",
 * "fast"): those are SERVICE_OTHER and go by their names. */
enum service {
    SERVICE_STANDARD,
    SERVICE_BATCH,
    SERVICE_FLEX,
    SERVICE_PRIORITY,
    SERVICE_COUNT,
    SERVICE_OTHER = SERVICE_COUNT,
};

/* Who began it: a user's turn, or the agent with one more call of the same turn. */
enum request_initiator { INITIATOR_UNKNOWN, INITIATOR_USER, INITIATOR_AGENT };

/* How the request ended where the workload is a recording. */
enum request_status { REQUEST_OK, REQUEST_FAILED, REQUEST_ABORTED };

/* "standard", "batch", "flex", "priority", by the enum, with NULL behind; and back: -1 for an
 * unknown name. */
extern const char *const service_names[];
const char *service_name(enum service s);
int service_from_name(struct text name);

/* The service that a seller or a log calls so: SERVICE_OTHER where the name is not known.
 * "default", "auto", "on_demand" and the like, and no name at all, are the standard one. */
enum service service_called(struct text name);
#define SERVICE_NAME_MAX 64 /* bytes of another service's name */

/* One request. What a trace does not say has the default given here. */
struct request {
    int64_t timestamp_ns; /* offset from the workload's start; TIME_NEVER: only `after` counts */
    int64_t delay_ns;     /* think or tool time after the last parent's end; 0 */
    uint32_t input_tokens, output_tokens; /* input includes cached and written, output reasoning */
    const uint32_t *after;                /* rows that must end first */
    size_t after_count;
    const uint64_t *hash_ids; /* prefix blocks of block_size tokens, the partial tail included */
    size_t hash_count;
    uint32_t block_size;
    const struct image_size *images; /* beside the text, whose length is input_tokens */
    size_t image_count;
    const char *request_id;   /* NULL: none given; workload_request_id() makes one */
    char id[REQUEST_ID_SIZE]; /* of a row that was got: where a numbered id is made */
    const char *session_id, *model, *class_name; /* NULL */
    const char *labels;                          /* a JSON object as text; NULL */
    enum service service;
    const char *other_service; /* the name of SERVICE_OTHER; NULL of the others */
    enum request_initiator initiator;
    int priority;
    struct text messages, body, extra; /* JSON as written; extra: `"key":value,...`; empty */
    bool has_usage;                    /* the recording says what was really used */
    struct usage usage;                /* disjoint; from the lengths alone without has_usage */
    enum request_status status;
    uint32_t attempts; /* 1 */
    bool has_cost;
    money cost; /* what the provider reported */
    /* What a recording measured, from the request's own start; 0 = not known */
    int64_t first_token_ns, end_ns;
    const char *finish_reason; /* NULL */
    /* A row of a usage report stands for many requests, somewhere in so long a time: lengths, usage
     * and cost are their sums. 0 and 1: for one. */
    uint32_t requests;
    int64_t bucket_ns;
    /* Whose tokens its lengths and usage count, where a change named another model since: that
     * model, "" = nobody knows. NULL: the tokens of `model`. */
    const char *counted_as;
};

/* A row that stands for requests that nobody counted: one at least. */
#define REQUESTS_UNKNOWN UINT32_MAX

/* What was really used beyond the two lengths, inclusive counts as in the trace file. */
struct recorded_usage {
    uint32_t cached_input, cache_write, cache_write_1h, reasoning;
    uint32_t extra_start, extra_count; /* into usage_extras */
};

/* Of a request with tokens that are not of text: its classes from USAGE_PLAIN_CLASSES on. */
struct recorded_media {
    uint32_t tokens[USAGE_MEDIA_CLASSES];
};

struct earlier_attempts;

struct workload {
    size_t count, capacity;
    size_t prepared;       /* rows from count to here hold the columns' unused values */
    char *name;            /* for people: the file's or scenario's stem */
    bool has_start;        /* start_unix_ns is known */
    int64_t start_unix_ns; /* wall-clock label of timestamp 0 */
    uint32_t block_size;   /* tokens per prefix block; 0 = no hash ids */

    int64_t *timestamp_ns; /* always there */
    uint32_t *input_tokens, *output_tokens;

    /* NULL where no request uses them */
    int64_t *delay_ns;
    uint32_t *session;              /* numbers in `sessions`, NAME_NONE = no session */
    uint16_t *model, *class_number; /* numbers in `models`, `classes`; UINT16_MAX = none */
    uint32_t *labels;               /* numbers in `label_sets` */
    uint8_t *service, *status, *initiator;
    int16_t *priority;
    uint32_t *attempts;
    struct recorded_usage *usage;
    bool *usage_known;
    struct recorded_media *media;
    money *cost; /* MONEY_MAX = none reported */
    int64_t *first_token_ns, *end_ns;
    uint16_t *finish;   /* numbers in `finishes`; UINT16_MAX = not known */
    uint32_t *requests; /* that a row stands for; NULL where all are one request */
    int64_t *bucket_ns; /* there with `requests` */
    uint32_t *counted;  /* numbers in `counters`; NAME_NONE = as `model` */

    /* Lists per row, row i from start[i] to start[i + 1]; NULL where no row has any */
    uint64_t *after_start;
    uint32_t *after;
    uint64_t *hash_start;
    uint64_t *hash_ids;
    uint64_t *image_start;
    struct image_size *images;
    uint64_t *messages_start, *body_start, *extra_start;
    char *messages, *body, *extra;
    size_t after_capacity, hash_capacity, image_capacity;
    size_t messages_capacity, body_capacity, extra_capacity;

    struct usage_extra *usage_extras;
    size_t usage_extra_count, usage_extra_capacity;

    struct earlier_attempts *earlier; /* of a run that was read back: workloads/model/attempts.h */

    struct request_ids ids; /* by row, empty where the trace gives none (see
                               workload_request_id) */
    struct names sessions, models, classes, label_sets, extra_names, finishes, counters;
    struct names other_services; /* number n is service SERVICE_OTHER + n in the column */
};

void workload_init(struct workload *w);
void workload_free(struct workload *w);

/* The longest prompt and the longest answer that a row may have: ten times the longest context of a
 * model that is served. What is sent and simulated costs memory by the token (bench some 6 bytes of
 * prompt, sim 8 of answer), so that one damaged number must not take the machine. */
#define WORKLOAD_MAX_TOKENS USAGE_MOST_TOKENS

/* The most prefix blocks of a row: as a line of a trace they are then one that farebox reads. */
#define WORKLOAD_MAX_BLOCKS ((size_t)1 << 23)

/* Appends a copy of the row (its `after` are rows already in or to come). Returns 0, or ERR_INPUT
 * for what the columns cannot hold: more than WORKLOAD_MAX_TOKENS or WORKLOAD_MAX_BLOCKS a request,
 * a duplicate request id, more than 65,535 models or classes, more than 250 services, 2^32 - 2
 * requests, a mix of block sizes. A request id must be given for all rows or for none. */
int workload_add(struct workload *w, const struct request *r, struct error *err);

/* The short road for what most traces hold: a time and two lengths, everything else left at its
 * default. Only for workloads whose rows have no request ids and no lists; the row's number is
 * count - 1. The caller keeps count below WORKLOAD_MAX_ROWS. */
#define WORKLOAD_MAX_ROWS ((size_t)UINT32_MAX - 2)
void workload_add_plain(struct workload *w, int64_t timestamp_ns, uint32_t input_tokens,
                        uint32_t output_tokens);

/* What a request is paid as: "standard", "batch", ..., or another service's name. */
const char *request_service(const struct request *r);

/* The service of row i; *other is its name where it is SERVICE_OTHER, else NULL. */
enum service workload_service(const struct workload *w, size_t i, const char **other);

/* What a number in the column of services is called. */
const char *workload_service_name(const struct workload *w, uint8_t number);

/* Row i with every default filled in. */
void workload_get(const struct workload *w, size_t i, struct request *out);

/* The request's id, given or made ("r1" for row 0), written to `out`. */
const char *workload_request_id(const struct workload *w, size_t i, char out[REQUEST_ID_SIZE]);

/* Gives every row so many images of a size; the workload must have none. */
void workload_set_images(struct workload *w, struct image_size size, uint32_t count);

/* Usage of row i in disjoint classes: recorded, else the lengths as uncached input and output. */
struct usage workload_usage(const struct workload *w, size_t i);

/* How many requests the rows stand for; false where some row does not know its own, which then
 * counts as one. */
bool workload_count_requests(const struct workload *w, uint64_t *out);

/* ERR_INPUT where rows stand for many requests; `what` is what needs a row for each: "bench". */
int workload_check_single(const struct workload *w, const char *what, struct error *err);

/* When the time that row i sums up is over, at most INT64_MAX. */
int64_t workload_bucket_end_ns(const struct workload *w, size_t i);

/* Both lengths summed over the first `count` rows. */
void workload_sum_tokens(const struct workload *w, size_t count, uint64_t *input, uint64_t *output);

/* Last timestamp (rows that have one); 0 for an empty workload. */
int64_t workload_span_ns(const struct workload *w);

/* ERR_INPUT where, at that speed, a row would be due after TIME_LAST_DUE, or longer than that after
 * the rows that it waits for. */
int workload_check_speed(const struct workload *w, double speed, struct error *err);

/* ERR_INPUT where, at that rate, the last of so many requests (0 = the workload once; those that
 * wait for others come with them) is expected after TIME_LAST_DUE. */
int workload_check_rate(const struct workload *w, uint64_t requests, double rate_rps,
                        struct error *err);

/* Earliest and latest timestamp. False if no row has one. */
bool workload_time_range(const struct workload *w, int64_t *first_ns, int64_t *last_ns);

/* All row numbers by timestamp, ties in file order, rows without a timestamp last. The caller
 * frees it. */
uint32_t *workload_time_order(const struct workload *w);

/* The same by other times of the rows. */
uint32_t *workload_order_by(const int64_t *times, size_t count);

/* Moves every timestamp by `by_ns`, and the start label the other way. */
void workload_shift(struct workload *w, int64_t by_ns);

/* For recordings of conversations that know when each answer ended (end_ns by row, TIME_NEVER = not
 * known): each turn waits for the turn of its session that ended last before it started, and its
 * delay is the time between. Turns that overlapped do not wait for each other. The workload
 * must have no dependencies yet. */
void workload_link_sessions(struct workload *w, const int64_t *end_ns);

/* Finds a row whose `after` names a row that does not exist or that (directly or around a ring)
 * waits for itself. Returns 0, or ERR_INPUT with the row in *row (may be NULL). */
int workload_check_order(const struct workload *w, size_t *row, struct error *err);

#endif
