#include "sim/cost/book/budget.h"

#include "core/memory.h"
#include "sim/cost/book/price.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a request costs ---- */

/* False where it does not fit; then *out is 0. */
static bool price(struct budget *b, size_t plan, const struct record *r, money *out)
{
    if (price_record(b->plans.plans[plan], r, b->start_unix_ns, out) >= 0)
        return true;
    b->overflowed = true;
    *out = 0;
    return false;
}

static struct record completed(const char *model, const struct usage *usage)
{
    struct record r;
    record_init(&r);
    r.status = RECORD_COMPLETED;
    r.attempt = 1;
    r.final = true;
    r.http_status = 200;
    r.sent_ns = 0;
    r.model = model;
    r.usage = *usage;
    r.usage_from = USAGE_ESTIMATED;
    return r;
}

/* The request answered as the workload says, by the model that is asked for; NULL where that
 * is the first that is listed. */
static struct record answered(const struct budget *b, uint32_t row, size_t asked)
{
    struct request q;
    const char *model = b->asked[asked].model;
    workload_get(b->workload, row, &q);
    struct record r = completed(model ? model : q.model, &q.usage);
    r.row = row;
    r.class_name = q.class_name;
    r.service = request_service(&q);
    r.labels = q.labels;
    r.asked_input = q.input_tokens;
    r.asked_output = q.output_tokens;
    return r;
}

/* What a model that is not known yet may cost: the dearest that the plan sells. As a name, a
 * pattern matches itself. */
static bool price_dearest(struct budget *b, size_t plan, struct record *r, money *out)
{
    const struct plan *p = b->plans.plans[plan];
    bool known = r->model != NULL, fits = price(b, plan, r, out);
    for (size_t i = 0; fits && !known && i < p->rate_count; i++) {
        money amount;
        r->model = p->rates[i].model_count ? p->rates[i].models[0] : NULL;
        fits = price(b, plan, r, &amount);
        *out = fits && amount > *out ? amount : *out;
    }
    r->model = known ? r->model : NULL;
    return fits;
}

/* All sessions go to the last one where none has a share. */
static bool in_play(const struct budget *b, size_t asked)
{
    double total = 0;
    for (size_t i = 0; i < b->asked_count; i++)
        total += b->asked[i].share;
    return b->asked[asked].share > 0 || (!(total > 0) && asked + 1 == b->asked_count);
}

/* The most that the request can cost if it is answered at the workload's lengths: by the dearest
 * model that it may go to, with and without the cache hits that a recording had. False where it
 * does not fit. */
static bool most(struct budget *b, size_t plan, uint32_t row, money *out)
{
    bool fits = true;
    *out = 0;
    for (size_t i = 0; fits && i < b->asked_count; i++) {
        money hit, missed;
        if (!in_play(b, i))
            continue;
        struct record r = answered(b, row, i);
        fits = price_dearest(b, plan, &r, &hit);
        usage_set_cache(&r.usage, 0, 0, 0);
        fits = fits && price_dearest(b, plan, &r, &missed);
        missed = fits && missed > hit ? missed : hit;
        *out = missed > *out ? missed : *out;
    }
    return fits;
}

/* ---- creation ---- */

void budget_init(struct budget *b, struct plan_selection plans, const struct budget_asked *asked,
                 size_t asked_count, const struct workload *w)
{
    *b = (struct budget){.plans = plans,
                         .asked = mem_zero(asked_count, sizeof *asked),
                         .asked_count = asked_count,
                         .workload = w,
                         .spent = mem_zero(plans.count + 1, sizeof *b->spent),
                         .start_unix_ns = clock_wall_ns()};
    memcpy(b->asked, asked, asked_count * sizeof *asked);
    pthread_mutex_init(&b->lock, NULL);
}

int budget_limit(struct budget *b, const char *limit, struct error *err)
{
    enum money_fault fault = money_parse(limit, strlen(limit), MONEY_PER_ONE, &b->limit);
    if (fault != MONEY_OK || b->limit <= 0)
        return error_set(err, ERR_INPUT, "--max-cost %.40s: expected an amount of USD above 0",
                         limit);
    if (b->plans.count == 0)
        return error_set(err, ERR_INPUT, "--max-cost needs --plans: what would a request cost?");
    b->limited = true;
    return 0;
}

int budget_reserve(struct budget *b, const uint64_t *inputs, size_t count, const char *limit,
                   struct error *err)
{
    bool fits = true;
    char amount[MONEY_TEXT_SIZE];
    for (size_t i = 0; i < b->asked_count; i++) {
        for (size_t k = 0; fits && k < count; k++) {
            struct usage usage = usage_from_totals(inputs[k], 0, 0, 0, 1, 0);
            struct record r = completed(b->asked[i].model, &usage);
            money cost;
            fits = price_dearest(b, 0, &r, &cost) && money_add(b->probe, cost, &b->probe) == 0;
        }
    }
    b->reserved = b->probe;
    if (fits && b->probe < b->limit)
        return 0;
    money_format(b->probe, amount);
    return error_set(err, ERR_WORK,
                     "--max-cost %s leaves nothing to the run: the probe's two requests to each "
                     "endpoint may cost $%s; --no-probe leaves them out",
                     limit, fits ? amount : "?");
}

void budget_free(struct budget *b)
{
    if (!b->workload)
        return;
    plan_selection_free(&b->plans);
    free(b->spent);
    free(b->asked);
    pthread_mutex_destroy(&b->lock);
    *b = (struct budget){0};
}

/* ---- while it runs ---- */

