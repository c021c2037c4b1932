/* RAGPulse, JSON Lines.
 *
 * Timestamps are strings of seconds. The file holds two weeks one behind the other, each starting
 * at 0: a clock that falls back by almost all it had reached starts the next period of 604,800 s.
 * The hash ids name pieces (system prompt, passages, ...) of different lengths that stand in
 * other files: they are no prefix blocks and are kept as the key "components".
 */
#include "workloads/trace/trace_json.h"

#define PERIOD_NS (INT64_C(604800) * NS_PER_S)

static const char *const required[] = {"timestamp", "input_length", "output_length", NULL};

struct ragpulse {
    struct trace_row line;
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

static void read_time(struct ragpulse *r, struct trace_input *in)
{
    struct json_scan *s = &r->line.scan;
    struct text digits;
    int64_t ns;
    bool quoted = json_peek(s) == JSON_STRING;
    if (!(quoted ? json_string(s, &digits) : json_number(s, &digits)))
        return;
    if (!text_to_fixed(digits, 9, &ns) || ns < 0 || ns > INT64_MAX / 4) {
        json_fail(s, "expected a time in seconds from 0");
        return;
    }
    if (restarted(r, ns)) {
        r->period_ns += PERIOD_NS;
        trace_note(in, "clock_restarted", false);
    }
    ns += r->period_ns;
    if (ns > r->latest_ns)
        r->latest_ns = ns;
    r->line.row.timestamp_ns = ns;
    r->line.seen |= 1;
}

static int read_row(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct ragpulse *r = context;
    struct trace_row *l = &r->line;
    struct text key;
    trace_row_start(l, in, line);
    json_object_begin(&l->scan);
    while (json_object_next(&l->scan, &key)) {
        if (text_equal(key, "timestamp"))
            read_time(r, in);
        else if (text_equal(key, "input_length"))
            trace_row_count(l, 1, &l->row.input_tokens);
        else if (text_equal(key, "output_length"))
            trace_row_count(l, 2, &l->row.output_tokens);
        else if (text_equal(key, "session_id"))
            l->row.session_id = trace_row_name(l);
        else if (text_equal(key, "hash_ids"))
            trace_row_keep(l, "components");
        else
            json_skip(&l->scan, NULL);
    }
    int status = trace_row_end(l, in, line, required, err);
    return status < 0 ? status : trace_add(in, &l->row, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct ragpulse r = {.latest_ns = 0};
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
