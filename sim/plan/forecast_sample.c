/* The sample, cut into days and into blocks of whole sessions, charged under every plan. */
#include "sim/plan/forecast_parts.h"

#include "core/json/json_scan.h"
#include "core/memory.h"
#include "sim/cost/bill/tariff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A day whose last three hours lack requests is still whole: a recording ends after its last
 * request. */
#define DAY_SLACK_NS (3 * 3600 * NS_PER_S)

/* Blocks per day at most: beyond that several units share one, which widens the band of a month by
 * no more than about 1/√(30 × 1024), 0.6% of the bill. */
#define BLOCKS_FEW 4096
#define BLOCKS_MANY 1024
#define SAMPLE_DAYS_MAX 1024
#define NO_BLOCK UINT32_MAX

/* A charge that is multiplied by up to 2^20 repetitions must fit. */
#define REPEATS_BITS 20

struct cut {
    struct forecast_sample *out;
    const struct workload *w;
    const struct serve_rows *rows;
    uint64_t *unit;     /* by row */
    int64_t *begins_ns; /* by row: when its session began */
    uint32_t *block;    /* by row; NO_BLOCK = on the day that is not whole */
};

/* A user of more than one in so many requests is a service, such as the one account of a gateway:
 * as a person who comes and goes it would take most of the month along, which no day has shown. */
#define SERVICE_SHARE 4

/* The users of label sets, by number; 0 = none, or a service. */
static uint64_t *find_users(const struct workload *w)
{
    uint64_t *of_set = mem_zero(w->label_sets.count + 1, sizeof *of_set);
    uint32_t *number = mem_zero(w->label_sets.count + 1, sizeof *number); /* in `users`, from 1 */
    uint64_t *rows = mem_zero(w->label_sets.count + 2, sizeof *rows);
    struct names users;
    names_init(&users);
    for (size_t i = 0; i < w->label_sets.count; i++) {
        struct text user;
        if (json_member(names_text(&w->label_sets, (uint32_t)i), "user", &user))
            number[i] = names_add(&users, user) + 1;
    }
    for (size_t i = 0; i < w->count && w->labels; i++)
        if (w->labels[i] != NAME_NONE)
            rows[number[w->labels[i]]]++;
    for (size_t i = 0; i < w->label_sets.count; i++) {
        if (number[i] == 0 || rows[number[i]] > w->count / SERVICE_SHARE)
            continue;
        const char *user = names_text(&users, number[i] - 1);
        of_set[i] = text_hash(user, strlen(user)) | 1;
    }
    names_free(&users);
    free(number);
    free(rows);
    return of_set;
}

/* Every row's unit: its user, else its session, else itself. */
static void find_units(struct cut *c)
{
    const struct workload *w = c->w;
    uint64_t *of_set = find_users(w);
    for (size_t i = 0; i < w->count; i++) {
        uint64_t user = w->labels && w->labels[i] != NAME_NONE ? of_set[w->labels[i]] : 0;
        bool in_session = w->session && w->session[i] != NAME_NONE;
        c->unit[i] = user ? user : in_session ? random_mix(1, w->session[i]) : random_mix(2, i);
    }
    free(of_set);
}

static void find_beginnings(struct cut *c)
{
    const struct workload *w = c->w;
    size_t sessions = w->session ? w->sessions.count : 0;
    int64_t *first = mem_alloc((sessions + 1) * sizeof *first);
    for (size_t i = 0; i < sessions; i++)
        first[i] = INT64_MAX;
    for (size_t i = 0; i < w->count && sessions; i++)
        if (w->session[i] != NAME_NONE && serve_due(c->rows, i) < first[w->session[i]])
            first[w->session[i]] = serve_due(c->rows, i);
    for (size_t i = 0; i < w->count; i++)
        c->begins_ns[i] =
            sessions && w->session[i] != NAME_NONE ? first[w->session[i]] : serve_due(c->rows, i);
    free(first);
}

static int count_days(struct cut *c, const struct forecast_options *o, struct error *err)
{
    struct forecast_sample *s = c->out;
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < c->w->count; i++) {
        int64_t due = serve_due(c->rows, i);
        first = due < first ? due : first;
        last = due > last ? due : last;
    }
    if (c->w->count == 0)
        return error_set(err, ERR_INPUT, "the sample has no requests to forecast from");
    s->origin_ns = first / FORECAST_DAY_NS * FORECAST_DAY_NS;
    int64_t span = o->span_ns > 0 ? o->span_ns : last - s->origin_ns;
    int64_t days = (span + (o->span_ns > 0 ? 0 : DAY_SLACK_NS)) / FORECAST_DAY_NS;
    if (span <= 0)
        return error_set(err, ERR_INPUT,
                         "the sample has no duration, so it says nothing about a month; give "
                         "--span, the time over which it was recorded");
    if (days > SAMPLE_DAYS_MAX)
        return error_set(err, ERR_INPUT, "the sample spans %lld days; at most %d are taken",
                         (long long)days, SAMPLE_DAYS_MAX);
    s->day_length = days > 0 ? 1 : (double)span / (double)FORECAST_DAY_NS;
    s->day_count = days > 0 ? (size_t)days : 1;
    return 0;
}

