/* JSON values as traces hold them. Private to workloads/.
 *
 * All take from a scanner whose errors stick (core/json/json_scan.h): the reader checks once, at
 * the end of the line.
 */
#ifndef FAREBOX_WORKLOADS_TRACE_TRACE_JSON_H
#define FAREBOX_WORKLOADS_TRACE_TRACE_JSON_H

#include "core/json/json_fields.h"
#include "workloads/trace/trace_input.h"

/* Longest name (model, session, request id, ...) and label set. */
#define TRACE_MAX_NAME ((size_t)4096)

/* The texts of one row, zero-terminated, valid until they are cleared. */
#define TRACE_ROW_TEXTS 16
struct trace_strings {
    struct buffer slots[TRACE_ROW_TEXTS];
    size_t used;
};
void trace_strings_init(struct trace_strings *t);
void trace_strings_clear(struct trace_strings *t);
void trace_strings_free(struct trace_strings *t);

/* A JSON string, unescaped; NULL after an error that sticks in `s` (not a string, too long, a zero
 * byte inside). */
const char *trace_strings_take(struct trace_strings *t, struct json_scan *s);

/* Any text as it stands; NULL where it is too long (sticks in `s`). */
const char *trace_strings_keep(struct trace_strings *t, struct json_scan *s, struct text text);

/* As trace_strings_take for a raw string already taken; the caller frees it. */
char *trace_string_copy(struct json_scan *s, struct text raw);

/* Seconds from 0 with a fraction, cut to whole nanoseconds. */
bool trace_json_seconds(struct json_scan *s, int64_t *out_ns);

/* US dollars, as a decimal string or a number. */
bool trace_json_money(struct json_scan *s, money *out);

/* "ok", "failed", "aborted", by enum request_status, with NULL behind. */
extern const char *const trace_status_names[];

/* The canonical "usage" object: classes, tools and units. Names are owned here. */
struct trace_usage {
    uint64_t tokens[USAGE_CLASSES]; /* those of text are not set: they are what is left */
    struct usage_extra *extras;
    size_t extra_count, extra_capacity;
    struct names names;
};
void trace_usage_init(struct trace_usage *u);
void trace_usage_free(struct trace_usage *u);
void trace_json_usage(struct json_scan *s, struct trace_usage *out);
void trace_put_usage(struct json_writer *w, const struct usage *u);

/* A request as a line of the canonical form, and its blocks as an array. */
void trace_put_canonical(const struct workload *w, const struct request *r, struct buffer *out);
void trace_put_hash_ids(struct json_writer *w, const struct request *r);

/* One line of JSON on its way to a request: what most JSON Lines readers need.
 *
 *     #define AT(member) JSON_AT(struct trace_row, member)
 *     static const struct json_field rows[] = {
 *         {"t", TRACE_SECONDS(AT(row.timestamp_ns)), .required = true},
 *         {"input_length", JSON_AS_UINT, AT(row.input_tokens), .required = true},
 *         {"model", TRACE_NAME(AT(row.model))}};
 *     static const struct json_table table = {JSON_ROWS(rows), .open = true};
 *
 *     trace_row_start(&r, in, line);
 *     r.seen = json_fields_read(&r.scan, &table, &r);
 *     status = trace_row_end(&r, in, line, &table, err);      // then trace_add(in, &r.row, err)
 *
 * The scanner's context is the row: a reader that needs more has it as its first member.
 */
struct trace_row {
    struct json_scan scan;
    struct request row;
    struct trace_strings texts;
    struct buffer extra; /* for keys that are kept */
    uint64_t *hash_ids;
    size_t hash_capacity;
    uint64_t seen; /* rows of the line's table */
};
void trace_row_init(struct trace_row *r, const struct trace_input *in);
void trace_row_free(struct trace_row *r);
void trace_row_start(struct trace_row *r, const struct trace_input *in, struct text line);

/* Values of table rows: a time from 0 in seconds; a name (null counts as none); an array of block
 * ids, into the row; any value, kept as an unknown key. */
#define TRACE_SECONDS(member) JSON_AS_OTHER, member, .read = trace_read_seconds
#define TRACE_NAME(member) JSON_AS_OTHER, member, .read = trace_read_name
void trace_read_seconds(struct json_scan *s, const struct json_field *f, void *member);
void trace_read_name(struct json_scan *s, const struct json_field *f, void *member);
void trace_read_hash_ids(struct json_scan *s, const struct json_field *f, void *member);
void trace_row_keep(struct trace_row *r, const char *key);
void trace_row_keep_text(struct trace_row *r, struct text key, struct text raw); /* taken already */

/* Checks the rest of the line, and that all required keys were seen. */
int trace_row_end(struct trace_row *r, struct trace_input *in, struct text line,
                  const struct json_table *t, struct error *err);

/* The disjoint classes of a row whose lengths are known, into r->usage; parts that pass their whole
 * are an error that sticks in `s`. */
void trace_usage_fill(struct json_scan *s, const struct trace_usage *u, struct request *r);

/* Tokens of a text whose counts nobody gave: four bytes a token, OpenAI's rule of thumb for
 * English.
 */
uint32_t trace_estimate_tokens(uint64_t bytes);

/* The value at "outer.inner" of an object, as written: keys with points in them are found, too.
 * False if there is none, or what stands before it is no JSON. */
bool trace_json_find(struct text object, const char *path, struct text *raw);

/* How many requests a row sums up; what nobody counted is 0 in the file. */
void trace_read_requests(struct json_scan *s, const struct json_field *f, void *member);
void trace_write_requests(struct json_writer *w, const struct json_field *f, const void *member);

#endif
