/* Demand by day from the rows of a bill. */
#include "core/memory.h"
#include "sim/cost/focus/focus.h"
#include "sim/plan/forecast_history.h"

#include <stdlib.h>

#define DAY_NS (86400 * NS_PER_S)
#define DAYS (2 * DEMAND_HISTORY_DAYS) /* around the first row's day: rows come in any order */

struct day {
    money tokens, requests;
};

struct days {
    struct day *all;
    int64_t base;
    size_t first, last; /* with a charge */
    bool any, has_tokens, has_requests;
    bool own; /* the file has our own columns */
};

static int find_day(struct days *d, const struct focus_reader *r, const struct focus_charge *c,
                    struct day **out, struct error *err)
{
    int64_t day = clock_day_of(c->begin_ns);
    if (!d->any)
        d->base = day - DEMAND_HISTORY_DAYS;
    if (c->end_ns > (day + 1) * DAY_NS)
        return error_at(err, r->csv.lines.name, c->line, 1,
                        "expected charges for a day or an hour, found one whose period goes on "
                        "after its day: what is used on which day is not known");
    if (day < d->base || day >= d->base + DAYS)
        return error_at(err, r->csv.lines.name, c->line, 1, "expected at most %d days",
                        DEMAND_HISTORY_DAYS);
    size_t at = (size_t)(day - d->base);
    d->first = !d->any || at < d->first ? at : d->first;
    d->last = !d->any || at > d->last ? at : d->last;
    d->any = true;
    *out = &d->all[at];
    return 0;
}

/* "1000 Tokens", "1K Tokens", "1M tokens": how many of the unit one of it is; 1 where none is said.
 */
static uint64_t multiple_of(struct text *unit)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i < unit->length && unit->at[i] >= '0' && unit->at[i] <= '9' && n < 1000000000; i++)
        n = n * 10 + (uint64_t)(unit->at[i] - '0');
    if (i == 0)
        return 1;
    if (i < unit->length && (unit->at[i] == 'K' || unit->at[i] == 'k'))
        n *= 1000;
    if (i < unit->length && unit->at[i] == 'M')
        n *= 1000000;
    return n;
}

static int add_number(money *sum, const struct focus_number *n, uint64_t times)
{
    money value;
    return !n->known                                                                        ? 0
           : money_multiply(n->value, times, &value) < 0 || money_add(*sum, value, sum) < 0 ? -1
                                                                                            : 0;
}

static int add_charge(struct days *d, struct day *day, const struct focus_charge *c)
{
    struct text unit = c->text[FOCUS_CONSUMED_UNIT];
    uint64_t times = multiple_of(&unit);
    bool tokens = text_find_nocase(unit, "token"), requests = text_find_nocase(unit, "request");
    if (d->own) {
        d->has_requests = d->has_requests || c->requests.known;
        d->has_tokens = d->has_tokens || c->input_tokens.known;
        return add_number(&day->requests, &c->requests, 1) < 0 ||
                       add_number(&day->tokens, &c->input_tokens, 1) < 0 ||
                       add_number(&day->tokens, &c->output_tokens, 1) < 0
                   ? -1
                   : 0;
    }
    d->has_tokens = d->has_tokens || (tokens && c->consumed.known);
    d->has_requests = d->has_requests || (requests && c->consumed.known);
    return tokens     ? add_number(&day->tokens, &c->consumed, times)
           : requests ? add_number(&day->requests, &c->consumed, times)
                      : 0;
}

static int read_charges(struct days *d, struct focus_reader *r, struct error *err)
{
    struct focus_charge c;
    struct day *day = NULL;
    int more;
    while ((more = focus_reader_next(r, &c, err)) > 0) {
        if (c.category != FOCUS_USAGE || c.unused)
            continue;
        if (find_day(d, r, &c, &day, err) < 0)
            return ERR_INPUT;
        if (add_charge(d, day, &c) < 0)
            return error_at(err, r->csv.lines.name, c.line, 1, "more than 1.7e14 are used a day");
    }
    if (more == 0 && !d->has_tokens && !d->has_requests)
        return error_at(err, r->csv.lines.name, 0, 0,
                        "no charge says how many tokens or requests were used (ConsumedQuantity "
                        "with the ConsumedUnit Tokens or Requests, or x_RequestCount)");
    return more;
}

static uint64_t whole(money value)
{
    return value > 0 ? (uint64_t)(value / MONEY_USD) : 0;
}

static int keep(const struct days *d, const char *name, struct demand_history *out,
                struct error *err)
{
    if (d->last - d->first >= DEMAND_HISTORY_DAYS)
        return error_at(err, name, 0, 0, "expected at most %d days", DEMAND_HISTORY_DAYS);
    out->first_day = d->base + (int64_t)d->first;
    out->has_tokens = d->has_tokens;
    for (size_t i = d->first; i <= d->last; i++) {
        out->requests[out->days] = whole(d->all[i].requests);
        out->tokens[out->days++] = whole(d->all[i].tokens);
    }
    return 0;
}

int demand_history_focus(struct line_reader *lines, struct demand_history *out, struct error *err)
{
    struct focus_reader r;
    struct days d = {0};
    int code = focus_reader_take(&r, lines, err);
    if (code < 0)
        return code;
    d.all = mem_zero(DAYS, sizeof *d.all);
    d.own = r.field[FOCUS_X_REQUESTS] >= 0;
    code = read_charges(&d, &r, err);
    if (code == 0)
        code = keep(&d, r.csv.lines.name, out, err);
    focus_reader_close(&r);
    free(d.all);
    return code;
}
