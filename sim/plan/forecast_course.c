/* A plan's demand by day, settled against what the plan includes, limits and asks for. */
#include "sim/plan/forecast_parts.h"

#include "core/memory.h"
#include "sim/cost/bill/bought.h"
#include "sim/cost/bill/tariff.h"
#include "sim/cost/book/price.h"
#include "sim/cost/book/window.h"

#include <stdlib.h>
#include <string.h>

#define MOST_BOUGHT ((uint64_t)1 << 30)

/* One quota, rate limit or credit of a day or longer. */
struct allowance {
    struct plan_quota quota; /* rolling windows as if anchored; shorter ones stretched to a day */
    int need; /* its place in block_charge.need; -1: what it takes is told by the day */
    int64_t window;
    uint64_t left, carried;
    money credit_left, credit_carried; /* carried: of what is left, from the window before */
};

struct settle {
    struct plan_course *c;
    const struct plan *plan; /* as many of it as are bought */
    uint64_t bought;
    struct allowance *allowances;
    size_t count, quotas; /* the first `quotas` belong to what is included */
    money net_month;      /* usage less credit and discount since the month began */
    money in_minimum;     /* usage since the minimum's period began */
    money *in_volume;     /* the same, by discount */
};

static int64_t window_of(const struct settle *s, const struct plan_quota *q, size_t day)
{
    return window_number(q, s->c->begin_unix_ns, (int64_t)day * FORECAST_DAY_NS);
}

static int place_of(const struct plan *plan, const struct plan_quota *quota)
{
    const struct plan_quota *some[FORECAST_NEEDS];
    size_t count = forecast_needs(plan, some);
    for (size_t i = 0; i < count; i++)
        if (some[i] == quota)
            return (int)i;
    return -1;
}

static void add_allowance(struct settle *s, const struct plan_quota *quota)
{
    int need = place_of(s->plan, quota);
    if (need < 0 && (quota->of || quota->counts || quota->model_count + quota->class_count > 0))
        return; /* forecast_terms() says so */
    struct allowance *a = &s->allowances[s->count++];
    *a = (struct allowance){.quota = window_on_grid(quota), .need = need, .window = -1};
    if (quota->alignment == WINDOW_SESSION)
        a->quota.alignment = WINDOW_ANCHORED;
    int64_t length = plan_quota_length(quota);
    if (length >= FORECAST_DAY_NS)
        return;
    money_magnitude whole = (money_magnitude)quota->amount * (uint64_t)FORECAST_DAY_NS;
    whole /= (uint64_t)length;
    if (quota->pooled && s->c->holds_capacity && s->c->peak_milli > 1000)
        whole = whole * 1000 / s->c->peak_milli;
    a->quota.amount = whole > UINT64_MAX ? UINT64_MAX : (uint64_t)whole;
    a->quota.usd = quota->usd * (FORECAST_DAY_NS / length);
    a->quota.length_ns = FORECAST_DAY_NS;
    a->quota.alignment = WINDOW_ANCHORED;
}

/* In the unit in which needs are told. */
static uint64_t amount_of(const struct plan_quota *q)
{
    money_magnitude whole = q->counts ? (money_magnitude)q->amount * PLAN_MICRO : q->amount;
    return whole > UINT64_MAX ? UINT64_MAX : (uint64_t)whole;
}

/* What one window leaves unused goes over to the next one, where it is used first, and is gone. */
static void open_window(struct allowance *a, int64_t window)
{
    uint64_t amount = amount_of(&a->quota);
    if (a->quota.rolls_over && a->window >= 0) {
        bool next = window == a->window + 1; /* of one that nobody used all is left */
        a->carried = next && a->left < amount ? a->left : amount;
        a->credit_carried = next && a->credit_left < a->quota.usd ? a->credit_left : a->quota.usd;
    }
    a->window = window;
    a->left = amount > UINT64_MAX - a->carried ? UINT64_MAX : amount + a->carried;
    a->credit_left = a->quota.usd + a->credit_carried;
}

static void open_windows(struct settle *s, size_t day)
{
    for (size_t i = 0; i < s->count; i++) {
        int64_t window = window_of(s, &s->allowances[i].quota, day);
        if (window != s->allowances[i].window)
            open_window(&s->allowances[i], window);
    }
}

/* A share of the day's demand as a fraction; 1/1 where all of it has room. */
struct share {
    uint64_t part, whole;
};

static void lower(struct share *s, uint64_t part, uint64_t whole)
{
    if (part < whole && (money_magnitude)part * s->whole < (money_magnitude)s->part * whole)
        *s = (struct share){part, whole};
}

