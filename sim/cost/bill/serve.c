#include "sim/cost/bill/serve.h"

#include "core/heap.h"
#include "core/memory.h"
#include "sim/cost/bill/tariff.h"
#include "sim/cost/book/window.h"

#include <stdlib.h>

const char *serve_fate_name(enum serve_fate fate)
{
    static const char *const names[SERVE_FATES] = {"paid",         "included",  "model", "no_model",
                                                   "input_cap",    "too_large", "quota", "rate",
                                                   "no_initiator", "elsewhere"};
    return names[fate];
}

/* One quota or rate limit, and what the request at the head of the line asks of it. */
struct door {
    struct quota_window window;
    money_magnitude amount, need; /* 0 where it is not for the request */
    bool settled, for_all;        /* the bill settles it; every request counts in it */
    bool is_for;
};

struct line {
    const struct plan *plan;
    const struct serve_rows *rows;
    const struct serve_conditions *conditions;
    struct door *doors; /* quotas, then rate limits */
    size_t door_count;
    struct heap running; /* requests by their end, each with its units, for the concurrency limit */
    uint64_t running_units;
    int64_t last_start_ns;
    bool charges; /* quotas of money that make wait or reject: what each request costs is known */
    struct tariff tariff;
    struct serve_result as_due;
};

/* What requests cost when they are due, whatever the quotas. */
static void open_tariff(struct line *l)
{
    for (size_t i = 0; i < l->plan->quota_count; i++)
        l->charges = l->charges || (l->plan->quotas[i].unit == QUOTA_USD &&
                                    !plan_quota_is_settled(&l->plan->quotas[i]));
    if (l->charges)
        tariff_init(&l->tariff, l->plan, l->rows, &l->as_due, l->conditions->start_unix_ns,
                    l->conditions->ignore_caps);
}

static void door_open(struct door *d, const struct plan_quota *quota, int64_t start_unix_ns)
{
    window_init(&d->window, quota, start_unix_ns);
    d->amount = plan_quota_amount(quota);
    d->settled = plan_quota_is_settled(quota);
    d->for_all = quota->model_count + quota->class_count == 0;
}

static void line_open(struct line *l, const struct plan *plan, const struct serve_rows *rows,
                      const struct serve_conditions *conditions)
{
    *l = (struct line){.plan = plan, .rows = rows, .conditions = conditions};
    l->door_count = plan_limit_count(plan);
    l->doors = mem_zero(l->door_count + 1, sizeof *l->doors);
    for (size_t i = 0; i < l->door_count; i++)
        door_open(&l->doors[i], plan_limit_at(plan, i), conditions->start_unix_ns);
    open_tariff(l);
}

static void line_close(struct line *l)
{
    for (size_t i = 0; i < l->door_count; i++)
        window_free(&l->doors[i].window);
    free(l->doors);
    heap_free(&l->running);
    if (l->charges)
        tariff_free(&l->tariff);
}

static void add_running(struct line *l, int64_t end_ns, uint64_t units_micro)
{
    heap_push(&l->running, end_ns, units_micro);
    l->running_units += units_micro;
}

static void end_first(struct line *l)
{
    l->running_units -= heap_pop(&l->running).number;
}

static bool slot_free(struct line *l, int64_t now_ns, uint64_t need)
{
    while (l->running.count && heap_next(&l->running) <= now_ns)
        end_first(l);
    return l->running_units + need <= l->plan->limits.concurrency * PLAN_MICRO;
}

/* The earliest instant from now on with enough units free. Ends that pass are forgotten: times
 * never go back, and the caller starts at this instant or later. */
static int64_t concurrency_room(struct line *l, int64_t now_ns, uint64_t need)
{
    while (!slot_free(l, now_ns, need)) {
        now_ns = heap_next(&l->running);
        end_first(l);
    }
    return now_ns;
}

static bool limits_concurrency(const struct line *l)
{
    return l->plan->limits.concurrency > 0 && l->rows->duration.known;
}

static bool is_for(const struct plan_quota *quota, const struct serve_ask *ask)
{
    return plan_quota_is_for(quota, ask->model, ask->class_name);
}

/* Tokens by what their class counts for; of the output no more than the plan's cap leaves. */
static money_magnitude counted(const struct plan_quota *quota, const struct serve_ask *ask)
{
    money_magnitude sum = 0;
    uint64_t left = ask->output;
    for (int c = USAGE_CLASSES - 1; c >= 0; c--) {
        uint64_t tokens = ask->usage.tokens[c];
        bool output = usage_is_output((enum usage_class)c);
        if (output && tokens > left)
            tokens = left;
        if (output)
            left -= tokens;
        if (quota->unit == QUOTA_TOKENS || output == (quota->unit == QUOTA_OUTPUT_TOKENS))
            sum += (money_magnitude)tokens * quota->counts[c];
    }
    return sum;
}