/* Gives every row its block: a table of days × slots first, then only those that are used. */
static void cut_blocks(struct cut *c)
{
    struct forecast_sample *s = c->out;
    size_t slots = c->w->count / s->day_count <= BLOCKS_FEW ? BLOCKS_FEW : BLOCKS_MANY;
    uint32_t *number = mem_zero(s->day_count * slots, sizeof *number);
    bool partial = s->day_length < 1;
    for (size_t i = 0; i < c->w->count; i++) {
        int64_t day = (c->begins_ns[i] - s->origin_ns) / FORECAST_DAY_NS;
        day = partial ? 0 : day;
        c->block[i] = NO_BLOCK;
        if (day < (int64_t)s->day_count) {
            c->block[i] = (uint32_t)((size_t)day * slots + random_mix(3, c->unit[i]) % slots);
            number[c->block[i]] = 1;
        } else {
            s->left_out++;
        }
    }
    for (size_t d = 0; d < s->day_count; d++) {
        s->days[d].first = s->block_count;
        for (size_t k = 0; k < slots; k++)
            if (number[d * slots + k])
                number[d * slots + k] = (uint32_t)s->block_count++;
        s->days[d].count = s->block_count - s->days[d].first;
    }
    s->blocks = mem_zero(s->block_count + 1, sizeof *s->blocks);
    for (size_t i = 0; i < c->w->count; i++) {
        if (c->block[i] == NO_BLOCK)
            continue;
        size_t day = c->block[i] / slots;
        uint64_t slot = c->block[i] % slots;
        c->block[i] = number[c->block[i]];
        struct forecast_block *b = &s->blocks[c->block[i]];
        uint64_t tokens = (uint64_t)c->w->input_tokens[i] + c->w->output_tokens[i];
        b->unit = slot;
        b->requests++;
        b->tokens += tokens;
        s->days[day].requests++;
        s->days[day].tokens += (double)tokens;
    }
    free(number);
}

static bool ignores_limits(const struct plan *p)
{
    bool some = p->limits.concurrency > 0;
    for (size_t i = 0; i < p->rate_limit_count; i++)
        some = some || (plan_quota_length(&p->rate_limits[i]) < FORECAST_DAY_NS &&
                        !p->rate_limits[i].pooled);
    return some;
}

static int charge_rows(struct cut *c, const struct tariff *t,
                       const struct serve_conditions *conditions, size_t number,
                       struct forecast_plan *out)
{
    struct forecast_sample *s = c->out;
    for (size_t i = 0; i < c->w->count; i++) {
        struct row_charge charge;
        struct serve_ask ask;
        if (!tariff_serves(t, i)) {
            out->rejected++;
            continue;
        }
        if (tariff_charge(t, i, &charge) < 0 ||
            money_add(out->sample_usd, charge.total, &out->sample_usd) < 0)
            return -1;
        if (c->block[i] == NO_BLOCK)
            continue;
        struct block_sum *b = &s->charges[c->block[i] * s->plan_count + number];
        serve_ask_of(out->plan, c->rows, conditions, i, &ask);
        b->usage += charge.total;
        b->weight_micro += ask.weight_micro;
        b->input += ask.input;
        b->output += ask.output;
        if (b->usage > MONEY_MAX >> REPEATS_BITS ||
            block_needs_add(&s->needs[c->block[i] * s->need_count + s->need_first[number]],
                            out->plan, t, i, &ask, charge.total) < 0)
            return -1;
    }
    return 0;
}

/* What the plan charges for the sample with its tokens counted so. */
static int charge_side(const struct cut *c, const struct plan *plan,
                       const struct serve_conditions *conditions, int64_t start,
                       const struct token_scales *scales, enum token_side side, money *out)
{
    struct serve_rows rows = *c->rows;
    struct serve_result served;
    struct charge_sums sums;
    struct token_view view;
    struct tariff t;
    token_view_make(&view, c->w, plan, scales, side);
    rows.workload = &view.workload;
    serve_plan(plan, &rows, conditions, &served);
    tariff_init(&t, plan, &rows, &served, start, false);
    tariff_charge_all(&t, 1, &sums, NULL);
    *out = sums.total;
    tariff_free(&t);
    serve_result_free(&served);
    token_view_free(&view);
    return sums.overflow ? -1 : 0;
}