static uint64_t of_share(struct share s, uint64_t value)
{
    return (uint64_t)((money_magnitude)value * s.part / s.whole);
}

/* Money is compared in quanta, whole ones of which are far below a cent. */
static uint64_t need_of(const struct allowance *a, const struct block_charge *d)
{
    if (a->quota.unit == QUOTA_USD)
        return (uint64_t)charge_quanta(a->need < 0 ? d->usage : d->need[a->need].usage);
    if (a->need >= 0)
        return d->need[a->need].amount;
    return plan_quota_need(&a->quota, d->weight_micro, d->input, d->output);
}

static uint64_t left_of(const struct allowance *a)
{
    return a->quota.unit == QUOTA_USD ? (uint64_t)charge_quanta(a->credit_left) : a->left;
}

static bool is_for_some(const struct allowance *a)
{
    return a->quota.model_count + a->quota.class_count > 0;
}

/* True if every request is included in some quota, or would be where that has room. */
static bool includes_all(const struct settle *s)
{
    for (size_t i = 0; i < s->quotas; i++)
        if (!plan_quota_is_settled(&s->allowances[i].quota) && !is_for_some(&s->allowances[i]))
            return true;
    return false;
}

/* Charges of what is included, where all quotas are for some requests: of theirs, as much as has
 * room. */
static money included_of_some(const struct settle *s, const struct block_charge *served)
{
    money sum = 0;
    for (size_t i = 0; i < s->quotas; i++) {
        const struct allowance *a = &s->allowances[i];
        if (plan_quota_is_settled(&a->quota) || !is_for_some(a))
            continue;
        uint64_t need = need_of(a, served), left = left_of(a);
        money part = served->need[a->need].usage;
        if (a->quota.beyond == BEYOND_PAY && left < need)
            (void)money_prorate(part, left, need, &part);
        sum += part < served->usage - sum ? part : served->usage - sum;
    }
    return sum;
}

/* What has room now: of the windows that queue, of those that reject, and of those beyond which
 * one pays. Those that are for some requests only hold back these: hold_some(). */
static void find_room(const struct settle *s, const struct block_charge *d, struct share *queued,
                      struct share *taken, struct share *included)
{
    *queued = *taken = *included = (struct share){1, 1};
    for (size_t i = 0; i < s->count; i++) {
        const struct allowance *a = &s->allowances[i];
        enum plan_beyond beyond = a->quota.beyond;
        if (plan_quota_is_settled(&a->quota) || is_for_some(a))
            continue;
        lower(beyond == BEYOND_QUEUE    ? queued
              : beyond == BEYOND_REJECT ? taken
                                        : included,
              left_of(a), need_of(a, d));
    }
}

/* Takes off what quotas for some requests have no room for, of those that queue or reject. */
static void hold_some(const struct settle *s, enum plan_beyond beyond, struct block_charge *d)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct allowance *a = &s->allowances[i];
        uint64_t need = is_for_some(a) ? need_of(a, d) : 0, left = left_of(a);
        if (plan_quota_is_settled(&a->quota) || a->quota.beyond != beyond || left >= need)
            continue;
        struct block_need *some = &d->need[a->need], kept = *some;
        uint64_t weight = d->weight_micro;
        kept.amount = of_share((struct share){left, need}, some->amount);
        kept.weight_micro = of_share((struct share){left, need}, some->weight_micro);
        (void)money_prorate(some->usage, left, need, &kept.usage);
        money usage_off = some->usage - kept.usage;
        uint64_t weight_off = some->weight_micro - kept.weight_micro;
        d->usage -= usage_off < d->usage ? usage_off : d->usage;
        d->weight_micro -= weight_off < d->weight_micro ? weight_off : d->weight_micro;
        if (weight > 0) { /* of tokens their mean */
            d->input = of_share((struct share){d->weight_micro, weight}, d->input);
            d->output = of_share((struct share){d->weight_micro, weight}, d->output);
        }
        *some = kept;
    }
}

static void use_up(struct settle *s, const struct block_charge *served, struct share included)
{
    for (size_t i = 0; i < s->count; i++) {
        struct allowance *a = &s->allowances[i];
        if (plan_quota_is_settled(&a->quota))
            continue;
        if (a->quota.unit == QUOTA_USD) {
            money usage = a->need < 0 ? served->usage : served->need[a->need].usage;
            a->credit_left -= usage < a->credit_left ? usage : a->credit_left;
            continue;
        }
        uint64_t need = need_of(a, served);
        if (i < s->quotas)
            need = of_share(included, need);
        a->left -= need < a->left ? need : a->left;
    }
}