static money_magnitude need_of(const struct plan_quota *quota, const struct serve_ask *ask)
{
    if (quota->unit == QUOTA_USD)
        return ask->charge;
    return quota->counts ? counted(quota, ask)
                         : plan_quota_need(quota, ask->weight_micro, ask->input, ask->output);
}

money_magnitude serve_need(const struct plan_quota *quota, const struct serve_ask *ask)
{
    return plan_quota_is_settled(quota) || !is_for(quota, ask) ? 0 : need_of(quota, ask);
}

/* Works out, once for each request, what it asks of every door. */
static void ask_doors(struct line *l, const struct serve_ask *a)
{
    for (size_t i = 0; i < l->door_count; i++) {
        struct door *d = &l->doors[i];
        d->is_for = d->for_all || is_for(d->window.quota, a);
        d->need = d->is_for && !d->settled ? need_of(d->window.quota, a) : 0;
    }
}

static enum serve_fate fate_of_door(const struct line *l, size_t door)
{
    return door < l->plan->quota_count ? SERVE_QUOTA : SERVE_RATE;
}

/* True if a limit could never let the request in: it is alone more than one of the plan allows. Of
 * units that turn away what does not fit, more of them would let it in. */
static bool never_fits(const struct line *l, const struct serve_ask *a)
{
    for (size_t i = 0; i < l->door_count; i++) {
        const struct door *d = &l->doors[i];
        const struct plan_quota *q = d->window.quota;
        if (q->beyond != BEYOND_PAY && !(q->pooled && q->beyond == BEYOND_REJECT) &&
            d->need > (q->most > 0 ? q->most : d->amount))
            return true;
    }
    const struct plan_limits *m = &l->plan->limits;
    return limits_concurrency(l) &&
           a->units_micro >
               (m->concurrency_most ? m->concurrency_most : m->concurrency) * PLAN_MICRO;
}

/* The start that all queueing windows agree on. */
static int64_t queue_until(struct line *l, int64_t now_ns)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < l->door_count; i++) {
            struct door *d = &l->doors[i];
            if (d->window.quota->beyond != BEYOND_QUEUE || !d->is_for)
                continue;
            int64_t at = window_room_ns(&d->window, now_ns, d->need);
            moved = moved || at > now_ns;
            now_ns = at;
        }
    }
    return now_ns;
}

/* Queueing for windows and for a free slot, in turn until both agree. */
static int64_t find_start(struct line *l, const struct serve_ask *a)
{
    int64_t now = a->due_ns > l->last_start_ns ? a->due_ns : l->last_start_ns;
    for (;;) {
        int64_t at = queue_until(l, now);
        if (!limits_concurrency(l) || l->plan->limits.beyond != BEYOND_QUEUE)
            return at;
        now = concurrency_room(l, at, a->units_micro);
        if (now == at)
            return now;
    }
}

static bool fits_now(struct door *d, int64_t now_ns)
{
    return window_room_ns(&d->window, now_ns, d->need) == now_ns;
}

/* Uses up the request's share of every window that it counts in; of the quotas that one pays
 * beyond nothing unless it is included, but then, too, a session begins with it. */
static void take_all(struct line *l, int64_t now_ns, bool included)
{
    for (size_t i = 0; i < l->door_count; i++) {
        struct door *d = &l->doors[i];
        if (d->is_for)
            window_take(&d->window, now_ns, i >= l->plan->quota_count || included ? d->need : 0);
    }
}

/* Takes its share of every window, or says which one turns it away. */
static enum serve_fate enter(struct line *l, const struct serve_ask *a, int64_t now_ns)
{
    bool quota = false, room = true;
    for (size_t i = 0; i < l->door_count; i++) {
        struct door *d = &l->doors[i];
        enum plan_beyond beyond = d->window.quota->beyond;
        if (!d->is_for)
            continue;
        bool fits = beyond == BEYOND_QUEUE || fits_now(d, now_ns);
        if (!fits && beyond == BEYOND_REJECT)
            return fate_of_door(l, i);
        if (i < l->plan->quota_count && !d->settled) {
            quota = true;
            room = room && fits;
        }
    }
    if (limits_concurrency(l) && l->plan->limits.beyond == BEYOND_REJECT &&
        !slot_free(l, now_ns, a->units_micro))
        return SERVE_RATE;
    take_all(l, now_ns, room);
    if (limits_concurrency(l))
        add_running(l, now_ns + a->duration_ns, a->units_micro);
    return quota && room ? SERVE_INCLUDED : SERVE_PAID;
}

