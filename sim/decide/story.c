#include "sim/decide/story.h"

#include "core/memory.h"
#include "core/stop.h"
#include "sim/cost/bill/bought.h"
#include "sim/cost/book/price.h"

#include <inttypes.h>
#include <stdlib.h>

#define CACHE "cache=ttl:5m,min:1024,step:128,write:5m"
#define RETRIES "retry=fail:0.05,max:3,cache:lost"

const char *story_change_name(enum story_change change)
{
    static const char *const names[STORY_CHANGES] = {"cache", "tiers", "serial", "parallel",
                                                     "retry"};
    return names[change];
}

/* ---- what is changed ---- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* To two digits, up. */
static uint64_t rounded(uint64_t value)
{
    uint64_t unit = 1;
    while (value / unit >= 100)
        unit *= 10;
    return (value + unit - 1) / unit * unit;
}

/* By length: three of ten requests to the small model, three of ten to the large one. */
static char *tiers_of(const struct workload *w, const char *const tiers[3])
{
    uint64_t *tokens = mem_alloc((w->count + 1) * sizeof *tokens);
    struct buffer out;
    for (size_t i = 0; i < w->count; i++)
        tokens[i] = (uint64_t)w->input_tokens[i] + w->output_tokens[i];
    qsort(tokens, w->count, sizeof *tokens, by_value);
    buffer_init(&out, BUFFER_UNBOUNDED);
    buffer_add_format(&out, "route=total<%" PRIu64 ":%s,total<%" PRIu64 ":%s,*:%s",
                      rounded(tokens[3 * w->count / 10]), tiers[0],
                      rounded(tokens[7 * w->count / 10]), tiers[1], tiers[2]);
    free(tokens);
    return buffer_take(&out);
}

static void choose_changes(struct story_part *p, const struct story_options *o)
{
    const struct workload *w = p->workload;
    bool waits = w->session && w->after_start;
    if (w->hash_start)
        p->changes[STORY_CACHE] = mem_copy_string(CACHE);
    p->changes[STORY_TIERS] = tiers_of(w, o->tiers);
    if (waits) {
        p->changes[STORY_SERIAL] = mem_copy_string("tools=serial");
        p->changes[STORY_PARALLEL] = mem_copy_string("tools=parallel:4");
    }
    p->changes[STORY_RETRY] = mem_copy_string(RETRIES);
}

/* ---- a workload ---- */

static int add_ladder(struct story_part *p, const struct story_options *o, struct error *err)
{
    struct ladder_options how = {.seed = o->seed, .redraws = LADDER_REDRAWS};
    if (p->bill.undecided || p->bill.completed == 0)
        return 0;
    int code = ladder_make(&p->ladder, &p->bill, &how, err);
    p->has_ladder = code == 0;
    return code;
}

static int make_part(struct story_part *p, const struct story_options *o, struct error *err)
{
    struct bill_options how = {.period = PERIOD_MONTH, .volume = o->volume, .workers = o->workers};
    int code = bill_make(&p->bill, p->workload, o->plans, o->plan_count, &how, err);
    if (code < 0)
        return code;
    choose_changes(p, o);
    for (int i = 0; i < STORY_CHANGES && code == 0; i++) {
        const char *change = p->changes[i];
        if (change)
            code = what_if_make(&p->what_if[i], p->workload, o->plans, o->plan_count, &change, 1,
                                &how, o->seed, &p->bill, err);
    }
    return code == 0 ? add_ladder(p, o, err) : code;
}

static void free_part(struct story_part *p)
{
    for (int i = 0; i < STORY_CHANGES; i++) {
        what_if_free(&p->what_if[i]);
        free(p->changes[i]);
    }
    ladder_free(&p->ladder);
    bill_free(&p->bill);
}

void story_free(struct story *s)
{
    for (size_t i = 0; i < s->count; i++)
        free_part(&s->parts[i]);
    free(s->parts);
    *s = (struct story){0};
}

/* ---- figures of it ---- */

bool story_serves(const struct story_part *p, size_t plan)
{
    return p->bill.plans[plan].rank > 0;
}

static const struct what_if_cell *cell(const struct story_part *p, enum story_change change,
                                       size_t number, size_t plan)
{
    return p->changes[change] ? &p->what_if[change].cases[number].cells[plan] : NULL;
}

bool story_saving(const struct story_part *p, enum story_change change, size_t plan,
                  struct story_saving *out)
{
    const struct what_if_cell *before = cell(p, change, 0, plan), *after = cell(p, change, 1, plan);
    if (!after || !after->has_saved || !story_serves(p, plan))
        return false;
    *out = (struct story_saving){before->total, after->total, after->saved};
    if (change == STORY_PARALLEL) {
        const struct what_if_cell *serial = cell(p, STORY_SERIAL, 1, plan);
        if (!serial->has_saved)
            return false;
        out->before = serial->total;
        out->saved = after->saved - serial->saved;
    }
    return true;
}

