/* Splits that need no search among requests: where all requests ask the same of the flat plan, and
 * at most one of its limits ever holds anything back.
 *
 * With a limit, each window takes its dearest requests, as many as it has room for: what so many
 * dearest of a window come to is summed up once, so that any number of the plan is a look at its
 * windows. Without one, each request goes where it is cheaper. Both are what sim/cost/split would
 * choose.
 */
#include "sim/cost/bill/bill_parts.h"

#include "core/memory.h"
#include "sim/cost/book/window.h"

#include <stdlib.h>

/* ---- what a part is paid for ---- */

struct split_price split_price_of(const struct plan *plan, uint64_t units)
{
    struct bought one;
    bought_make(&one, plan, 1, units);
    const struct plan_provisioned *v = &one.plan.provisioned;
    struct split_price price = {
        .fee = plan_is_paid_by_period(&one.plan) ? plan_period_price(&one.plan) : 0,
        .setup = one.plan.subscription.setup + v->setup * (money)v->units,
        .in_numbers = plan_is_bought_in_numbers(plan, units)};
    bought_free(&one);
    return price;
}

money split_paid_for(const struct split_price *price, uint64_t n)
{
    money fee, all;
    if (money_multiply(price->fee, price->periods, &fee) < 0 ||
        money_add(fee, price->setup, &fee) < 0 || money_multiply(fee, n, &all) < 0)
        return MONEY_MAX / 4;
    return all < MONEY_MAX / 4 ? all : MONEY_MAX / 4;
}

void split_cut_bill(struct bill *part, int64_t first_ns, int64_t last_ns)
{
    int64_t end = first_ns + part->billed_span_ns - 1;
    part->first_ns = first_ns;
    part->span_ns = part->options.period != PERIOD_TRACE && last_ns > end ? end : last_ns;
    part->billed_span_ns = part->span_ns - first_ns;
    part->options.period = PERIOD_TRACE;
}

/* ---- the token plan's side ---- */

void split_rows_make(struct split_rows *r, const struct serve_rows *rows, const money *token)
{
    *r = (struct split_rows){.token = token, .count = rows->workload->count};
    r->plain = !rows->order;
    for (size_t i = 0; i < r->count && r->plain; i++)
        r->plain = token[i] != MONEY_MAX && money_add(r->sum, token[i], &r->sum) == 0;
    r->plain = r->plain && r->sum < MONEY_MAX / 16 / (money)(r->count + 1);
}

void split_rows_free(struct split_rows *r)
{
    free(r->order);
    free(r->sorted);
    free(r->sums);
}

/* Those that cost something, dearest first. */
static void sort_rows(struct split_rows *r)
{
    if (r->order)
        return;
    r->order = mem_alloc((r->count + 1) * sizeof *r->order);
    for (size_t i = 0; i < r->count; i++)
        if (r->token[i] > 0)
            r->order[r->valued++] = (uint32_t)i;
    pick_sort_by_value(r->token, r->order, r->valued);
    r->sorted = mem_alloc((r->valued + 1) * sizeof *r->sorted);
    for (size_t k = 0; k < r->valued; k++)
        r->sorted[k] = r->token[r->order[k]];
}

/* ---- what the flat plan's limits are like ---- */

/* By the quotas all requests are included, or there are none and nothing limits them. */
static bool is_plain(const struct bill *bill, const struct plan *flat,
                     const struct serve_rows *rows)
{
    bool waits = bill->options.max_wait_ns > 0;
    size_t limits = plan_limit_count(flat);
    if (!serve_asks_alike(flat, rows) || (flat->limits.concurrency > 0 && rows->duration.known) ||
        (flat->quota_count == 0 && limits > 0))
        return false;
    for (size_t i = 0; i < limits; i++) {
        const struct plan_quota *q = plan_limit_at(flat, i);
        if (!serve_is_counted(q) || q->beyond == BEYOND_PAY || (waits && q->beyond == BEYOND_QUEUE))
            return false;
    }
    return true;
}

