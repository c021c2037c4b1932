#include "cli/report/text/load_text.h"

#include "cli/report/text/summary_table.h"
#include "core/memory.h"
#include "core/screen/table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *load_verdict_mark(enum load_verdict v)
{
    static const char *const marks[] = {
        [LOAD_MISSED] = "",
        [LOAD_HOLDS] = "",
        [LOAD_QUEUE_GROWS] = "the queue grows",
        [LOAD_STOPPED] = "stopped (--stop-when)",
        [LOAD_TOO_SHORT] = "too short to tell",
        [LOAD_CLIENT_LIMITED] = "✗ the client was the limit",
    };
    return marks[v];
}

/* ---- the table ---- */

static const struct {
    const char *head;
    size_t offset;
    bool is_share;
    int rank; /* as struct table_column has it */
} columns[LOAD_COLUMNS] = {
#define COLUMN(field) offsetof(struct load_point, field)
    [LOAD_NUMBER] = {"probe", COLUMN(load), false, 0},
    [LOAD_LOAD] = {"rate (1/s)", COLUMN(load), false, 0},
    [LOAD_REQUEST_RPS] = {"req/s", COLUMN(request_rps), false, 0},
    [LOAD_SERVED] = {"served", COLUMN(served), true, 2},
    [LOAD_OUTPUT_TPS] = {"output t/s", COLUMN(output_tps), false, 4},
    [LOAD_GOODPUT] = {"goodput", COLUMN(goodput), true, 0},
    [LOAD_TTFT_P50] = {"TTFT p50", COLUMN(ttft_p50), false, 1},
    [LOAD_TTFT_P99] = {"TTFT p99", COLUMN(ttft_p99), false, 0},
    [LOAD_TPOT_P50] = {"TPOT p50", COLUMN(tpot_p50), false, 3},
    [LOAD_TPOT_P99] = {"TPOT p99", COLUMN(tpot_p99), false, 0},
    [LOAD_E2E_P50] = {"E2E p50", COLUMN(e2e_p50), false, 6},
    [LOAD_E2E_P99] = {"E2E p99", COLUMN(e2e_p99), false, 1},
    [LOAD_IN_FLIGHT] = {"in flight", COLUMN(in_flight), false, 5},
    [LOAD_FAILED] = {"failed", COLUMN(failed), false, 0},
    [LOAD_CANCELLED] = {"cancelled", COLUMN(cancelled), false, 0},
    [LOAD_UNSENT] = {"unsent", COLUMN(unsent), false, 0},
#undef COLUMN
};

static double value_of(const struct load_point *p, enum load_column c)
{
    return *(const double *)(const void *)((const char *)p + columns[c].offset);
}

/* Counts that are 0 at every point need no column; of concurrencies all that is due is served. */
static bool is_shown(const struct load_table *t, enum load_column c)
{
    if (c == LOAD_SERVED && !t->is_rate)
        return false;
    for (size_t i = 0; i < t->count; i++)
        if (c < LOAD_CANCELLED || value_of(&t->points[i], c) > 0)
            return true;
    return false;
}

static void add_cell(const struct load_table *load, size_t row, enum load_column c, struct table *t)
{
    char number[CELL_SIZE], text[CELL_SIZE + 4];
    double value = (columns[c].is_share ? 100 : 1) * value_of(&load->points[row], c);
    format_cell(value, number);
    if (c == LOAD_NUMBER)
        snprintf(number, sizeof number, "%zu", row + 1);
    snprintf(text, sizeof text, "%s%s", number, columns[c].is_share && isfinite(value) ? " %" : "");
    table_cell(t, text);
}

void load_table_write(const struct load_table *load, int width, struct buffer *out)
{
    struct table_column heads[LOAD_COLUMNS];
    enum load_column shown[LOAD_COLUMNS];
    size_t count = 0;
    for (size_t i = 0; i < load->column_count; i++) {
        enum load_column c = load->columns[i];
        if (!is_shown(load, c))
            continue;
        heads[count] = (struct table_column){.head = columns[c].head, .rank = columns[c].rank};
        if (c == LOAD_LOAD && !load->is_rate)
            heads[count].head = "concurrency";
        shown[count++] = c;
    }
    struct table *t = table_create(heads, count);
    for (size_t row = 0; row < load->count; row++) {
        for (size_t i = 0; i < count; i++)
            add_cell(load, row, shown[i], t);
        table_note(t, load->mark(load->context, row));
    }
    table_end(t, width, out);
}