bool budget_admit(struct budget *b, uint32_t row)
{
    money wanted, after;
    if (!b->limited)
        return true;
    pthread_mutex_lock(&b->lock);
    bool fits = !b->overflowed && most(b, 0, row, &wanted) &&
                money_add(b->spent[0], b->reserved, &after) == 0 &&
                money_add(after, wanted, &after) == 0 && after <= b->limit;
    if (fits)
        b->reserved += wanted;
    pthread_mutex_unlock(&b->lock);
    return fits;
}

void budget_note(struct budget *b, const struct record *r)
{
    money amount;
    if (r->status == RECORD_UNSENT)
        return;
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < b->plans.count; i++)
        if (price(b, i, r, &amount) && money_add(b->spent[i], amount, &b->spent[i]) < 0)
            b->overflowed = true;
    if (b->limited && r->final && most(b, 0, r->row, &amount))
        b->reserved -= amount;
    pthread_mutex_unlock(&b->lock);
}

/* ---- for other processes ---- */

money *budget_most_by_row(struct budget *b)
{
    bool fits = b->limited;
    money *all = fits ? mem_zero(b->workload->count, sizeof *all) : NULL;
    for (uint32_t row = 0; fits && row < b->workload->count; row++)
        fits = most(b, 0, row, &all[row]);
    if (fits)
        return all;
    free(all);
    return NULL;
}

money budget_take_slice(struct budget *b, uint64_t parts, money least)
{
    pthread_mutex_lock(&b->lock);
    money left = b->limit - b->spent[0] - b->reserved;
    money slice = left / (money)(parts ? parts : 1);
    if (slice < least)
        slice = least < left ? least : left;
    if (!b->limited || b->overflowed || slice < 0)
        slice = 0;
    b->reserved += slice;
    pthread_mutex_unlock(&b->lock);
    return slice;
}

void budget_give_back(struct budget *b, money unused)
{
    pthread_mutex_lock(&b->lock);
    b->reserved -= unused;
    pthread_mutex_unlock(&b->lock);
}

/* ---- what a budget cannot see ---- */

static bool charges(struct budget *b, size_t plan)
{
    money amount;
    for (uint32_t row = 0; row < b->workload->count; row++)
        if (!most(b, plan, row, &amount) || amount > 0)
            return true;
    return false;
}

static void add_nothing(struct budget *b, const char *limit, struct buffer *lines)
{
    const struct plan *first = b->plans.plans[0];
    size_t other = 1;
    while (other < b->plans.count && !charges(b, other))
        other++;
    buffer_add_format(
        lines,
        "--max-cost %s will not stop this run: plan %.60s %s. Begin --plans with one that charges "
        "by usage",
        limit, first->name,
        first->subscription.present  ? "is a subscription and charges nothing for a request"
        : first->provisioned.present ? "is paid by the hour and charges nothing for a request"
                                     : "charges nothing for its requests");
    if (other < b->plans.count)
        buffer_add_format(lines, " (%.60s)", b->plans.plans[other]->name);
    buffer_add_text(lines, ", or bound the run by --requests or --duration\n");
}

/* True where the plan sells the model. */
static bool check_model(const struct budget *b, const char *model, struct buffer *lines)
{
    if (plan_rate_for(b->plans.plans[0], model))
        return true;
    buffer_add_format(lines,
                      "plan %.60s does not sell model %.60s: its requests count as nothing for "
                      "--max-cost; begin --plans with one that does\n",
                      b->plans.plans[0]->name, model);
    return false;
}

void budget_add_blind(struct budget *b, const char *limit, struct buffer *lines)
{
    bool sold = true, own = false;
    if (!b->limited)
        return;
    for (size_t i = 0; i < b->asked_count; i++) {
        if (!in_play(b, i))
            continue;
        own |= !b->asked[i].model;
        sold &= !b->asked[i].model || check_model(b, b->asked[i].model, lines);
    }
    for (uint32_t i = 0; own && i < b->workload->models.count; i++)
        sold &= check_model(b, names_text(&b->workload->models, i), lines);
    if (sold && !charges(b, 0))
        add_nothing(b, limit, lines);
}

/* ---- what is shown ---- */

void budget_show(struct budget *b, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < b->plans.count && i < 2 && at < size; i++) {
        char amount[MONEY_TEXT_SIZE];
        money_format_amount(b->spent[i], 2, amount);
        int n = snprintf(out + at, size - at, "%s$%s %.24s", i ? " · " : "", amount,
                         b->plans.plans[i]->name);
        at += n > 0 ? (size_t)n : 0;
    }
    pthread_mutex_unlock(&b->lock);
}

/* True if the rate says nothing of something that the request asks for. */
static bool lacks_price(const struct plan *p, const struct record *r)
{
    const struct plan_rate *rate = plan_rate_for(p, r->model);
    struct price_query q = price_query_of(r, &r->usage);
    struct charge c;
    return rate && price_request(p, rate, &q, &c) == 0 && c.unpriced;
}

int budget_quote(struct budget *b, size_t plan, uint32_t row, size_t asked, int64_t sent_ns,
                 struct budget_quote *out)
{
    const struct plan *p = b->plans.plans[plan];
    struct record r = answered(b, row, asked);
    r.sent_ns = sent_ns;
    *out = (struct budget_quote){.sold = plan_rate_for(p, r.model) != NULL,
                                 .guessed = !r.model && p->rate_count > 1,
                                 .unpriced = lacks_price(p, &r)};
    return price_dearest(b, plan, &r, &out->amount) ? 0 : -1;
}
