/* Named fields of a request, set from text: what --columns, --keys and the CSV readers share.
 * Private to workloads/.
 *
 *     struct trace_fields f;
 *     trace_fields_init(&f, in);
 *     trace_fields_clear(&f);
 *     const char *wanted = trace_fields_set(&f, FIELD_INPUT, "n", text); // NULL, or what it wants
 *     wanted = trace_fields_finish(&f);
 *     trace_add(in, &f.row, err);
 *
 * The row's texts are lent from `f` until the next clear.
 */
#ifndef FAREBOX_WORKLOADS_TRACE_TRACE_FIELDS_H
#define FAREBOX_WORKLOADS_TRACE_TRACE_FIELDS_H

#include "core/usage/usage_report.h"
#include "workloads/trace/trace_json.h"

enum trace_field {
    FIELD_TIMESTAMP, /* an instant, or a number: seconds, or an epoch in s, ms, us or ns */
    FIELD_TIMESTAMP_S,
    FIELD_TIMESTAMP_MS,
    FIELD_TIMESTAMP_US,
    FIELD_TIMESTAMP_NS,
    FIELD_INPUT,          /* everything in, cached and written included */
    FIELD_UNCACHED_INPUT, /* or only what was neither cached nor written */
    FIELD_OUTPUT,         /* everything out, reasoning included */
    FIELD_CACHED_INPUT,
    FIELD_CACHE_WRITE,
    FIELD_CACHE_WRITE_1H,
    FIELD_REASONING,
    FIELD_IMAGE_INPUT,
    FIELD_AUDIO_INPUT,
    FIELD_VIDEO_INPUT,
    FIELD_CACHED_IMAGE_INPUT,
    FIELD_CACHED_AUDIO_INPUT,
    FIELD_IMAGE_OUTPUT,
    FIELD_AUDIO_OUTPUT,
    FIELD_USAGE, /* a provider's usage object, see core/usage/usage_report.h; usage.KEY: one of its
                    counts, of which an object is made */
    FIELD_SESSION,
    FIELD_REQUEST,
    FIELD_MODEL,
    FIELD_CLASS,
    FIELD_SERVICE,
    FIELD_PRIORITY,
    FIELD_STATUS,  /* ok, failed, aborted and their usual other names, or an HTTP status */
    FIELD_FAILED,  /* true, or the text of an error: the request failed */
    FIELD_ABORTED, /* the same: the caller ended it */
    FIELD_ATTEMPTS,
    FIELD_COST,
    FIELD_ENDED,       /* when the answer ended, as FIELD_TIMESTAMP; of many requests: their time */
    FIELD_FIRST_TOKEN, /* when its first token came */
    FIELD_E2E_MS,      /* or how long after the start */
    FIELD_E2E_S,
    FIELD_TTFT_MS,
    FIELD_TTFT_S,
    FIELD_FINISH,
    FIELD_INITIATOR, /* user or agent */
    FIELD_REQUESTS,  /* that the row stands for */
    FIELD_MESSAGES,  /* a JSON array, sent as it is */
    FIELD_PROMPT,    /* a text, sent as a user's message */
    FIELD_LABEL,     /* label.NAME: one entry of the labels */
    FIELD_WHERE,     /* SOURCE:VALUE|VALUE: rows with another value there are passed over */
    FIELD_SKIP,      /* the same for rows with one of these values */
    FIELD_UNIQUE, /* rows of one value are one request: the one of most output, the last of equals
                   */
    FIELD_COUNT,
};

#define TRACE_MAX_MAPPINGS 64

/* One FIELD=SOURCE of an option. `label` is the label's name, or the values of a filter. */
struct trace_mapping {
    enum trace_field field;
    char *label, *source;
};

struct trace_mappings {
    struct trace_mapping items[TRACE_MAX_MAPPINGS];
    size_t count;
    bool uncounted; /* requests=?: rows stand for many, and nobody counted them */
};

/* Parses "timestamp=Time,input=3,label.user=uid". `option` is named in errors. */
int trace_mappings_parse(const char *text, const char *option, struct trace_mappings *out,
                         struct error *err);
void trace_mappings_free(struct trace_mappings *m);

/* The mapping of a field, or NULL; how many there are. */
const struct trace_mapping *trace_mapping_of(const struct trace_mappings *m,
                                             enum trace_field field);
uint32_t trace_mappings_count(const struct trace_mappings *m, enum trace_field field);

/* The name of a field, and the field of a name, or FIELD_COUNT. */
const char *trace_field_name(enum trace_field field);
enum trace_field trace_field_from_name(struct text name);

/* What the times of a file are; one file has one clock. */
enum trace_clock { CLOCK_NOT_KNOWN, CLOCK_NONE, CLOCK_OFFSET, CLOCK_WALL };

/* True where a name that nobody mapped says that a row stands for `value` requests ("requests",
 * "num_model_requests"; with `alone` also "count"), and they are more than one: a row a day or an
 * hour, as usage pages export them. */
bool trace_is_aggregate(struct text name, struct text value, bool alone);