static struct block_charge part_of(const struct block_charge *d, struct share s)
{
    struct block_charge out = *d;
    if (s.part == s.whole)
        return out;
    (void)money_prorate(d->usage, s.part, s.whole, &out.usage);
    out.weight_micro = of_share(s, d->weight_micro);
    out.input = of_share(s, d->input);
    out.output = of_share(s, d->output);
    for (size_t i = 0; i < FORECAST_NEEDS; i++) {
        const struct block_need *need = &d->need[i];
        out.need[i].amount = of_share(s, need->amount);
        out.need[i].weight_micro = of_share(s, need->weight_micro);
        (void)money_prorate(need->usage, s.part, s.whole, &out.need[i].usage);
    }
    return out;
}

static struct block_charge rest_of(const struct block_charge *d, const struct block_charge *part)
{
    struct block_charge out = {d->usage - part->usage,
                               d->weight_micro - part->weight_micro,
                               d->input - part->input,
                               d->output - part->output,
                               {{0}}};
    for (size_t i = 0; i < FORECAST_NEEDS; i++)
        out.need[i] = (struct block_need){d->need[i].amount - part->need[i].amount,
                                          d->need[i].usage - part->need[i].usage,
                                          d->need[i].weight_micro - part->need[i].weight_micro};
    return out;
}

/* Of charges that are included in quotas for all, what others for some beside them have no room
 * for: one pays it. */
static money held_of_some(const struct settle *s, const struct block_charge *served)
{
    money sum = 0;
    for (size_t i = 0; i < s->quotas; i++) {
        const struct allowance *a = &s->allowances[i];
        uint64_t need = is_for_some(a) ? need_of(a, served) : 0, left = left_of(a);
        money part = 0;
        if (plan_quota_is_settled(&a->quota) || a->quota.beyond != BEYOND_PAY || left >= need)
            continue;
        (void)money_prorate(served->need[a->need].usage, need - left, need, &part);
        sum += part;
    }
    return sum;
}

/* What of the served requests' charges the quotas include, as they stand. */
static money included_money(const struct settle *s, const struct block_charge *served,
                            struct share included)
{
    money all = served->usage;
    if (!includes_all(s))
        return included_of_some(s, served);
    if (included.part < included.whole)
        (void)money_prorate(served->usage, included.part, included.whole, &all);
    money some = held_of_some(s, served);
    return all > some ? all - some : 0;
}

static bool has_run_out(const struct settle *s, const struct block_charge *d)
{
    for (size_t i = 0; i < s->count; i++)
        if (!plan_quota_is_settled(&s->allowances[i].quota) &&
            left_of(&s->allowances[i]) < need_of(&s->allowances[i], d))
            return true;
    return false;
}

/* The usage charge of one day, what of its demand is served and what waits for the next. */
static money charge_day(struct settle *s, const struct block_charge *demand,
                        struct block_charge *waiting, size_t day, struct block_charge *served)
{
    struct share queued, taken, included;
    struct block_charge all = *demand;
    (void)block_charge_add(&all, waiting); /* the sum of the course's days fits */
    find_room(s, &all, &queued, &taken, &included);
    if (s->c->quota_end == FORECAST_NEVER && has_run_out(s, &all))
        s->c->quota_end = day;
    struct block_charge now = part_of(&all, queued);
    hold_some(s, BEYOND_QUEUE, &now);
    *waiting = rest_of(&all, &now);
    /* First in, first out: of the day's own demand waits what the line is too long for. */
    uint64_t late = waiting->weight_micro;
    s->c->delayed += (double)(late < demand->weight_micro ? late : demand->weight_micro);
    *served = part_of(&now, taken);
    hold_some(s, BEYOND_REJECT, served);
    s->c->unserved += (double)(now.weight_micro - served->weight_micro);
    money free_usage = included_money(s, served, included);
    use_up(s, served, included);
    return served->usage - free_usage;
}

/* Included credit, and free calls and units: what is left of the window's. */
static money credit_of(struct settle *s, const struct block_charge *served, money usage, size_t day)
{
    money covered = 0;
    for (size_t i = 0; i < s->quotas; i++) {
        struct allowance *a = &s->allowances[i];
        if (!plan_quota_is_settled(&a->quota))
            continue;
        money of = a->need < 0 ? usage : served->need[a->need].usage, part = of;
        if (a->quota.of) {
            uint64_t need = served->need[a->need].amount, taken = need < a->left ? need : a->left;
            a->left -= taken;
            if (taken < need && s->c->quota_end == FORECAST_NEVER)
                s->c->quota_end = day;
            if (taken < need)
                (void)money_prorate(of, taken, need, &part);
        } else {
            part = of < a->credit_left ? of : a->credit_left;
            if (part < of && part < usage - covered && s->c->quota_end == FORECAST_NEVER)
                s->c->quota_end = day;
            a->credit_left -= part;
        }
        covered += part < usage - covered ? part : usage - covered;
    }
    return covered;
}