/* Several rates or quotas by model, and nothing that says which: the first is a guess. */
static bool prices_by_model(const struct plan *plan, const struct serve_ask *a)
{
    bool by_model = plan->rate_count > 1;
    for (size_t i = 0; i < plan->quota_count; i++)
        by_model = by_model || plan->quotas[i].model_count > 0;
    return by_model && !a->model;
}

bool serve_within_caps(const struct plan *plan, const struct serve_conditions *conditions,
                       const struct serve_ask *a)
{
    return a->rate && !prices_by_model(plan, a) &&
           serve_lets_in(plan, conditions, a->input, a->output);
}

static enum serve_fate place_request(struct line *l, const struct serve_ask *a, int64_t *start_ns)
{
    if (!a->rate)
        return SERVE_MODEL;
    if (prices_by_model(l->plan, a))
        return SERVE_UNNAMED;
    if (a->unbegun)
        return SERVE_UNBEGUN;
    if (!serve_within_caps(l->plan, l->conditions, a))
        return SERVE_INPUT;
    ask_doors(l, a);
    if (never_fits(l, a))
        return SERVE_LARGE;
    int64_t at = find_start(l, a);
    enum serve_fate fate = enter(l, a, at);
    l->last_start_ns = at; /* turned away or not: it stood at the head of the line until then */
    if (serve_is_served(fate))
        *start_ns = at;
    return fate;
}

bool serve_goes_along(const struct plan *plan, const struct serve_rows *rows, size_t row)
{
    const struct workload *w = rows->workload;
    if (plan->charged == CHARGED_TURN)
        return w->initiator && w->initiator[row] == INITIATOR_AGENT;
    return plan->charged == CHARGED_SESSION && rows->later && rows->later[row];
}

bool serve_asks_alike(const struct plan *p, const struct serve_rows *rows)
{
    const struct workload *w = rows->workload;
    for (size_t i = 0; i < plan_limit_count(p); i++) {
        const struct plan_quota *q = plan_limit_at(p, i);
        if (q->counts || q->model_count + q->class_count > 0)
            return false;
    }
    return p->rate_count == 1 && p->rates[0].weight_count == 0 &&
           (p->rates[0].model_count == 0 || !w->model) && p->limits.unit_count == 0 &&
           p->charged == CHARGED_REQUEST &&
           (!w->attempts || !p->billed.retried_each || p->billed.failed == BILLED_NONE);
}

void serve_ask_of(const struct plan *p, const struct serve_rows *rows,
                  const struct serve_conditions *conditions, size_t row, struct serve_ask *a)
{
    const struct workload *w = rows->workload;
    *a = (struct serve_ask){
        .input = w->input_tokens[row], .weight_micro = PLAN_MICRO, .due_ns = serve_due(rows, row)};
    a->output = serve_capped_output(p, conditions->ignore_caps, w->output_tokens[row]);
    if (w->model && w->model[row] != UINT16_MAX)
        a->model = names_text(&w->models, w->model[row]);
    if (w->class_number && w->class_number[row] != UINT16_MAX)
        a->class_name = names_text(&w->classes, w->class_number[row]);
    a->rate = plan_rate_for(p, a->model);
    a->unbegun =
        p->charged == CHARGED_TURN && (!w->initiator || w->initiator[row] == INITIATOR_UNKNOWN);
    if (a->rate && a->rate->weight_count > 0)
        a->weight_micro = plan_weight(a->rate->weights, a->rate->weight_count, a->model,
                                      a->class_name, conditions->start_unix_ns + a->due_ns);
    if (w->attempts && w->attempts[row] > 1 && p->billed.retried_each &&
        p->billed.failed != BILLED_NONE)
        a->weight_micro *= w->attempts[row]; /* what is billed counts in a quota */
    if (serve_goes_along(p, rows, row))
        a->weight_micro = 0;
    for (size_t i = 0; i < plan_limit_count(p); i++)
        if (plan_limit_at(p, i)->counts) {
            a->usage = workload_usage(w, row);
            break;
        }
    a->units_micro = plan_weight(p->limits.units, p->limits.unit_count, a->model, a->class_name,
                                 conditions->start_unix_ns + a->due_ns);
    if (rows->duration.known)
        a->duration_ns =
            rows->duration.first_ns + rows->duration.per_output_ns * (int64_t)a->output;
}