/* One pair. */
struct plain {
    const struct bill *bill;
    const struct plan *flat;
    const struct serve_rows *rows;
    struct split_rows *token;
    uint8_t *beyond;  /* by row: beyond the plan's caps; NULL: none is */
    uint64_t slots;   /* requests that a window of the limit takes; UINT64_MAX: no limit */
    uint32_t *window; /* by row */
    size_t windows;
    size_t *start;     /* window w has row[start[w]] .. row[start[w + 1]], dearest first, and */
    const money *sums; /* what those up to each cost */
    const uint32_t *row;
    money *own_sums; /* the same two where they are no other plan's */
    uint32_t *own_row;
    const money *own; /* by row, where no quota includes them; NULL: each `each` */
    money each;
};

static void find_beyond(struct plain *p)
{
    const struct plan_limits *m = &p->flat->limits;
    const struct workload *w = p->rows->workload;
    struct serve_conditions conditions = {.start_unix_ns = p->bill->start_unix_ns};
    if (m->max_input_tokens + m->max_total_tokens + m->max_output_tokens == 0)
        return;
    bool some = false;
    p->beyond = mem_zero(w->count + 1, 1);
    for (size_t i = 0; i < w->count; i++) {
        p->beyond[i] = !serve_row_within(p->flat, &conditions, w, i) ||
                       (m->max_output_tokens > 0 && w->output_tokens[i] > m->max_output_tokens);
        some = some || p->beyond[i];
    }
    if (some)
        return;
    free(p->beyond);
    p->beyond = NULL;
}

/* Calls for the windows of a limit, one after the other, with their rows. */
struct walk {
    struct plan_quota grid;
    int64_t start_unix_ns, end_ns;
    size_t number; /* from 1 on */
};

static size_t window_of(struct walk *w, int64_t due_ns)
{
    int64_t begin;
    if (w->number == 0 || due_ns >= w->end_ns) {
        window_bounds(&w->grid, w->start_unix_ns, due_ns, &begin, &w->end_ns);
        w->number++;
    }
    return w->number - 1;
}

static bool is_item(const struct plain *p, size_t row)
{
    return p->token->token[row] > 0 && !(p->beyond && p->beyond[row]);
}

/* True if some window has more requests than one plan takes. */
static bool ever_holds(const struct plain *p, const struct plan_quota *q)
{
    struct walk walk = {.grid = *q, .start_unix_ns = p->bill->start_unix_ns};
    uint64_t slots = (uint64_t)(plan_quota_amount(q) / PLAN_MICRO), now = 0;
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < p->token->count; i++) {
        size_t window = window_of(&walk, serve_due(p->rows, i));
        now = window == last ? now : 0;
        last = window;
        now += is_item(p, i);
        if (now > slots)
            return true;
    }
    return false;
}

static void number_windows(struct plain *p, const struct plan_quota *q)
{
    struct walk walk = {.grid = *q, .start_unix_ns = p->bill->start_unix_ns};
    p->slots = (uint64_t)(plan_quota_amount(q) / PLAN_MICRO);
    p->window = mem_alloc((p->token->count + 1) * sizeof *p->window);
    for (size_t i = 0; i < p->token->count; i++)
        p->window[i] = (uint32_t)window_of(&walk, serve_due(p->rows, i));
    p->windows = walk.number;
}

/* False where more than one limit holds something back. */
static bool find_limit(struct plain *p)
{
    size_t holding = 0;
    const struct plan_quota *one = NULL;
    for (size_t i = 0; i < plan_limit_count(p->flat); i++)
        if (ever_holds(p, plan_limit_at(p->flat, i))) {
            one = plan_limit_at(p->flat, i);
            holding++;
        }
    p->slots = UINT64_MAX;
    if (holding == 1)
        number_windows(p, one);
    return holding <= 1 && (!one || plan_quota_amount(one) % PLAN_MICRO == 0);
}

/* One window that holds all rows is the same for every plan. */
static void sum_all(struct plain *p)
{
    struct split_rows *r = p->token;
    p->start[1] = r->valued;
    p->sums = r->sums;
    p->row = r->order;
    if (r->sums)
        return;
    p->sums = r->sums = mem_alloc((r->valued + 1) * sizeof *r->sums);
    money sum = 0;
    for (size_t k = 0; k < r->valued; k++)
        r->sums[k] = sum += r->sorted[k];
}