/* The error of such a row, at the value. `option` is "columns" or "keys". */
int trace_fail_aggregate(struct trace_input *in, struct text line, struct text name,
                         struct text value, const char *option, struct error *err);

struct trace_fields {
    struct request row;
    struct trace_strings texts;
    struct buffer labels;
    struct usage_report report; /* of FIELD_USAGE */
    struct buffer made;         /* an object of single counts */
    struct usage_extra extras[2];
    uint64_t counts[FIELD_COUNT];
    uint64_t given; /* bits: fields that this row has */
    bool failed, aborted;
    bool instants; /* the rows' times are instants on the wall clock */
    enum trace_clock clock, row_clock;
    bool skipped;                  /* by skip= */
    int64_t times_ns[FIELD_COUNT]; /* of those fields that are instants or spans */
    struct buffer messages;        /* lent to the row */
    bool messages_given;           /* by the row */
    bool input_estimated;          /* from them */
    uint32_t prompt_tokens;        /* estimated */
    bool buckets;                  /* rows may stand for many requests */
    bool uncounted;                /* and do not say for how many */
    uint32_t wheres_met;           /* where=s that this row meets */
    struct text unique;            /* lent from `texts` */
    struct instant_rules rules;
    bool decimal_comma; /* numbers are written "0,5" */
};

/* Takes how times and numbers are written from the input, whose header was read. */
void trace_fields_init(struct trace_fields *f, const struct trace_input *in);
void trace_fields_free(struct trace_fields *f);

/* Whether rows stand for many requests, by the mappings. */
void trace_fields_take_sums(struct trace_fields *f, const struct trace_mappings *m);

/* Forgets the row. */
void trace_fields_clear(struct trace_fields *f);

/* Sets a field from text without quotes and escapes. An empty text leaves it unset. `source` is the
 * name of the column or key: it tells what true means as a status. Returns NULL, or what was
 * expected. */
const char *trace_fields_set(struct trace_fields *f, enum trace_field field, const char *source,
                             struct text value);

/* Sets what a mapping says, labels and filters too. Returns NULL, or what was expected. */
const char *trace_fields_map(struct trace_fields *f, const struct trace_mapping *m,
                             const char *source, struct text value);

/* What a status column says: a word, an HTTP status, or true and false where `source` says what
 * true means. Returns NULL, or what was expected. */
const char *trace_status_read(const char *source, struct text value, enum request_status *out);

/* True or false; any other text that is no number counts as true, but for null and none. */
const char *trace_truth_read(struct text value, bool *out);

/* Why the row is to be passed over: "filtered", or "no_counts" for a row that is no call (it has no
 * count, and no word that it failed). NULL: it is a request. */
const char *trace_fields_pass_over(const struct trace_fields *f, const struct trace_mappings *m);

/* Makes the request of what was set. Returns NULL, or what is missing or does not fit. */
const char *trace_fields_finish(struct trace_fields *f);

/* ---- for trace_fields.c itself: trace_lengths.c, trace_measured.c ---- */

/* Sets fields of measured times, prompts and sums. Returns NULL, or what was expected. */
const char *trace_set_measured(struct trace_fields *f, enum trace_field field, struct text value);
const char *trace_set_content(struct trace_fields *f, enum trace_field field, struct text value);

/* An instant or an offset, checked against the row's clock. Returns NULL, or what was expected. */
const char *trace_read_time(struct trace_fields *f, enum trace_field unit, struct text value,
                            int64_t *out_ns);

/* Makes latencies of the instants, and the bucket of a row that stands for many. Returns NULL, or
 * what does not fit. */
const char *trace_fill_measured(struct trace_fields *f);

/* What a count of tokens may be, in a request or in a row that stands for many. */
static inline uint64_t trace_tokens_most(const struct trace_fields *f)
{
    return f->buckets ? UINT32_MAX : WORKLOAD_MAX_TOKENS;
}

static inline const char *trace_tokens_wanted(const struct trace_fields *f)
{
    return f->buckets ? "a token count from 0 to 4294967295 (of more, ask for shorter times)"
                      : "a token count from 0 to 100000000";
}

/* True for a field that this row has. */
static inline bool trace_has(const struct trace_fields *f, enum trace_field field)
{
    return f->given >> field & 1;
}

/* What a usage object says of lengths and classes; the lengths become fields that are given. */
void trace_take_usage(struct trace_fields *f);

/* Fills the row's lengths and classes. Returns NULL, or what does not fit. */
const char *trace_fill_lengths(struct trace_fields *f);

/* ---- */

/* Notes in the report what was odd about the row's usage object. */
void trace_fields_note_usage(struct trace_input *in, const struct trace_fields *f);

/* Gives rows that stand for many requests and do not say when they end the length that their times
 * tell: the least distance between two, else a month, a day or an hour. ERR_INPUT where they do not
 * tell. */
int trace_settle_buckets(struct trace_input *in, struct error *err);

/* After the last row: instants become the start, and milliseconds that can only be seconds are
 * refused. `option` is "columns" or "keys", NULL where the header's own names were taken. */
int trace_fields_settle(struct trace_input *in, const struct trace_fields *f,
                        const struct trace_mappings *map, const char *option, struct error *err);

#endif
