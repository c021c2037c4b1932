/* What the requests of a row can cost together. Every bound holds for any requests of these sums:
 * each class of tokens is taken at its least and at its greatest price that any of them can have.
 */
#include "sim/cost/sums/sum_parts.h"

#include "core/memory.h"
#include "sim/cost/bill/tariff.h"

#include <stdlib.h>
#include <string.h>

#define NS_PER_MINUTE (60 * NS_PER_S)
#define NS_PER_DAY (1440 * NS_PER_MINUTE)

int range_add(struct money_range *to, struct money_range more)
{
    to->open |= more.open;
    return money_add(to->least, more.least, &to->least) < 0 ||
                   money_add(to->most, more.most, &to->most) < 0
               ? -1
               : 0;
}

int range_times(struct money_range one, uint64_t least, uint64_t most, struct money_range *out)
{
    *out = (struct money_range){0, 0, one.open};
    if (most == SUM_NOT_COUNTED) {
        out->open |= one.most > 0;
        most = least;
    }
    return money_multiply(one.least, least, &out->least) < 0 ||
                   money_multiply(one.most, most, &out->most) < 0
               ? -1
               : 0;
}

/* The prices that some request of the row may have met. */
struct prices_met {
    const struct rate_prices **sets;
    size_t count;
};

/* The row's service in its rate. */
static size_t place_of(const struct sum_row *row)
{
    return plan_rate_service(row->rate, row->service, row->other_service);
}

static void meet(struct prices_met *m, const struct sum_row *row, int64_t at_unix_ns)
{
    const struct rate_prices *set = price_in_force(row->rate, place_of(row), at_unix_ns);
    for (size_t i = 0; i < m->count; i++)
        if (m->sets[i] == set)
            return;
    m->sets[m->count++] = set;
}

static void meet_within(struct prices_met *m, const struct sum_row *row, int64_t at_unix_ns)
{
    if (at_unix_ns >= row->start_unix_ns + row->from_ns &&
        at_unix_ns < row->start_unix_ns + row->until_ns)
        meet(m, row, at_unix_ns);
}

/* Prices change where a window's dates or hours begin or end, and at midnight. */
static void list_prices(struct prices_met *m, const struct sum_row *row)
{
    const struct plan_rate *rate = row->rate;
    m->sets = mem_alloc((rate->window_count + 2) * sizeof(void *));
    m->count = 0;
    if (row->start_unix_ns == TIME_NEVER || rate->window_count == 0) {
        meet(m, row, TIME_NEVER);
        return;
    }
    size_t place = place_of(row) == PLAN_NO_SERVICE ? SERVICE_STANDARD : place_of(row);
    for (size_t w = 0; row->whenever && w <= rate->window_count; w++)
        m->sets[m->count++] = &rate->resolved[w * plan_rate_services(rate) + place];
    if (row->whenever)
        return;
    int64_t from = row->start_unix_ns + row->from_ns, until = row->start_unix_ns + row->until_ns;
    int64_t first_day = from / NS_PER_DAY - (from % NS_PER_DAY < 0);
    meet(m, row, from);
    for (size_t i = 0; i < rate->window_count; i++) {
        const struct price_window *w = &rate->windows[i];
        meet_within(m, row, w->from_unix_ns);
        meet_within(m, row, w->until_unix_ns);
        for (int64_t day = first_day; day * NS_PER_DAY < until; day++) {
            meet_within(m, row, day * NS_PER_DAY);
            meet_within(m, row, day * NS_PER_DAY + w->start_minute * NS_PER_MINUTE);
            meet_within(m, row, day * NS_PER_DAY + w->end_minute * NS_PER_MINUTE);
        }
    }
}

/* Prices of a token by class and of a request, from the least to the greatest. */
struct price_ranges {
    money least[USAGE_CLASSES], most[USAGE_CLASSES];
    money request_least, request_most;
    uint32_t unpriced;
};

/* Takes the tokens' prices of a table in. True if they differ from those so far where it counts. */
static bool widen(struct price_ranges *r, const struct token_table *t, const struct usage *u,
                  bool first)
{
    bool differs = false;
    for (int c = 0; c < USAGE_CLASSES; c++) {
        if (first)
            r->least[c] = r->most[c] = t->price[c];
        differs |= u->tokens[c] > 0 && (t->price[c] != r->least[c] || t->price[c] != r->most[c]);
        if (t->price[c] < r->least[c])
            r->least[c] = t->price[c];
        if (t->price[c] > r->most[c])
            r->most[c] = t->price[c];
    }
    return differs;
}