static struct serve_ask ask_of(const struct line *l, size_t row)
{
    struct serve_ask a;
    struct row_charge charge;
    serve_ask_of(l->plan, l->rows, l->conditions, row, &a);
    if (l->charges && a.rate)
        a.charge = tariff_charge(&l->tariff, row, &charge) < 0 ? (money_magnitude)MONEY_MAX
                                                               : (money_magnitude)charge.total;
    return a;
}

static bool has_conditions(const struct plan *p, const struct serve_rows *rows)
{
    const struct workload *w = rows->workload;
    bool by_model = false;
    for (size_t i = 0; i < p->rate_count; i++)
        by_model = by_model || p->rates[i].model_count > 0;
    return p->quota_count > 0 || p->rate_limit_count > 0 || p->limits.concurrency > 0 ||
           p->limits.max_input_tokens > 0 || p->limits.max_total_tokens > 0 || rows->elsewhere ||
           (by_model && w->model) || p->rate_count > 1 || p->charged == CHARGED_TURN;
}

static void count_truncated(const struct plan *p, const struct serve_rows *rows,
                            const struct serve_conditions *conditions, struct serve_result *out)
{
    const struct workload *w = rows->workload;
    uint64_t cap = p->limits.max_output_tokens;
    if (conditions->ignore_caps || cap == 0)
        return;
    for (size_t i = 0; i < w->count; i++)
        if (w->output_tokens[i] > cap && (!out->fate || serve_is_served(out->fate[i])))
            out->truncated++;
}

static void note_start(struct serve_result *out, size_t row, int64_t due_ns, int64_t start_ns)
{
    out->start_ns[row] = start_ns;
    if (start_ns > out->last_start_ns)
        out->last_start_ns = start_ns;
    if (start_ns <= due_ns)
        return;
    out->delayed++;
    out->delay_sum_ns += (uint64_t)(start_ns - due_ns);
    if (start_ns - due_ns > out->delay_max_ns)
        out->delay_max_ns = start_ns - due_ns;
}

/* How full the first quota was: what was taken, over all its windows up to the last start.
 * `opened`: windows of sessions. */
static void count_use(const struct plan *plan, const struct serve_rows *rows,
                      const struct serve_conditions *conditions, uint64_t opened,
                      struct serve_result *out)
{
    if (plan->quota_count == 0)
        return;
    const struct plan_quota *q = &plan->quotas[0];
    int64_t until = out->last_start_ns > rows->span_ns ? out->last_start_ns : rows->span_ns;
    if (q->alignment == WINDOW_SESSION) {
        out->quota_windows = opened;
        return;
    }
    int64_t last = q->alignment == WINDOW_ROLLING
                       ? until / plan_quota_length(q)
                       : window_number(q, conditions->start_unix_ns, until);
    out->quota_windows = (uint64_t)last + 1;
}

/* Row by row, each after those before it. */
static void serve_in_line(const struct plan *plan, const struct serve_rows *rows,
                          const struct serve_conditions *conditions, struct serve_result *out)
{
    size_t count = rows->workload->count;
    struct line l;
    line_open(&l, plan, rows, conditions);
    out->fate = mem_alloc(count + 1);
    out->start_ns = mem_alloc((count + 1) * sizeof *out->start_ns);
    for (size_t i = 0; i < count; i++) {
        size_t row = rows->order ? rows->order[i] : i;
        if (rows->elsewhere && rows->elsewhere[row]) {
            out->fate[row] = SERVE_ELSEWHERE;
            out->start_ns[row] = serve_due(rows, row);
            continue;
        }
        struct serve_ask a = ask_of(&l, row);
        int64_t start = a.due_ns;
        out->fate[row] = (uint8_t)place_request(&l, &a, &start);
        out->count[out->fate[row]]++;
        if (out->fate[row] == SERVE_INCLUDED)
            out->quota_used += l.doors[0].need;
        note_start(out, row, a.due_ns, start);
    }
    count_use(plan, rows, conditions, l.door_count ? l.doors[0].window.opened : 0, out);
    line_close(&l);
}

void serve_plan(const struct plan *plan, const struct serve_rows *rows,
                const struct serve_conditions *conditions, struct serve_result *out)
{
    const struct workload *w = rows->workload;
    *out = (struct serve_result){.last_start_ns = rows->span_ns};
    out->concurrency_unchecked = plan->limits.concurrency > 0 && !rows->duration.known;
    if (!has_conditions(plan, rows)) {
        out->count[SERVE_PAID] = w->count;
        count_truncated(plan, rows, conditions, out);
        return;
    }
    if (serve_is_plain(plan, rows)) {
        serve_plainly(plan, rows, conditions, out);
        count_use(plan, rows, conditions, 0, out);
    } else {
        serve_in_line(plan, rows, conditions, out);
    }
    count_truncated(plan, rows, conditions, out);
}