static void sum_windows(struct plain *p)
{
    struct split_rows *r = p->token;
    sort_rows(r);
    p->start = mem_zero(p->windows + 2, sizeof *p->start);
    if (p->windows == 1 && !p->beyond) {
        sum_all(p);
        return;
    }
    p->own_sums = mem_alloc((r->count + 1) * sizeof *p->own_sums);
    p->own_row = mem_alloc((r->count + 1) * sizeof *p->own_row);
    p->sums = p->own_sums;
    p->row = p->own_row;
    money *sum = mem_zero(p->windows + 1, sizeof *sum);
    for (size_t i = 0; i < r->count; i++)
        p->start[p->window[i] + 2] += is_item(p, i);
    for (size_t w = 2; w < p->windows + 2; w++)
        p->start[w] += p->start[w - 1];
    for (size_t k = 0; k < r->valued; k++) {
        uint32_t row = r->order[k], w = p->window[row];
        if (p->beyond && p->beyond[row])
            continue;
        sum[w] += r->sorted[k];
        p->own_row[p->start[w + 1]] = row;
        p->own_sums[p->start[w + 1]++] = sum[w];
    }
    free(sum);
}

static uint64_t room_of(const struct plain *p, uint64_t n)
{
    uint64_t room;
    return __builtin_mul_overflow(p->slots, n, &room) ? UINT64_MAX : room;
}

/* What the best choice under n of the plan saves by the token. */
static money most_of(const struct plain *p, uint64_t n)
{
    money most = 0;
    uint64_t room = room_of(p, n);
    for (size_t w = 0; w < p->windows; w++) {
        uint64_t held = p->start[w + 1] - p->start[w];
        if (held > 0)
            most += p->sums[p->start[w] + (held < room ? held : room) - 1];
    }
    return most;
}

/* ---- the choice ---- */

static money own_of(const struct plain *p, size_t row)
{
    return p->own ? p->own[row] : p->each;
}

struct chosen {
    struct bill_split split;
    money charged; /* by the flat plan, for each */
    size_t first, last;
};

static void choose_row(const struct plain *p, size_t row, struct chosen *c)
{
    money token = p->token->token[row];
    c->first = row < c->first ? row : c->first;
    c->last = row > c->last ? row : c->last;
    c->split.to_flat++;
    c->split.moved_usage += token;
    if (c->split.least_moved == 0 || token < c->split.least_moved)
        c->split.least_moved = token;
    c->charged += p->flat->quota_count > 0 ? 0 : own_of(p, row);
}

/* What window w takes under n of the plan: the last of them, and what that costs. */
struct taken {
    uint64_t count;
    uint32_t last_row;
    money last;
};

static struct taken taken_of(const struct plain *p, size_t w, uint64_t n)
{
    size_t from = p->start[w];
    uint64_t held = p->start[w + 1] - from, room = room_of(p, n);
    struct taken t = {.count = held < room ? held : room};
    if (t.count == 0)
        return t;
    t.last_row = p->row[from + t.count - 1];
    t.last = p->token->token[t.last_row];
    return t;
}

/* Of equals the first ones are taken. */
static bool is_taken(const struct plain *p, const struct taken *t, size_t row)
{
    money token = p->token->token[row];
    return is_item(p, row) && t->count > 0 &&
           (token > t->last || (token == t->last && row <= t->last_row));
}

static void choose_dearest(const struct plain *p, uint64_t n, struct chosen *c)
{
    struct taken *taken = mem_alloc((p->windows + 1) * sizeof *taken);
    for (size_t w = 0; w < p->windows; w++) {
        struct taken t = taken[w] = taken_of(p, w, n);
        c->split.to_flat += t.count;
        if (t.count > 0 && (c->split.least_moved == 0 || t.last < c->split.least_moved))
            c->split.least_moved = t.last;
    }
    c->split.moved_usage = most_of(p, n);
    if (c->split.to_flat > 0) {
        c->first = 0;
        c->last = p->token->count - 1;
        while (!is_taken(p, &taken[p->window[c->first]], c->first))
            c->first++;
        while (!is_taken(p, &taken[p->window[c->last]], c->last))
            c->last--;
    }
    free(taken);
}

/* All that cost less there. */
static void choose_cheaper(const struct plain *p, struct chosen *c)
{
    for (size_t i = 0; i < p->token->count; i++)
        if (is_item(p, i) && (p->flat->quota_count > 0 || own_of(p, i) < p->token->token[i]))
            choose_row(p, i, c);
}

