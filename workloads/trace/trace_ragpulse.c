/* RAGPulse, JSON Lines.
 *
 * Timestamps are strings of seconds. The file holds two weeks one behind the other, each starting
 * at 0: a clock that falls back by almost all it had reached starts the next period of 604,800 s.
 * The hash ids name pieces (system prompt, passages, ...) of different lengths that stand in
 * other files: they are no prefix blocks and are kept as the key "components".
 */
#include "workloads/trace/trace_json.h"

#define PERIOD_NS (INT64_C(604800) * NS_PER_S)

struct ragpulse {
    struct trace_row line;
    struct trace_input *in;
    int64_t latest_ns, period_ns;
};

static bool probe(const struct trace_probe *p)
{
    return trace_probe_kind(p, "hash_ids") == JSON_OBJECT && trace_probe_key(p, "input_length");
}

/* True if the clock fell back by more than nine tenths of what it had reached of a period, and had
 * reached more than half of it. */
static bool restarted(const struct ragpulse *r, int64_t ns)
{
    int64_t reached = r->latest_ns - r->period_ns;
    return reached > PERIOD_NS / 2 && r->latest_ns - (ns + r->period_ns) > reached / 10 * 9;
}

static void read_time(struct json_scan *s, const struct json_field *f, void *ragpulse)
{
    struct ragpulse *r = ragpulse;
    struct text digits;
    int64_t ns;
    bool quoted = json_peek(s) == JSON_STRING;
    (void)f;
    if (!(quoted ? json_string(s, &digits) : json_number(s, &digits)))
        return;
    if (!text_to_fixed(digits, 9, &ns) || ns < 0 || ns > INT64_MAX / 4) {
        json_fail(s, "expected a time in seconds from 0");
        return;
    }
    if (restarted(r, ns)) {
        r->period_ns += PERIOD_NS;
        trace_note(r->in, "clock_restarted", false);
    }
    ns += r->period_ns;
    if (ns > r->latest_ns)
        r->latest_ns = ns;
    r->line.row.timestamp_ns = ns;
}

static void keep_components(struct json_scan *s, const struct json_field *f, void *ragpulse)
{
    (void)f;
    (void)ragpulse;
    trace_row_keep(s->context, "components");
}

#define AT(member) JSON_AT(struct ragpulse, member)
static const struct json_field rows[] = {
    {"timestamp", .read = read_time, .required = true},
    {"input_length", JSON_AS_UINT, AT(line.row.input_tokens), .required = true},
    {"output_length", JSON_AS_UINT, AT(line.row.output_tokens), .required = true},
    {"session_id", TRACE_NAME(AT(line.row.session_id))},
    {"hash_ids", .read = keep_components},
};
static const struct json_table table = {JSON_ROWS(rows), .open = true};

static int read_row(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct ragpulse *r = context;
    struct trace_row *l = &r->line;
    trace_row_start(l, in, line);
    l->seen = json_fields_read(&l->scan, &table, r);
    int status = trace_row_end(l, in, line, &table, err);
    return status < 0 ? status : trace_add(in, &l->row, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct ragpulse r = {.in = in};
    trace_row_init(&r.line, in);
    int status = trace_each_line(in, &r, read_row, err);
    trace_row_free(&r.line);
    return status;
}

const struct trace_reader trace_reader_ragpulse = {
    "ragpulse",
    "RAGPulse (JSON Lines)",
    probe,
    read_rows,
};