/* Charges every row as if no quota were there: quotas are settled for each sampled future. */
static int charge_plan(struct cut *c, const struct forecast_options *o, size_t number,
                       struct forecast_plan *out, struct error *err)
{
    struct plan open = *out->plan;
    struct serve_result served;
    struct serve_rows rows = *c->rows;
    struct cut own = *c;
    struct token_view view;
    struct tariff t;
    bool known = o->has_start || c->w->has_start;
    int64_t start = o->has_start ? o->start_unix_ns : c->w->start_unix_ns;
    if (plan_needs_start(&open) && !known)
        return error_set(err, ERR_INPUT,
                         "plan \"%s\" has prices by date or hour, and the sample does not say when "
                         "it starts; give --start 2026-11-01T00:00:00Z",
                         open.name);
    struct serve_conditions conditions = {known ? start : 0, false};
    open.quota_count = open.rate_limit_count = 0;
    open.limits.concurrency = 0;
    token_view_make(&view, c->w, out->plan, o->scales, TOKENS_AS);
    rows.workload = &view.workload;
    own.rows = &rows;
    out->counts = view.counts;
    serve_plan(&open, &rows, &conditions, &served);
    tariff_init(&t, &open, &rows, &served, known ? start : TIME_NEVER, false);
    int code = charge_rows(&own, &t, &conditions, number, out);
    token_view_free(&view);
    out->least_usd = out->most_usd = out->sample_usd;
    for (int side = 0; side < TOKEN_SIDES && token_counts_in_doubt(&out->counts) && code == 0;
         side++)
        if (side != TOKENS_AS)
            code = charge_side(c, &open, &conditions, known ? start : TIME_NEVER, o->scales,
                               (enum token_side)side,
                               side == TOKENS_LOW ? &out->least_usd : &out->most_usd);
    out->short_limits = ignores_limits(out->plan);
    out->terms = forecast_terms(out->plan);
    tariff_free(&t);
    serve_result_free(&served);
    return code < 0 ? error_set(err, ERR_INPUT, "the charges of plan \"%s\" are too large",
                                out->plan->name)
                    : 0;
}

static void make_room(struct forecast_sample *s, const struct forecast_plan *plans)
{
    s->need_first = mem_zero(s->plan_count + 1, sizeof *s->need_first);
    for (size_t p = 0; p < s->plan_count; p++) {
        const struct plan_quota *some[FORECAST_NEEDS];
        s->need_first[p] = s->need_count;
        s->need_count += forecast_needs(plans[p].plan, some);
    }
    s->need_first[s->plan_count] = s->need_count;
    s->charges = mem_zero(s->block_count * s->plan_count + 1, sizeof *s->charges);
    s->needs = mem_zero(s->block_count * s->need_count + 1, sizeof *s->needs);
}

int forecast_sample_add(const struct forecast_sample *s, size_t block, size_t plan, uint64_t times,
                        struct block_charge *to)
{
    size_t first = s->need_first[plan];
    return block_charge_add_sum(to, &s->charges[block * s->plan_count + plan],
                                &s->needs[block * s->need_count + first],
                                s->need_first[plan + 1] - first, times);
}

int forecast_sample_make(struct forecast_sample *out, const struct workload *w,
                         const struct forecast_options *options, struct forecast_plan *plans,
                         size_t plan_count, struct error *err)
{
    struct serve_rows rows;
    struct cut c = {.out = out, .w = w, .rows = &rows};
    *out = (struct forecast_sample){.plan_count = plan_count};
    int code = serve_rows_make(&rows, w, (struct serve_duration){0}, err);
    if (code < 0)
        return code;
    code = count_days(&c, options, err);
    if (code == 0) {
        c.unit = mem_alloc((w->count + 1) * sizeof *c.unit);
        c.begins_ns = mem_alloc((w->count + 1) * sizeof *c.begins_ns);
        c.block = mem_alloc((w->count + 1) * sizeof *c.block);
        out->days = mem_zero(out->day_count, sizeof *out->days);
        find_units(&c);
        find_beginnings(&c);
        cut_blocks(&c);
        make_room(out, plans);
    }
    for (size_t p = 0; p < plan_count && code == 0; p++)
        code = charge_plan(&c, options, p, &plans[p], err);
    free(c.unit);
    free(c.begins_ns);
    free(c.block);
    serve_rows_free(&rows);
    if (code < 0)
        forecast_sample_free(out);
    return code;
}

void forecast_sample_free(struct forecast_sample *s)
{
    free(s->days);
    free(s->blocks);
    free(s->charges);
    free(s->needs);
    free(s->need_first);
    *s = (struct forecast_sample){0};
}