/* Those that wait are served in the end. */
static bool turns_away(const struct plan *plan)
{
    for (size_t i = 0; i < plan_limit_count(plan); i++)
        if (plan_limit_at(plan, i)->beyond == BEYOND_REJECT)
            return true;
    return false;
}

uint64_t serve_count(const struct plan *plan, const struct serve_rows *rows,
                     const struct serve_conditions *conditions)
{
    struct serve_result served;
    uint64_t count = 0;
    if (serve_is_plain(plan, rows) && !turns_away(plan)) {
        for (size_t i = 0; i < rows->workload->count; i++)
            count += serve_row_within(plan, conditions, rows->workload, i);
        return count;
    }
    serve_plan(plan, rows, conditions, &served);
    count = served.count[SERVE_PAID] + served.count[SERVE_INCLUDED];
    serve_result_free(&served);
    return count;
}

void serve_result_free(struct serve_result *result)
{
    free(result->fate);
    free(result->start_ns);
    *result = (struct serve_result){0};
}

uint64_t serve_peak_requests(const struct serve_rows *rows, int64_t length_ns)
{
    uint64_t most = 0, count = 0;
    int64_t end = INT64_MIN;
    for (size_t i = 0; i < rows->workload->count; i++) {
        int64_t due = serve_due(rows, rows->order ? rows->order[i] : i);
        if (due >= end) {
            end = (due / length_ns + 1) * length_ns;
            count = 0;
        }
        if (++count > most)
            most = count;
    }
    return most;
}

static bool makes_wait(const struct plan_quota *q)
{
    return q->beyond != BEYOND_PAY;
}

/* True if no number of plans serves the request: alone it is more than one of them allows. */
static bool is_too_large(const struct line *l, const struct serve_ask *a)
{
    for (size_t i = 0; i < l->door_count; i++) {
        const struct door *d = &l->doors[i];
        if (makes_wait(d->window.quota) && !d->window.quota->pooled && d->need > d->amount)
            return true;
    }
    return limits_concurrency(l) && a->units_micro > l->plan->limits.concurrency * PLAN_MICRO;
}

/* Starts a request when it is due, whatever the limits say. */
static void start_when_due(struct line *l, const struct serve_ask *a)
{
    take_all(l, a->due_ns, true);
    if (!limits_concurrency(l))
        return;
    while (l->running.count && heap_next(&l->running) <= a->due_ns)
        end_first(l);
    add_running(l, a->due_ns + a->duration_ns, a->units_micro);
}

static uint64_t times(money_magnitude used, money_magnitude amount)
{
    money_magnitude count = amount ? used / amount + (used % amount > 0) : 0;
    return count > UINT64_MAX ? UINT64_MAX : (uint64_t)count;
}

/* True if `count` of a plan are enough for what is used: seldom needs a division. */
static bool is_enough(uint64_t count, const struct door *d)
{
    money_magnitude amount;
    return __builtin_mul_overflow((money_magnitude)count, d->amount, &amount) ||
           d->window.used <= amount;
}

/* The most that any limit asks for at this instant. */
static void note_need(const struct line *l, struct serve_need *out)
{
    for (size_t i = 0; i < l->door_count; i++) {
        const struct door *d = &l->doors[i];
        if (!makes_wait(d->window.quota) || is_enough(out->count, d))
            continue;
        uint64_t count = times(d->window.used, d->amount);
        if (count > out->count)
            *out = (struct serve_need){.count = count, .window = *d->window.quota};
    }
    uint64_t count = times(l->running_units, l->plan->limits.concurrency * PLAN_MICRO);
    if (count > out->count)
        *out = (struct serve_need){.count = count, .concurrency = true};
}

void serve_plans_needed(const struct plan *plan, const struct serve_rows *rows,
                        const struct serve_conditions *conditions, struct serve_need *out)
{
    struct line l;
    *out = (struct serve_need){0};
    if (plan_limit_count(plan) + plan->limits.concurrency == 0)
        return;
    if (serve_is_plain(plan, rows)) {
        serve_plainly_needed(plan, rows, conditions, out);
        return;
    }
    line_open(&l, plan, rows, conditions);
    for (size_t i = 0; i < rows->workload->count; i++) {
        struct serve_ask a = ask_of(&l, rows->order ? rows->order[i] : i);
        if (a.unbegun || !serve_within_caps(plan, conditions, &a))
            continue;
        ask_doors(&l, &a);
        if (is_too_large(&l, &a))
            continue;
        start_when_due(&l, &a);
        note_need(&l, out);
    }
    line_close(&l);
}