static bool begins(size_t day, int64_t period_ns)
{
    int64_t at = (int64_t)day * FORECAST_DAY_NS;
    return day == 0 || at / period_ns != (at - FORECAST_DAY_NS) / period_ns;
}

static bool ends(const struct plan_course *c, size_t day, int64_t period_ns)
{
    return day + 1 == c->days || begins(day + 1, period_ns);
}

/* Discounts by tokens, models or calendar periods are not looked at; forecast_terms() says so. */
static int volume_discount(struct settle *s, money usage, size_t day, money *out)
{
    const struct plan_fees *f = &s->c->plan->fees;
    *out = 0;
    for (size_t i = 0; i < f->volume_count; i++) {
        const struct plan_volume *v = &f->volumes[i];
        money before, after;
        if (!plan_volume_is_plain(v))
            continue;
        if (begins(day, v->period_ns))
            s->in_volume[i] = 0;
        if (price_volume_discount(v, s->in_volume[i], &before) < 0 ||
            price_volume_discount(v, s->in_volume[i] + usage, &after) < 0)
            return -1;
        s->in_volume[i] += usage;
        *out += after - before;
    }
    return 0;
}

/* What the minimum spend adds at the end of its period; of a period that the horizon cuts, its
 * share. */
static money minimum_due(struct settle *s, money usage, size_t day)
{
    const struct plan_fees *f = &s->c->plan->fees;
    if (f->minimum <= 0)
        return 0;
    if (begins(day, f->minimum_period_ns))
        s->in_minimum = 0;
    s->in_minimum += usage;
    if (!ends(s->c, day, f->minimum_period_ns))
        return 0;
    int64_t span = (int64_t)(day + 1) * FORECAST_DAY_NS, period = f->minimum_period_ns;
    int64_t gone = span % period;
    money least = f->minimum;
    if (period > FORECAST_DAY_NS && gone > 0 && day + 1 == s->c->days)
        (void)money_prorate(f->minimum, (uint64_t)gone, (uint64_t)period, &least);
    else if (period < FORECAST_DAY_NS)
        (void)money_prorate(f->minimum, (uint64_t)FORECAST_DAY_NS, (uint64_t)period, &least);
    return s->in_minimum < least ? least - s->in_minimum : 0;
}

/* The fee for the credits that pay a month's net usage. */
static int credit_fee(struct settle *s, money net, size_t day, money *out)
{
    *out = 0;
    s->net_month += net;
    if (!ends(s->c, day, FORECAST_MONTH_DAYS * FORECAST_DAY_NS))
        return 0;
    money month = s->net_month;
    s->net_month = 0;
    return price_credit_fee(&s->c->plan->fees, month, out);
}

/* Something paid by the period, whole where it begins. */
static int periodic(money price, uint64_t count, int64_t period_ns, size_t day, money *out)
{
    money one;
    *out = 0;
    if (money_multiply(price, count, &one) < 0)
        return -1;
    if (period_ns <= FORECAST_DAY_NS)
        return money_prorate(one, (uint64_t)FORECAST_DAY_NS, (uint64_t)period_ns, out);
    if (!begins(day, period_ns))
        return 0;
    *out = one;
    return 0;
}

/* Set-up fees, once of each that is bought. */
static int setup_fees(const struct plan *plan, uint64_t count, money *out)
{
    money units;
    return money_multiply(plan->subscription.setup, count, out) < 0 ||
                   money_multiply(plan->provisioned.setup, plan->provisioned.units, &units) < 0
               ? -1
               : money_add(*out, units, out);
}

static int standing_charges(const struct plan *plan, uint64_t count, size_t day, money *out)
{
    const struct plan_subscription *s = &plan->subscription;
    const struct plan_provisioned *v = &plan->provisioned;
    money fee = 0, hours = 0, setup = 0;
    if (day == 0 && setup_fees(plan, count, &setup) < 0)
        return -1;
    if (s->present && periodic(s->price, s->seats, s->period_ns, day, &fee) < 0)
        return -1;
    if (v->present) {
        /* by the day, whatever the period: nobody commits to hours */
        money one;
        if (money_multiply(v->price, v->units, &one) < 0 ||
            money_prorate(one, (uint64_t)FORECAST_DAY_NS, (uint64_t)v->period_ns, &hours) < 0)
            return -1;
    }
    return money_add(fee, hours, &fee) < 0 ? -1 : money_add(fee, setup, out);
}

