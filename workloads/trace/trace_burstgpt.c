/* BurstGPT, CSV, columns by name: version 1 has Timestamp, Model, Request tokens, Response tokens,
 * Total tokens, Log Type; version 3 puts Session ID and Elapsed time behind the timestamp.
 *
 * Timestamps are seconds from midnight of the collection's first day. Whole days before the first
 * row are taken off, so that a slice starts within its first day and the time of day is kept.
 * A request without response tokens failed.
 */
#include "workloads/trace/trace_csv.h"
#include "workloads/trace/trace_fields.h"

#include <string.h>

#define DAY_NS (INT64_C(86400) * NS_PER_S)

enum column { TIMESTAMP, MODEL, REQUEST, RESPONSE, TOTAL, LOG_TYPE, SESSION, ELAPSED, COLUMNS };

static const char *const names[COLUMNS] = {
    "Timestamp",    "Model",    "Request tokens", "Response tokens",
    "Total tokens", "Log Type", "Session ID",     "Elapsed time",
};

struct burstgpt {
    int at[COLUMNS]; /* −1: this version has it not */
    int last;
    struct csv_row row;
    struct trace_fields fields;
    struct buffer extra;
};

static bool probe(const struct trace_probe *p)
{
    static const char *const wanted[] = {"Timestamp", "Request tokens", "Response tokens", NULL};
    return csv_probe(p, wanted);
}

static int read_header(struct trace_input *in, struct burstgpt *b, struct error *err)
{
    struct text line;
    int more = csv_header(in, &line, &b->row, err);
    if (more <= 0)
        return more;
    for (int i = 0; i < COLUMNS; i++) {
        b->at[i] = csv_find(&b->row, names[i]);
        if (b->at[i] < 0 && (i == TIMESTAMP || i == REQUEST || i == RESPONSE))
            return trace_fail(in, 1, err, "expected a header with a column \"%s\"", names[i]);
        if (b->at[i] > b->last)
            b->last = b->at[i];
    }
    return 0;
}

static int set(struct trace_input *in, struct burstgpt *b, struct text line, enum column column,
               enum trace_field field, struct error *err)
{
    if (b->at[column] < 0)
        return 0;
    struct text value = b->row.fields[b->at[column]];
    const char *wanted = trace_fields_set(&b->fields, field, "", value);
    if (!wanted)
        return 0;
    return trace_fail_value(in, line, value, wanted, err);
}

/* The recorded response time is no part of the request; it is kept as a key of its own. */
static int keep_elapsed(struct trace_input *in, struct burstgpt *b, struct text line,
                        struct error *err)
{
    int64_t ns;
    buffer_clear(&b->extra);
    if (b->at[ELAPSED] < 0 || b->row.fields[b->at[ELAPSED]].length == 0)
        return 0;
    struct text value = b->row.fields[b->at[ELAPSED]];
    if (!text_to_fixed(value, 9, &ns) || ns < 0)
        return trace_fail_value(in, line, value, "seconds from 0", err);
    buffer_add_format(&b->extra, "\"elapsed_s\": %.10g", (double)ns / 1e9);
    b->fields.row.extra = (struct text){b->extra.data, b->extra.length};
    return 0;
}

static void check_total(struct trace_input *in, const struct burstgpt *b)
{
    const struct request *r = &b->fields.row;
    uint64_t total;
    if (b->at[TOTAL] >= 0 && text_to_u64(b->row.fields[b->at[TOTAL]], &total) &&
        total != (uint64_t)r->input_tokens + r->output_tokens)
        trace_note(in, "total_differs_from_sum", false);
}

static int read_row(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct burstgpt *b = context;
    if (csv_split(in, line, &b->row, err) < 0)
        return ERR_INPUT;
    if (b->row.count <= (size_t)b->last)
        return trace_fail(in, (long)line.length + 1, err,
                          "expected %d fields, found %zu: the line is cut short", b->last + 1,
                          b->row.count);
    trace_fields_clear(&b->fields);
    if (set(in, b, line, TIMESTAMP, FIELD_TIMESTAMP_S, err) < 0 ||
        set(in, b, line, MODEL, FIELD_MODEL, err) < 0 ||
        set(in, b, line, REQUEST, FIELD_INPUT, err) < 0 ||
        set(in, b, line, RESPONSE, FIELD_OUTPUT, err) < 0 ||
        set(in, b, line, LOG_TYPE, FIELD_CLASS, err) < 0 ||
        set(in, b, line, SESSION, FIELD_SESSION, err) < 0 || keep_elapsed(in, b, line, err) < 0)
        return ERR_INPUT;
    const char *wanted = trace_fields_finish(&b->fields);
    if (wanted)
        return trace_fail(in, 1, err, "expected %s", wanted);
    if (b->fields.row.output_tokens == 0)
        b->fields.row.status = REQUEST_FAILED;
    check_total(in, b);
    return trace_add(in, &b->fields.row, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct burstgpt b = {0};
    int64_t first = 0, last = 0;
    trace_fields_init(&b.fields, in);
    buffer_init(&b.extra, 256);
    int status = read_header(in, &b, err);
    if (status == 0)
        status = trace_each_line(in, &b, read_row, err);
    if (status == 0 && workload_time_range(in->out, &first, &last))
        workload_shift(in->out, -(first / DAY_NS * DAY_NS));
    if (b.at[SESSION] >= 0)
        in->report->format = "burstgpt v3";
    buffer_free(&b.extra);
    trace_fields_free(&b.fields);
    return status;
}

const struct trace_reader trace_reader_burstgpt = {"burstgpt", "BurstGPT versions 1 and 3 (CSV)",
                                                   probe, read_rows};
