/* Traces: reading every recorded form into a workload, and writing workloads.
 *
 *     struct workload w;
 *     struct trace_report report;
 *     workload_init(&w);
 *     if (trace_read("conv.csv.gz", NULL, &w, &report, err) < 0)   // "-" = standard input
 *         return err->code;                                        // file, line, column, what for
 *     trace_write(&w, TRACE_CANONICAL, "conv.jsonl", err);
 *
 * The form is recognised from the content; options override that. What a reader skips or repairs
 * is counted in the report, everything else that is wrong is an error with its place. Only one line
 * of the text is held at a time (result files that are one JSON document: the document).
 *
 * The caller owns the workload; reports and options borrow nothing that could go away.
 */
#ifndef FAREBOX_WORKLOADS_TRACE_TRACE_H
#define FAREBOX_WORKLOADS_TRACE_TRACE_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/usage/usage_report.h"
#include "workloads/model/workload.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest line that is read, and largest one-document file. */
#define TRACE_MAX_LINE ((size_t)256 << 20)

struct trace_options {
    const char *format;   /* a name, see trace_format_name; NULL = recognised from the content */
    const char *columns;  /* any CSV: "timestamp=Time,input=3,output=Out"; NULL */
    const char *keys;     /* any JSON Lines: "input=usage.prompt_tokens,..."; NULL */
    const char *timezone; /* the offset of times that name none: "+02:00"; NULL = UTC */
    const char *dates;    /* of 3/4/2026: a trace_dates_name(); NULL = such a date is refused */
    uint32_t block_size;  /* tokens per prefix block where the trace does not say; 0 = the form's */
    size_t max_line;      /* 0 = TRACE_MAX_LINE */
    bool ids;             /* what tells that rows are one request is its id, where they give none */
    bool from_first;      /* the earliest row becomes 0 in every form, and a start moves with it */
    bool is_invoice;      /* errors speak of an invoice, --invoice-format, --invoice-columns, ... */
};

/* Something that a reader met and handled: rows left out (`skipped`), or kept and repaired. */
struct trace_note {
    const char *what; /* "blank_line", "time_went_back", ... */
    bool skipped;
    uint64_t count;
    long first_line; /* 0 = not known */
};

#define TRACE_NOTES 16
struct trace_report {
    const char *format; /* the form's name */
    uint64_t lines;     /* read, the header included */
    uint64_t rows;      /* requests in the workload */
    int64_t moved_ns;   /* how late the earliest row stood in the file, where it became 0 */
    struct trace_note notes[TRACE_NOTES];
    size_t note_count;
    struct usage_key_names unknown_usage_keys; /* keys of tokens that no row here could count */
};

/* The name of the i-th form that can be read; NULL behind the last. */
const char *trace_format_name(size_t i);

/* "day-first", "month-first"; NULL behind the last. */
const char *trace_dates_name(size_t i);

/* Reads a file, "-" (standard input) or one of our run directories. `out` must be initialised; on
 * an error it is empty again. `options` and `report` may be NULL. Returns 0, ERR_INPUT or
 * ERR_SYSTEM. */
int trace_read(const char *path, const struct trace_options *options, struct workload *out,
               struct trace_report *report, struct error *err);

/* Rows skipped for any reason. */
uint64_t trace_report_skipped(const struct trace_report *report);

enum trace_output {
    TRACE_CANONICAL, /* JSON Lines with everything that the workload holds */
    TRACE_MOONCAKE,  /* timestamp, lengths, hash ids, nothing else */
    TRACE_CSV,       /* a header and one line a request */
};

/* "jsonl", "mooncake", "csv"; -1 for an unknown name. */
int trace_output_from_name(const char *name);

/* What this form leaves out of the workload, as "models, sessions"; empty where it holds
 * everything. */
void trace_output_losses(const struct workload *w, enum trace_output form, struct buffer *out);

/* Appends row i as one line, or what stands before the first row (nothing for most). */
void trace_put_header(const struct workload *w, enum trace_output form, struct buffer *out);
void trace_put_row(const struct workload *w, size_t i, enum trace_output form, struct buffer *out);

/* Writes `path` as core/file_output.h does ("-" is standard output); gzip where it ends in ".gz".
 * Returns 0, ERR_INPUT (the form cannot hold this workload) or ERR_SYSTEM. */
int trace_write(const struct workload *w, enum trace_output form, const char *path,
                struct error *err);

#endif