/* One request has the table of its own length; one of several may have any length up to all of it.
 */
static bool may_have(const struct rate_prices *set, size_t table, const struct sum_row *row)
{
    uint64_t input = usage_input(&row->usage);
    if (row->most == 1)
        return price_table(set, input) == &set->tables[table];
    return set->tables[table].input_from <= input;
}

static void find_prices(const struct sum_row *row, struct price_ranges *r, uint32_t *why)
{
    struct prices_met met;
    bool first = true;
    list_prices(&met, row);
    *r = (struct price_ranges){.request_least = met.sets[0]->per_request_micro,
                               .request_most = met.sets[0]->per_request_micro};
    for (size_t s = 0; s < met.count; s++) {
        const struct rate_prices *set = met.sets[s];
        bool first_of_set = true;
        for (size_t t = 0; t < set->table_count; t++) {
            if (!may_have(set, t, row))
                continue;
            if (widen(r, &set->tables[t], &row->usage, first))
                *why |= first_of_set ? SUM_HOURS : SUM_TIERS;
            r->unpriced |= price_unpriced(row->rate, place_of(row), &set->tables[t], &row->usage);
            first = first_of_set = false;
        }
        if (set->per_request_micro != met.sets[0]->per_request_micro)
            *why |= SUM_HOURS;
        if (set->per_request_micro < r->request_least)
            r->request_least = set->per_request_micro;
        if (set->per_request_micro > r->request_most)
            r->request_most = set->per_request_micro;
    }
    for (int c = 0; c < USAGE_CLASSES; c++) { /* exact: the plan was checked for that */
        (void)money_scale(r->least[c], row->uplift, &r->least[c]);
        (void)money_scale(r->most[c], row->uplift, &r->most[c]);
    }
    free(met.sets);
}

/* Rounding so many amounts one by one in place of their sum. */
static int round_each(const struct plan_rounding *r, uint64_t amounts, struct money_range *x,
                      uint32_t *why)
{
    money down = r->mode == ROUND_UP ? 0 : r->mode == ROUND_DOWN ? r->unit : r->unit - r->unit / 2;
    money up = r->mode == ROUND_DOWN ? 0 : r->mode == ROUND_UP ? r->unit : r->unit - r->unit / 2;
    if (amounts == 0)
        return 0;
    if (amounts == 1) {
        x->least = price_round(r, x->least);
        x->most = price_round(r, x->most);
        return 0;
    }
    *why |= SUM_ROUNDING;
    if (amounts == SUM_NOT_COUNTED) {
        x->least = 0;
        x->open = x->open || up > 0;
        return 0;
    }
    if (money_multiply(down, amounts, &down) < 0 || money_multiply(up, amounts, &up) < 0)
        return -1;
    x->least = x->least > down ? x->least - down : 0;
    return money_add(x->most, up, &x->most);
}

/* The tokens; `cut`: an output cap may leave nothing of what was answered. */
static int charge_tokens(const struct plan *plan, const struct sum_row *row,
                         const struct price_ranges *r, bool cut, struct money_range *out,
                         uint32_t *why)
{
    for (int c = 0; c < USAGE_CLASSES; c++) {
        uint64_t tokens = row->usage.tokens[c];
        bool none = cut && usage_is_output((enum usage_class)c);
        struct money_range x = {0, 0, false};
        if (money_multiply(r->least[c], none ? 0 : tokens, &x.least) < 0 ||
            money_multiply(r->most[c], tokens, &x.most) < 0)
            return -1;
        if (plan->rounding.scope == ROUND_CLASSES && x.most > 0 &&
            round_each(&plan->rounding, row->most < tokens ? row->most : tokens, &x, why) < 0)
            return -1;
        if (range_add(out, x) < 0)
            return -1;
    }
    return 0;
}

static int charge_requests(const struct sum_row *row, const struct price_ranges *r,
                           struct money_range *out, uint32_t *why)
{
    uint64_t weight = plan_weight(row->rate->weights, row->rate->weight_count, row->model,
                                  row->class_name, TIME_NEVER);
    struct money_range one = {0, 0, false}, all;
    if (r->request_most == 0)
        return 0;
    if (row->most == SUM_NOT_COUNTED)
        *why |= SUM_COUNT;
    return money_multiply(r->request_least, weight, &one.least) < 0 ||
                   money_multiply(r->request_most, weight, &one.most) < 0 ||
                   range_times(one, row->least, row->most, &all) < 0
               ? -1
               : range_add(out, all);
}