/* ---- sweeps ---- */

static void add_parameter(const char *name, const struct usl_parameter *p, struct buffer *out)
{
    buffer_add_format(out, "  %-22s %s (95 %%: %s to %s)\n", name, TEXT_SHORT(p->value, 4),
                      TEXT_SHORT(p->low, 4), TEXT_SHORT(p->high, 4));
}

static void add_usl(const struct sweep *s, struct buffer *out)
{
    if (!s->has_usl)
        return;
    buffer_add_format(out, "\nUniversal Scalability Law on throughput over requests in flight%s\n",
                      s->values.is_rate ? " (by Little's law)" : "");
    add_parameter("one at a time (1/s)", &s->usl.lambda, out);
    add_parameter("contention", &s->usl.sigma, out);
    add_parameter("coherency", &s->usl.kappa, out);
    if (isfinite(s->usl.optimum.value))
        buffer_add_format(out, "  most throughput %s requests/s, at %s in flight\n",
                          TEXT_SHORT(s->usl.peak, 4), TEXT_SHORT(s->usl.optimum.value, 4));
    buffer_add_format(out, "  R² %.4f over %zu points%s\n", s->usl.r_squared, s->usl.points,
                      s->limited ? ", those that the client limited left out" : "");
}

/* What points at which the client was the limit leave open, and what to do. */
static void add_limited(const struct sweep *s, struct buffer *out)
{
    const char *reason = "";
    for (size_t i = 0; i < s->series.count && !*reason; i++)
        reason = s->series.points[i].client_reason;
    if (s->limited == 0)
        return;
    buffer_add_format(out, "✗ At %zu of %zu points the client was the limit%s%s.\n", s->limited,
                      s->series.count, *reason ? ": " : "", reason);
    buffer_add_text(out, "  They say what this client could do, not what the endpoint can");
    if (s->knee == SIZE_MAX)
        buffer_add_text(out, ": no knee is known.\n");
    else if (s->knee_at_least)
        buffer_add_format(out, ": its knee is at least %s.\n",
                          TEXT_SHORT(s->series.points[s->knee].load, 6));
    else
        buffer_add_text(out, "; the knee is of the others.\n");
}

/* What makes the knee, or why there is none. */
static void add_knee(const struct sweep *s, struct buffer *out)
{
    const struct load_target *target = &s->series.target;
    bool unclear = false;
    buffer_add_text(out, "latencies in ms; ");
    for (size_t i = 0; i < s->series.count; i++)
        unclear |= load_judge(&s->series.points[i], target) == LOAD_TOO_SHORT;
    if (s->series.count == s->limited)
        buffer_add_text(out, "no knee: the client was the limit everywhere\n");
    else if (target->slos->count == 0)
        buffer_add_text(out, "the knee is where throughput over latency is greatest\n");
    else if (s->knee == SIZE_MAX)
        buffer_add_format(out, "no point has %s %% of its requests within the objectives%s\n",
                          TEXT_SHORT(100 * target->goodput, 6),
                          s->values.is_rate ? " and is sustained" : "");
    else
        buffer_add_format(out,
                          "the knee is the last with %s %% of its requests within the "
                          "objectives%s\n",
                          TEXT_SHORT(100 * target->goodput, 6),
                          s->values.is_rate ? ", and sustained" : "");
    if (s->values.is_rate)
        buffer_add_text(out, "served: completed over due while requests came\n");
    if (unclear)
        buffer_add_text(out, "too short to tell: whether a queue grows; more --requests tell\n");
    if (s->skipped)
        buffer_add_format(out,
                          "%zu higher load%s left out: the last one was stopped (--stop-when)\n",
                          s->skipped, s->skipped > 1 ? "s were" : " was");
    add_limited(s, out);
}

/* "<- knee", "<- at least" where a client that was the limit hides whether it is higher. */
static const char *sweep_mark(const void *context, size_t row)
{
    const struct sweep *s = context;
    if (row == s->knee)
        return s->knee_at_least ? "<- at least" : "<- knee";
    return load_verdict_mark(load_judge(&s->series.points[row], &s->series.target));
}

