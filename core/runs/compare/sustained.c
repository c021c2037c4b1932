#include "core/runs/compare/sustained.h"

#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "core/stats/quantile.h"

#include <math.h>
#include <stdlib.h>

#define GROWS 0.05       /* more than this is growth, if the interval says so */
#define MAY_GROW 0.1     /* the most that its upper limit may be */
#define SHORT_DELAY 0.05 /* of the span: cannot grow by more */
#define LEAST_SERVED 0.5
#define QUEUE_FORMS 10 /* the first 1/10 of the arrivals is left out */

/* ---- the log ---- */

void sustained_add(struct sustained_log *log, const struct record *r)
{
    if (!r->final || r->scheduled_ns == TIME_NEVER)
        return;
    mem_grow((void **)&log->items, &log->capacity, log->count + 1, sizeof *log->items);
    struct sustained_request q = {r->scheduled_ns, TIME_NEVER, TIME_NEVER, usage_output(&r->usage)};
    if (r->status == RECORD_COMPLETED)
        q.end_ns = r->last_token_ns != TIME_NEVER ? r->last_token_ns : r->done_ns;
    /* A request that we gave up waiting for waited at least so long. */
    if (r->status == RECORD_COMPLETED || r->status == RECORD_CANCELLED)
        q.start_ns = r->first_token_ns != TIME_NEVER ? r->first_token_ns : r->done_ns;
    log->items[log->count++] = q;
}

void sustained_free(struct sustained_log *log)
{
    free(log->items);
    *log = (struct sustained_log){0};
}

static int by_due(const void *a, const void *b)
{
    const struct sustained_request *x = a, *y = b;
    return (x->due_ns > y->due_ns) - (x->due_ns < y->due_ns);
}

/* ---- the verdict ---- */

/* Delays of the requests due from `from_ns` on, seconds, in rooms for all requests. */
struct delays {
    double *due_s, *delay_s;
    size_t count;
};

static double since(const struct sustained_log *log, int64_t at_ns)
{
    return (double)(at_ns - log->items[0].due_ns) / 1e9;
}

/* To the first token. */
static void take_starts(const struct sustained_log *log, int64_t from_ns, struct delays *d)
{
    d->count = 0;
    for (size_t i = 0; i < log->count; i++) {
        const struct sustained_request *q = &log->items[i];
        if (q->due_ns < from_ns || q->start_ns == TIME_NEVER)
            continue;
        d->due_s[d->count] = since(log, q->due_ns);
        d->delay_s[d->count++] = (double)(q->start_ns - q->due_ns) / 1e9;
    }
}

static bool streamed(const struct sustained_request *q)
{
    return q->end_ns != TIME_NEVER && q->end_ns > q->start_ns && q->tokens > 1;
}

/* To the last token of an answer of mean length. Much shorter answers do not tell their pace. */
static void take_ends(const struct sustained_log *log, int64_t from_ns, struct delays *d)
{
    double steps = 0, answers = 0;
    for (size_t i = 0; i < log->count; i++) {
        answers += streamed(&log->items[i]);
        steps += streamed(&log->items[i]) ? (double)log->items[i].tokens - 1 : 0;
    }
    d->count = 0;
    for (size_t i = 0; i < log->count; i++) {
        const struct sustained_request *q = &log->items[i];
        double own = (double)q->tokens - 1, mean = steps / answers;
        if (q->due_ns < from_ns || !streamed(q) || own < mean / 2)
            continue;
        d->due_s[d->count] = since(log, q->due_ns);
        d->delay_s[d->count++] =
            ((double)(q->start_ns - q->due_ns) + (double)(q->end_ns - q->start_ns) * mean / own) /
            1e9;
    }
}

static double served_share(const struct sustained_log *log, int64_t from_ns, int64_t to_ns)
{
    size_t due = 0, ended = 0;
    for (size_t i = 0; i < log->count; i++) {
        const struct sustained_request *q = &log->items[i];
        due += q->due_ns >= from_ns;
        ended += q->end_ns != TIME_NEVER && q->end_ns >= from_ns && q->end_ns <= to_ns;
    }
    return due > 0 ? (double)ended / (double)due : NAN;
}

/* Answers last longer while the batch fills: until 90 % of the first quarter's have left. */
static void judge_ends(const struct sustained_log *log, int64_t from_ns, int64_t to_ns,
                       struct delays *d, struct growth *out)
{
    *out = (struct growth){NAN, NAN, NAN, false};
    d->count = 0;
    for (size_t i = 0; i < log->count; i++) {
        const struct sustained_request *q = &log->items[i];
        if (q->due_ns >= from_ns && q->end_ns != TIME_NEVER)
            d->delay_s[d->count++] = (double)(q->end_ns - q->due_ns) / 1e9;
    }
    double filled_s = quantile_select(d->delay_s, d->count / 4, 0.9);
    if (!(filled_s <= (double)(to_ns - from_ns) / 2e9))
        return;
    take_ends(log, from_ns + llround(filled_s * 1e9), d);
    growth_estimate(d->due_s, d->delay_s, d->count, out);
}

static bool grows(const struct growth *g)
{
    return g->supported && g->rate > GROWS && g->low > 0;
}

void sustained_judge(struct sustained_log *log, int64_t from_ns, struct sustained *out)
{
    *out = (struct sustained){.served = NAN};
    if (log->count == 0)
        return;
    qsort(log->items, log->count, sizeof *log->items, by_due);
    int64_t first_ns = log->items[0].due_ns, to_ns = log->items[log->count - 1].due_ns;
    double span_s;
    struct delays d = {mem_zero(log->count, sizeof(double)), mem_zero(log->count, sizeof(double)),
                       0};
    out->served = served_share(log, from_ns, to_ns);
    int64_t formed_ns = first_ns + (to_ns - first_ns) / QUEUE_FORMS;
    from_ns = from_ns > formed_ns ? from_ns : formed_ns;
    span_s = (double)(to_ns - from_ns) / 1e9;
    judge_ends(log, from_ns, to_ns, &d, &out->end);
    take_starts(log, from_ns, &d);
    growth_estimate(d.due_s, d.delay_s, d.count, &out->start);
    if (grows(&out->start) || grows(&out->end))
        out->verdict = SUSTAINED_NO;
    else if (out->start.supported && out->served >= LEAST_SERVED &&
             (out->start.high <= MAY_GROW ||
              quantile_select(d.delay_s, d.count, 0.99) <= SHORT_DELAY * span_s))
        out->verdict = SUSTAINED_YES;
    free(d.due_s);
    free(d.delay_s);
}

static int take_record(void *log, const struct record *r, struct error *err)
{
    (void)err;
    sustained_add(log, r);
    return 0;
}

int sustained_read_run(const char *path, double warmup_s, struct sustained *out, struct error *err)
{
    struct sustained_log log = {0};
    int64_t first_ns = INT64_MAX;
    int status = run_records_read(path, take_record, &log, NULL, err);
    for (size_t i = 0; i < log.count; i++)
        first_ns = log.items[i].due_ns < first_ns ? log.items[i].due_ns : first_ns;
    sustained_judge(&log, log.count ? first_ns + llround(warmup_s * 1e9) : 0, out);
    sustained_free(&log);
    return status;
}

const char *sustained_name(enum sustained_verdict v)
{
    static const char *const names[] = {NULL, "no", "yes"};
    return names[v];
}
