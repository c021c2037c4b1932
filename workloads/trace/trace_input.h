/* What the readers of the several forms share. Private to workloads/.
 *
 * A reader is one row of the table in trace.c: a probe that looks at the start of the input and a
 * read function that takes it line by line.
 *
 *     static int read_rows(struct trace_input *in, struct error *err)
 *     {
 *         struct text line;
 *         int more;
 *         while ((more = trace_next_line(in, &line, err)) > 0)
 *             ... trace_add(in, &request, err) ...
 *         return more;
 *     }
 */
#ifndef FAREBOX_WORKLOADS_TRACE_TRACE_INPUT_H
#define FAREBOX_WORKLOADS_TRACE_TRACE_INPUT_H

#include "core/file.h"
#include "core/json/json_scan.h"
#include "workloads/trace/trace.h"
#include "workloads/trace/value/document.h"
#include "workloads/trace/value/instant.h"

struct trace_form;

struct trace_input {
    struct line_reader lines;
    struct trace_options options;
    struct instant_rules instants; /* as the options have them */
    struct workload *out;
    struct trace_report *report;
    char separator;       /* of a table, once its header is read; 0 = not yet */
    struct buffer header; /* of a table that goes on in further files */
    struct buffer record; /* a row of a table that holds line ends */
    long first_line;      /* where the current row begins, if not on the line read last; else 0 */
    struct trace_form *form; /* whose fields stand in the options; NULL */
    bool is_document;        /* rows are the elements of a JSON document, not lines */
    struct trace_document document;
    bool strict;          /* a line that is no JSON is an error, even a file's last one */
    bool takes_cut;       /* the reader makes use of the element in which a file ends */
    bool is_cut;          /* and that is the current one */
    struct buffer mended; /* the current line, made JSON */
};

/* What a probe sees: the first line that is not blank (cut if very long), everything peeked at from
 * there on, and whether it starts with an object. */
struct trace_probe {
    struct text line, all;
    bool is_object;
};

struct trace_reader {
    const char *name, *about;
    bool (*probe)(const struct trace_probe *p); /* NULL: only by name or option */
    int (*read)(struct trace_input *in, struct error *err);
};

/* What stands at this key on the first level of the first object; JSON_NOTHING where it has none.
 */
enum json_kind trace_probe_kind(const struct trace_probe *p, const char *key);
bool trace_probe_key(const struct trace_probe *p, const char *key);

/* The line on which the current row begins. */
long trace_line_number(const struct trace_input *in);

/* The next line that is not blank, or element of a document: 1, 0 at the end, or an error. Counts
 * blank lines; drops a byte-order mark. */
int trace_next_line(struct trace_input *in, struct text *line, struct error *err);

/* Calls `read` for each line that is not blank. A line that it refuses and that is no JSON is
 * mended (core/json/mend.h) and read again, and noted as "mended"; the last one of a file that was
 * cut short is passed over ("cut_short") unless the input is strict. */
typedef int trace_line_reader(struct trace_input *in, void *context, struct text line,
                              struct error *err);
int trace_each_line(struct trace_input *in, void *context, trace_line_reader *read,
                    struct error *err);

/* The same for readers that make many requests of a line or document: they get it once, mended if
 * need be; of one that was cut short they get what is there, and their error at its end is none. */
int trace_each_document(struct trace_input *in, void *context, trace_line_reader *read,
                        struct error *err);

/* Counts something met on the current line. */
void trace_note(struct trace_input *in, const char *what, bool skipped);

/* An error at a column (1-based, 0 = unknown) of the current line. */
int trace_fail(struct trace_input *in, long column, struct error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* An error at a byte of the current row, which may hold line ends. */
int trace_fail_in(struct trace_input *in, struct text row, const char *at, struct error *err,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* "expected <wanted>, found "…"" at a value of the current line: cut to 40 bytes, and bytes that
 * are not printable ASCII as \xNN. `line` is the current line, `value` a part of it. */
int trace_fail_value(struct trace_input *in, struct text line, struct text value,
                     const char *wanted, struct error *err);

/* Appends the row; what the workload refuses becomes an error at the current line. */
int trace_add(struct trace_input *in, const struct request *r, struct error *err);

/* Counts rows whose time lies before an earlier row's, and moves all times so that the first row's
 * (or, if any is earlier, the earliest) is 0. */
void trace_rebase(struct trace_input *in);

/* Refuses a field in milliseconds that can only hold seconds: an epoch of this century, or (with
 * `spacing`) fractions of a millisecond at a thousand requests a second and more within a minute.
 * `field` is its name, `advice` the option that reads it right. */
int trace_refuse_seconds(struct trace_input *in, bool spacing, const char *field,
                         const char *advice, struct error *err);

/* Of "timestamp" as canonical rows have it: epochs in milliseconds become the start. Times behind a
 * line with a start are offsets, and a form that was named is believed. ERR_INPUT where they are
 * mixed, or look like seconds. */
int trace_settle_timestamps(struct trace_input *in, struct error *err);

/* From here on a time can only be an instant on the wall clock: 1e8 s, in 1973. */
#define TRACE_WALL_NS (INT64_C(100000000) * NS_PER_S)

/* For times on the wall clock: as trace_rebase, and keeps the instant of the new 0 as the start. */
void trace_start_at_first(struct trace_input *in);

extern const struct trace_reader trace_reader_aiperf, trace_reader_azure, trace_reader_bailian,
    trace_reader_batch, trace_reader_buckets, trace_reader_burstgpt, trace_reader_canonical,
    trace_reader_claude, trace_reader_codex, trace_reader_copilot, trace_reader_gemini,
    trace_reader_guidellm, trace_reader_litellm, trace_reader_otel, trace_reader_outcomes,
    trace_reader_columns, trace_reader_keys, trace_reader_prompts, trace_reader_ragpulse,
    trace_reader_run, trace_reader_servingsim, trace_reader_tracelab, trace_reader_vllm,
    trace_reader_weka;

#endif