void sweep_write_text(const struct sweep *s, int width, struct buffer *out)
{
    static const enum load_column shown[] = {
        LOAD_LOAD,     LOAD_REQUEST_RPS, LOAD_SERVED,   LOAD_OUTPUT_TPS, LOAD_GOODPUT,
        LOAD_TTFT_P50, LOAD_TTFT_P99,    LOAD_TPOT_P50, LOAD_TPOT_P99,   LOAD_E2E_P50,
        LOAD_E2E_P99,  LOAD_IN_FLIGHT,   LOAD_FAILED,   LOAD_CANCELLED,  LOAD_UNSENT};
    load_table_write(&(struct load_table){s->series.points, s->series.count, shown, COUNT_OF(shown),
                                          s->values.is_rate, sweep_mark, s},
                     width, out);
    add_knee(s, out);
    add_usl(s, out);
}

/* ---- the search for the highest rate ---- */

/* What the client's limit leaves open. */
static void add_client_limit(const struct find_max *f, struct buffer *out)
{
    if (f->search.low > 0)
        buffer_add_format(out,
                          "\nThe goodput of %s %% holds at least at %s requests/s; what the "
                          "endpoint can do above is not known.\n",
                          TEXT_SHORT(100 * f->series.target.goodput, 6),
                          TEXT_SHORT(f->search.low, 4));
    else
        buffer_add_text(out, "\nWhat the endpoint can do is not known.\n");
    buffer_add_format(out, "✗ At %s requests/s the client was the limit: %s\n",
                      TEXT_SHORT(f->limited_rps, 4), f->limit_reason);
}

static void add_answer(const struct find_max *f, struct buffer *out)
{
    const struct load_search *s = &f->search;
    double unclear = f->too_short_rps, target = 100 * f->series.target.goodput;
    bool narrowed_by_it = isfinite(unclear) && unclear <= s->high;
    if (isfinite(f->limited_rps) && strcmp(f->rate_is, "measured") != 0)
        add_client_limit(f, out);
    else if (s->low > 0 && isinf(s->high))
        buffer_add_format(out, "\nThe goodput holds at %s requests/s, the highest tried\n",
                          TEXT_SHORT(s->low, 4));
    else if (s->low > 0 && !narrowed_by_it)
        buffer_add_format(out,
                          "\nThe goodput of %s %% holds at %s requests/s, and no longer at "
                          "%s\n",
                          TEXT_SHORT(target, 6), TEXT_SHORT(s->low, 4), TEXT_SHORT(s->high, 4));
    else if (s->low > 0)
        buffer_add_format(out, "\nThe goodput of %s %% holds at %s requests/s\n",
                          TEXT_SHORT(target, 6), TEXT_SHORT(s->low, 4));
    if (narrowed_by_it)
        buffer_add_format(out,
                          "%sAt %s requests/s the objectives were met, but the run was too short "
                          "to tell whether a queue grows: more --requests tell\n",
                          s->low > 0 ? "" : "\n", TEXT_SHORT(unclear, 4));
    if (f->ended)
        buffer_add_format(out, "Not narrower: %s\n", f->ended);
}

static const char *probe_mark(const void *context, size_t row)
{
    const struct find_max *f = context;
    enum load_verdict v = load_judge(&f->series.points[row], &f->series.target);
    return v == LOAD_HOLDS ? "holds" : load_verdict_mark(v);
}

void find_max_write_text(const struct find_max *f, int width, struct buffer *out)
{
    static const enum load_column shown[] = {
        LOAD_NUMBER,   LOAD_LOAD,     LOAD_GOODPUT, LOAD_REQUEST_RPS, LOAD_SERVED,    LOAD_TTFT_P50,
        LOAD_TTFT_P99, LOAD_TPOT_P99, LOAD_E2E_P99, LOAD_FAILED,      LOAD_CANCELLED, LOAD_UNSENT};
    load_table_write(&(struct load_table){f->series.points, f->series.count, shown, COUNT_OF(shown),
                                          true, probe_mark, f},
                     width, out);
    buffer_add_text(out, "latencies in ms; served: completed over due while requests came\n");
    add_answer(f, out);
}