/* The flat plan's part, as any bill is made. False: beyond 128 bits. */
static bool bill_part(const struct plain *p, uint64_t n, struct chosen *c)
{
    struct bill part = *p->bill;
    struct plan_bill b = {.plan = p->flat, .subscriptions = n};
    struct bought bought;
    split_cut_bill(&part, serve_due(p->rows, c->first), serve_due(p->rows, c->last));
    b.served.last_start_ns = part.span_ns;
    b.sums.total = c->charged;
    bought_make(&bought, p->flat, n, p->bill->options.units);
    bool ok = bill_add_lines(&b, &bought.plan, &part, NULL) == 0;
    bought_free(&bought);
    c->split.subscriptions = plan_is_paid_by_period(p->flat) ? n : 0;
    c->split.to_token = p->token->count - c->split.to_flat;
    c->split.token_usage = p->token->sum - c->split.moved_usage;
    c->split.flat = b.total;
    return ok && money_add(c->split.token_usage, b.total, &c->split.total) == 0;
}

/* What n of the plan cost at least, with the best choice. */
static money cost_of(const struct plain *p, const struct split_price *price, uint64_t n)
{
    money saved = p->slots == UINT64_MAX ? price->saved : most_of(p, n);
    return p->token->sum - saved + split_paid_for(price, n);
}

/* The most of the plan that is worth a try. */
static uint64_t most_tried(const struct plain *p, const struct split_price *price)
{
    money once = price->fee + price->setup;
    uint64_t most = 1;
    for (size_t w = 0; w < p->windows && price->in_numbers; w++) {
        uint64_t held = p->start[w + 1] - p->start[w];
        most = held / p->slots + 1 > most ? held / p->slots + 1 : most;
    }
    return once > 0 && price->saved / once + 1 < (money)most ? (uint64_t)(price->saved / once) + 1
                                                             : most;
}

/* The first number at which no more of the plan cost less: what they save grows by less with each
 * more. */
static uint64_t cheapest_number(const struct plain *p, const struct split_price *price)
{
    uint64_t low = 1, high = most_tried(p, price);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (cost_of(p, price, middle) <= cost_of(p, price, middle + 1))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* What the plan charges for each request, where its bill says that all cost the same. */
static bool each_of(const struct plan_bill *f, money *out)
{
    *out = f->sums.each;
    return f->sums.alike && f->sums.unpriced == 0 && f->served.delayed == 0 &&
           f->served.count[SERVE_PAID] == f->requests;
}

static void plain_found(const struct plain *p, uint64_t n, struct chosen *c,
                        struct bill_split *found)
{
    if (c->split.to_flat > 0 && bill_part(p, n, c))
        *found = c->split;
}

static void free_plain(struct plain *p)
{
    free(p->beyond);
    free(p->window);
    free(p->start);
    free(p->own_sums);
    free(p->own_row);
}

bool split_plain(const struct bill *bill, const struct plan_bill *flat,
                 const struct serve_rows *rows, struct split_rows *token, struct split_price *price,
                 struct bill_split *found, money *below)
{
    struct plain p = {.bill = bill, .flat = flat->plan, .rows = rows, .token = token};
    struct chosen c = {.first = SIZE_MAX};
    money *own = NULL;
    if (!token->plain || !is_plain(bill, flat->plan, rows))
        return false;
    find_beyond(&p);
    bool plain = find_limit(&p);
    if (plain && flat->plan->quota_count == 0 && !each_of(flat, &p.each))
        p.own = own = bill_charge_rows(bill, rows, flat, false, false);
    if (plain && p.slots == UINT64_MAX) {
        choose_cheaper(&p, &c);
        price->saved = c.split.moved_usage - c.charged;
        *below = cost_of(&p, price, 1);
        plain_found(&p, 1, &c, found);
    } else if (plain) {
        sum_windows(&p);
        price->saved = most_of(&p, UINT64_MAX / p.slots);
        uint64_t n = cheapest_number(&p, price);
        *below = cost_of(&p, price, n);
        choose_dearest(&p, n, &c);
        plain_found(&p, n, &c, found);
    }
    free_plain(&p);
    free(own);
    return plain;
}