/* Where a pair was too much work to know by itself: the first interval of the ladder that the flat
 * plan has after the token plan. */
static struct story_pays of_intervals(const struct ladder *l, size_t token)
{
    struct story_pays out = {.flat = STORY_NOBODY};
    for (size_t i = 1; i < l->interval_count && out.flat == STORY_NOBODY; i++) {
        const struct ladder_run *run = &l->intervals[i].run;
        if (l->intervals[i - 1].run.plan == token && run->plan != LADDER_NOBODY &&
            l->bill->plans[run->plan].flat && !l->intervals[i].left)
            out = (struct story_pays){.flat = run->plan, .requests = run->from};
    }
    return out;
}

/* Where it begins in the ladder of all plans, that knows how sure that is. */
static void add_surety(const struct ladder *l, struct story_pays *out)
{
    for (size_t i = 0; i < l->interval_count; i++) {
        const struct ladder_interval *in = &l->intervals[i];
        if (in->run.plan == out->flat && in->run.from == out->requests && in->surety.known) {
            out->sure = true;
            out->low = in->surety.low;
            out->high = in->surety.high;
        }
    }
}

/* Of the flat plans the one that pays first. */
static struct story_pays of_pairs(const struct story_part *p, size_t token)
{
    struct story_pays out = {.flat = STORY_NOBODY};
    for (size_t i = 0; i < p->bill.break_even_count; i++) {
        const struct break_even *e = &p->bill.break_even[i];
        const struct ladder_pair *pair = &p->ladder.pairs[i];
        if (e->token_plan != token || !pair->known || !story_serves(p, e->flat_plan))
            continue;
        bool first = out.flat == STORY_NOBODY || (out.never && !pair->never) ||
                     (!out.never && !pair->never && pair->requests < out.requests);
        if (first)
            out = (struct story_pays){
                .flat = e->flat_plan, .never = pair->never, .requests = pair->requests};
    }
    return out;
}

struct story_pays story_pays(const struct story_part *p, size_t token)
{
    struct story_pays out = {.flat = STORY_NOBODY};
    if (p->has_ladder)
        out = of_pairs(p, token);
    if (p->has_ladder && out.flat == STORY_NOBODY)
        out = of_intervals(&p->ladder, token);
    if (out.flat != STORY_NOBODY && !out.never)
        add_surety(&p->ladder, &out);
    return out;
}

/* ---- the plans ---- */

static bool is_token_plan(const struct plan *p)
{
    return price_is_by_token(p) && !plan_is_paid_by_period(p);
}

static size_t first_plan(const struct story_options *o, bool (*is)(const struct plan *p))
{
    for (size_t i = 0; i < o->plan_count; i++)
        if (is(o->plans[i]))
            return i;
    return STORY_NOBODY;
}

/* What a cache saves under a plan, of all workloads. */
static money saved_by_cache(const struct story *s, size_t plan)
{
    money sum = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct story_saving saving;
        if (story_saving(&s->parts[i], STORY_CACHE, plan, &saving) &&
            money_add(sum, saving.saved, &sum) < 0)
            return MONEY_MAX;
    }
    return sum;
}

static void find_cached(struct story *s)
{
    money most = 0;
    s->cached = STORY_NOBODY;
    for (size_t i = 0; i < s->options.plan_count; i++) {
        money saved = saved_by_cache(s, i);
        if (saved > most) {
            most = saved;
            s->cached = i;
        }
    }
}

static int check(struct story *s, struct error *err)
{
    const struct story_options *o = &s->options;
    s->token = first_plan(o, is_token_plan);
    s->flat = first_plan(o, price_is_flat);
    if (s->count == 0)
        return error_set(err, ERR_INPUT, "no workload: there is nothing to tell");
    if (s->token == STORY_NOBODY || s->flat == STORY_NOBODY)
        return error_set(err, ERR_INPUT,
                         "the plans of a story are one by the token and a flat one at least, and "
                         "none of these is %s",
                         s->token == STORY_NOBODY ? "by the token" : "flat");
    return 0;
}

int story_make(struct story *out, const struct workload *const *workloads, size_t count,
               const struct story_options *options, struct error *err)
{
    *out = (struct story){.options = *options, .count = count};
    out->parts = mem_zero(count + 1, sizeof *out->parts);
    int code = check(out, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        struct story_part *p = &out->parts[i];
        p->workload = workloads[i];
        if (options->on_progress)
            options->on_progress(options->context, p->workload->name, (double)i / (double)count);
        code = stop_level() ? error_set(err, ERR_INTERRUPTED, "interrupted: no story is told")
                            : make_part(p, options, err);
    }
    if (code == 0)
        find_cached(out);
    return code;
}