static int settle_day(struct settle *s, struct block_charge *waiting, size_t day)
{
    struct plan_course *c = s->c;
    struct block_charge served;
    money standing, discount, fee;
    open_windows(s, day);
    money usage = charge_day(s, &c->demand[day], waiting, day, &served);
    if (c->left) /* first in, first out: those who waited go first */
        c->left[day] =
            c->demand[day].weight_micro - (served.weight_micro < c->demand[day].weight_micro
                                               ? served.weight_micro
                                               : c->demand[day].weight_micro);
    if (volume_discount(s, usage, day, &discount) < 0)
        return -1;
    money credit = credit_of(s, &served, usage, day);
    money net = usage - discount - (credit < usage - discount ? credit : usage - discount);
    if (credit_fee(s, net, day, &fee) < 0 ||
        standing_charges(s->plan, s->bought, day, &standing) < 0 ||
        money_add(net, minimum_due(s, usage, day) + fee, &net) < 0 ||
        money_add(net, standing, &c->spend[day]) < 0)
        return -1;
    return money_add(c->total, c->spend[day], &c->total);
}

/* Settles the course with so many of the plan. */
int plan_course_settle_count(struct plan_course *c, uint64_t count)
{
    struct bought bought;
    bought_make(&bought, c->plan, count, 0);
    const struct plan *plan = &bought.plan;
    struct settle s = {.c = c, .plan = plan, .bought = count};
    struct block_charge waiting = {0};
    int code = 0;
    s.allowances =
        mem_alloc((plan->quota_count + plan->rate_limit_count + 1) * sizeof *s.allowances);
    for (size_t i = 0; i < plan->quota_count; i++)
        add_allowance(&s, &plan->quotas[i]);
    s.in_volume = mem_zero(plan->fees.volume_count + 1, sizeof *s.in_volume);
    s.quotas = s.count;
    for (size_t i = 0; i < plan->rate_limit_count; i++)
        if (plan_quota_length(&plan->rate_limits[i]) >= FORECAST_DAY_NS ||
            (c->holds_capacity && plan->rate_limits[i].pooled))
            add_allowance(&s, &plan->rate_limits[i]);
    c->total = 0;
    c->quota_end = FORECAST_NEVER;
    c->unserved = c->delayed = 0;
    for (size_t day = 0; day < c->days && code == 0; day++)
        code = settle_day(&s, &waiting, day);
    c->unserved += (double)waiting.weight_micro;
    if (code == 0 && plan->rounding.scope == ROUND_BILL && c->days > 0) {
        money rounded = price_round(&plan->rounding, c->total);
        c->spend[c->days - 1] += rounded - c->total;
        c->total = rounded;
    }
    c->subscriptions = count;
    free(s.allowances);
    free(s.in_volume);
    bought_free(&bought);
    return code;
}

static bool serves_all(const struct plan_course *c)
{
    return c->unserved <= 0 && c->delayed <= 0;
}

static money cost_of(void *context, uint64_t count)
{
    struct plan_course *c = context;
    return plan_course_settle_count(c, count) < 0 ? MONEY_MAX : c->total;
}

/* The least count that serves every day's demand on that day; more of a plan never serve less. */
static int serve_all(struct plan_course *c)
{
    uint64_t low = 1, high = 1;
    while (!serves_all(c) && high < MOST_BOUGHT) {
        low = high + 1;
        high *= 2;
        if (plan_course_settle_count(c, high) < 0)
            return -1;
    }
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (plan_course_settle_count(c, middle) < 0)
            return -1;
        if (serves_all(c))
            high = middle;
        else
            low = middle + 1;
    }
    return plan_course_settle_count(c, high);
}

int plan_course_settle(struct plan_course *c)
{
    money price = plan_period_price(c->plan), least;
    if (plan_course_settle_count(c, 1) < 0)
        return -1;
    size_t quota_end = c->quota_end; /* of one of the plan: that is what runs out */
    int code = 0;
    if (plan_is_bought_in_numbers(c->plan, 0) && quota_end != FORECAST_NEVER && price > 0) {
        code = serve_all(c);
        money most = c->total / price + 1;
        if (code == 0 && plan_pays_beyond(c->plan) && most > (money)c->subscriptions) {
            uint64_t high = most > MOST_BOUGHT ? MOST_BOUGHT : (uint64_t)most;
            code = plan_course_settle_count(
                c, bought_cheapest(c->subscriptions, high, cost_of, c, &least));
        }
    }
    c->quota_end = quota_end;
    return code;
}
