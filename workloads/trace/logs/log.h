/* What the readers of agents' and gateways' logs share: values at a path of a line become the
 * fields of a request. Private to workloads/trace/logs/.
 *
 *     struct log l;
 *     log_init(&l, in);
 *     log_begin(&l, line);
 *     log_take_at(&l, FIELD_TIMESTAMP, line, "timestamp");
 *     log_count_at(&l, "prompt_tokens", line, "tokens.prompt");  // part of a usage object
 *     log_id(&l, message_id, request_id);                        // rows of one id are one request
 *     status = log_add(&l, err);
 *     ...
 *     status = log_settle(&l, err);
 *     log_free(&l);
 *
 * What a value should have been is told once, by log_add. Absent values and null are passed.
 */
#ifndef FAREBOX_WORKLOADS_TRACE_LOGS_LOG_H
#define FAREBOX_WORKLOADS_TRACE_LOGS_LOG_H

#include "workloads/trace/trace_fields.h"
#include "workloads/trace/trace_unique.h"

struct log {
    struct trace_input *in;
    struct trace_fields fields;
    struct trace_unique *unique;
    struct buffer plain; /* a string without its escapes */
    struct buffer usage; /* an object made of single counts */
    struct buffer id;
    struct text line, fault;
    const char *wanted; /* of the value that was none; NULL */
    int64_t end_ns;     /* when the answer ended; TIME_NEVER */
};

void log_init(struct log *l, struct trace_input *in);
void log_free(struct log *l);

/* Forgets the row and begins one of this line. */
void log_begin(struct log *l, struct text line);

/* A value as JSON has it, strings with their quotes. */
void log_take(struct log *l, enum trace_field field, struct text raw);
void log_label(struct log *l, const char *name, struct text raw);

/* A count of the row's usage, under a key of core/usage/usage_keys.c. The first one of a key
 * counts.
 */
void log_count(struct log *l, const char *key, struct text raw);

/* The same of what stands at "outer.inner" of an object. False where there is nothing, or null. */
bool log_take_at(struct log *l, enum trace_field field, struct text object, const char *path);
bool log_label_at(struct log *l, const char *name, struct text object, const char *path);
bool log_count_at(struct log *l, const char *key, struct text object, const char *path);

/* When the answer ended: an instant as FIELD_TIMESTAMP is, of the same clock; or so many
 * milliseconds behind the row's timestamp, which is set already. */
void log_end(struct log *l, struct text raw);
void log_end_after_ms(struct log *l, struct text raw);

/* Whether a person asked or an agent went on. */
void log_initiator(struct log *l, bool user);

/* The request that the row tells of, by one or two names; empty ones do not count. */
void log_id(struct log *l, struct text a, struct text b);

/* Makes the request of what was taken and keeps it. A row without counts that did not fail is
 * passed over as "no_call", one whose input or output stands there as null as "unknown_tokens":
 * that is not 0. */
int log_add(struct log *l, struct error *err);

/* Puts the requests into the workload, turns of a session behind those that ended before, where
 * ends are known; the first one's instant becomes the start. */
int log_settle(struct log *l, struct error *err);

/* What stands at "outer.inner", but null; and a string there without its quotes (escapes stay),
 * empty where it is none. */
bool log_find(struct text object, const char *path, struct text *raw);
struct text log_name(struct text object, const char *path);
struct text log_unquoted(struct text raw);

/* True if the string at a path is this one. */
bool log_is(struct text object, const char *path, const char *word);

#endif