/* Counts that are billed in steps and from a minimum on: each request's may be rounded up. */
static int charge_fee(const struct sum_row *row, const struct named_fee *fee, uint64_t count_micro,
                      struct money_range *out, uint32_t *why)
{
    struct money_range x = {0, 0, false};
    uint64_t billed = price_billed_count(fee, count_micro), more = 0;
    if (count_micro > 0 && row->most != 1 && fee->step_micro + fee->minimum_micro > 0) {
        *why |= SUM_UNITS;
        x.open = row->most == SUM_NOT_COUNTED && fee->price_micro > 0;
        uint64_t times = x.open ? 0 : row->most == SUM_NOT_COUNTED ? 0 : row->most;
        if (__builtin_mul_overflow(fee->step_micro + fee->minimum_micro, times, &more))
            return -1;
    }
    return money_multiply(fee->price_micro, billed, &x.least) < 0 ||
                   money_multiply(fee->price_micro, billed + more, &x.most) < 0
               ? -1
               : range_add(out, x);
}

static int charge_extras(const struct sum_row *row, struct money_range *out, uint32_t *why,
                         uint32_t *unpriced)
{
    const struct plan_rate *rate = row->rate;
    for (size_t i = 0; i < row->usage.extra_count; i++) {
        const struct usage_extra *e = &row->usage.extras[i];
        const struct named_fee *fees = e->is_unit ? rate->units : rate->tools;
        size_t count = e->is_unit ? rate->unit_count : rate->tool_count, f = 0;
        while (f < count && strcmp(fees[f].name, e->name) != 0)
            f++;
        if (f == count || e->count_micro < 0)
            *unpriced |= e->count_micro != 0 ? UNPRICED_EXTRAS : 0;
        else if (charge_fee(row, &fees[f], (uint64_t)e->count_micro, out, why) < 0)
            return -1;
    }
    return 0;
}

static int adjust(const struct plan *plan, const struct sum_row *row, struct money_range *x,
                  uint32_t *why)
{
    money minimum = plan->fees.minimum_per_request;
    struct money_range all;
    if (minimum > 0 && row->most == 1) {
        x->least = x->least < minimum ? minimum : x->least;
        x->most = x->most < minimum ? minimum : x->most;
    } else if (minimum > 0) {
        struct money_range one = {minimum, minimum, false};
        *why |= SUM_MINIMUM;
        if (range_times(one, row->least, row->most, &all) < 0 ||
            money_add(x->most, all.most, &x->most) < 0)
            return -1;
        x->least = x->least < all.least ? all.least : x->least;
        x->open |= all.open;
    }
    if (plan->rounding.scope != ROUND_REQUESTS)
        return 0;
    return round_each(&plan->rounding, row->most, x, why);
}

/* How the plan bills requests that ended so. */
static enum billed billed_as(const struct plan *plan, enum request_status status)
{
    if (status == REQUEST_FAILED)
        return price_billed(plan, RECORD_FAILED, 0);
    return status == REQUEST_ABORTED ? plan->billed.aborted : BILLED_DELIVERED;
}

int sum_charge(const struct plan *plan, const struct sum_row *given, struct money_range *out,
               uint32_t *why, uint32_t *unpriced)
{
    struct sum_row row = *given;
    struct price_ranges r;
    enum billed what = billed_as(plan, row.status);
    uint64_t output = usage_output(&row.usage);
    *out = (struct money_range){0, 0, false};
    if (what == BILLED_NONE)
        return 0;
    row.usage = price_billed_usage(what, &row.usage, output);
    bool cut = row.most != 1 && plan->limits.max_output_tokens > 0 &&
               usage_output(&row.usage) > plan->limits.max_output_tokens;
    if (row.most == 1)
        tariff_cap_output(plan, false, &row.usage);
    *why |= cut ? SUM_OUTPUT_CAP : 0;
    find_prices(&row, &r, why);
    *unpriced |= r.unpriced;
    return charge_tokens(plan, &row, &r, cut, out, why) < 0 ||
                   charge_requests(&row, &r, out, why) < 0 ||
                   charge_extras(&row, out, why, unpriced) < 0 || adjust(plan, &row, out, why) < 0
               ? -1
               : 0;
}
