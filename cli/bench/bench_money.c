#include "cli/bench/bench_money.h"

#include "cli/run_bill.h"
#include "core/memory.h"
#include "sim/cost/book/price.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what a request costs ---- */

/* False where it does not fit; then *out is 0. */
static bool price(struct bench_money *m, size_t plan, const struct record *r, money *out)
{
    if (price_record(m->plans.plans[plan], r, m->start_unix_ns, out) >= 0)
        return true;
    m->overflowed = true;
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

/* The request answered as the workload says, by the model that the endpoint is asked for; NULL
 * where that is the first that it lists. */
static struct record answered(const struct bench_money *m, uint32_t row, size_t endpoint)
{
    struct request q;
    const char *model = m->config->endpoints[endpoint].model;
    workload_get(m->workload, row, &q);
    struct record r = completed(model ? model : q.model, &q.usage);
    r.row = row;
    r.class_name = q.class_name;
    r.service = service_name(q.service);
    r.asked_input = q.input_tokens;
    r.asked_output = q.output_tokens;
    return r;
}

/* What a model that is not known yet may cost: the dearest that the plan sells. As a name, a
 * pattern matches itself. */
static bool price_dearest(struct bench_money *m, size_t plan, struct record *r, money *out)
{
    const struct plan *p = m->plans.plans[plan];
    bool known = r->model != NULL, fits = price(m, plan, r, out);
    for (size_t i = 0; fits && !known && i < p->rate_count; i++) {
        money amount;
        r->model = p->rates[i].model_count ? p->rates[i].models[0] : NULL;
        fits = price(m, plan, r, &amount);
        *out = fits && amount > *out ? amount : *out;
    }
    r->model = known ? r->model : NULL;
    return fits;
}

/* All sessions go to the last endpoint where no endpoint has a share. */
static bool in_play(const struct bench_config *c, size_t endpoint)
{
    double total = 0;
    for (size_t i = 0; i < c->endpoint_count; i++)
        total += c->endpoints[i].share;
    return c->endpoints[endpoint].share > 0 || (!(total > 0) && endpoint + 1 == c->endpoint_count);
}

/* The most that the request can cost if it is answered at the workload's lengths: at the dearest
 * endpoint that it may go to, with and without the cache hits that a recording had. False where it
 * does not fit. */
static bool most(struct bench_money *m, size_t plan, uint32_t row, money *out)
{
    bool fits = true;
    *out = 0;
    for (size_t i = 0; fits && i < m->config->endpoint_count; i++) {
        money hit, missed;
        if (!in_play(m->config, i))
            continue;
        struct record r = answered(m, row, i);
        fits = price_dearest(m, plan, &r, &hit);
        struct usage cold =
            usage_from_totals(usage_input(&r.usage), 0, 0, 0, usage_output(&r.usage),
                              r.usage.tokens[USAGE_REASONING]);
        cold.extras = r.usage.extras;
        cold.extra_count = r.usage.extra_count;
        r.usage = cold;
        fits = fits && price_dearest(m, plan, &r, &missed);
        missed = fits && missed > hit ? missed : hit;
        *out = missed > *out ? missed : *out;
    }
    return fits;
}

/* ---- creation ---- */

/* The probe's answers are no records of the run: what they may cost is set aside for good. */
static int reserve_probe(struct bench_money *m, const char *limit, struct error *err)
{
    static const uint64_t words[] = {32, 1056}; /* of bench/client/probe.c; at two tokens each */
    bool fits = true;
    for (size_t i = 0; i < m->config->endpoint_count; i++) {
        for (size_t k = 0; fits && k < sizeof words / sizeof *words; k++) {
            struct usage usage = usage_from_totals(2 * words[k], 0, 0, 0, 1, 0);
            struct record r = completed(m->config->endpoints[i].model, &usage);
            money amount;
            fits = price_dearest(m, 0, &r, &amount) && money_add(m->probe, amount, &m->probe) == 0;
        }
    }
    m->reserved = m->probe;
    if (fits && m->probe < m->limit)
        return 0;
    char amount[MONEY_TEXT_SIZE];
    money_format(m->probe, amount);
    return error_set(err, ERR_WORK,
                     "--max-cost %s leaves nothing to the run: the probe's two requests to each "
                     "endpoint may cost $%s; --no-probe leaves them out",
                     limit, fits ? amount : "?");
}

int bench_money_init(struct bench_money *m, const struct option_list *plans,
                     const struct bench_config *c, const struct workload *w, const char *limit,
                     struct error *err)
{
    *m = (struct bench_money){.config = c, .workload = w, .start_unix_ns = clock_wall_ns()};
    pthread_mutex_init(&m->lock, NULL);
    if (run_bill_select(plans, &m->plans, err) < 0)
        return err->code;
    m->spent = mem_zero(m->plans.count + 1, sizeof *m->spent);
    if (!limit)
        return 0;
    enum money_fault fault = money_parse(limit, strlen(limit), MONEY_PER_ONE, &m->limit);
    if (fault != MONEY_OK || m->limit <= 0)
        return error_set(err, ERR_INPUT, "--max-cost %.40s: expected an amount of USD above 0",
                         limit);
    if (m->plans.count == 0)
        return error_set(err, ERR_INPUT, "--max-cost needs --plans: what would a request cost?");
    m->limited = true;
    return c->no_probe ? 0 : reserve_probe(m, limit, err);
}

void bench_money_free(struct bench_money *m)
{
    if (!m->workload)
        return;
    plan_selection_free(&m->plans);
    free(m->spent);
    pthread_mutex_destroy(&m->lock);
    *m = (struct bench_money){0};
}

/* ---- while it runs ---- */

bool bench_money_admit(struct bench_money *m, uint32_t row)
{
    money wanted, after;
    if (!m->limited)
        return true;
    pthread_mutex_lock(&m->lock);
    bool fits = !m->overflowed && most(m, 0, row, &wanted) &&
                money_add(m->spent[0], m->reserved, &after) == 0 &&
                money_add(after, wanted, &after) == 0 && after <= m->limit;
    if (fits)
        m->reserved += wanted;
    pthread_mutex_unlock(&m->lock);
    return fits;
}

void bench_money_note(struct bench_money *m, const struct record *r)
{
    money amount;
    if (r->status == RECORD_UNSENT)
        return;
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->plans.count; i++)
        if (price(m, i, r, &amount) && money_add(m->spent[i], amount, &m->spent[i]) < 0)
            m->overflowed = true;
    if (m->limited && r->final && most(m, 0, r->row, &amount))
        m->reserved -= amount;
    pthread_mutex_unlock(&m->lock);
}

/* ---- what a budget cannot see ---- */

static bool charges(struct bench_money *m, size_t plan)
{
    money amount;
    for (uint32_t row = 0; row < m->workload->count; row++)
        if (!most(m, plan, row, &amount) || amount > 0)
            return true;
    return false;
}

static void warn_of_nothing(struct bench_money *m, const struct terminal *t, const char *limit)
{
    const struct plan *first = m->plans.plans[0];
    size_t other = 1;
    while (other < m->plans.count && !charges(m, other))
        other++;
    warn(t,
         "--max-cost %s will not stop this run: plan %.60s %s. Begin --plans with one that charges "
         "by usage%s%.60s%s, or bound the run by --requests or --duration",
         limit, first->name,
         first->subscription.present  ? "is a subscription and charges nothing for a request"
         : first->provisioned.present ? "is paid by the hour and charges nothing for a request"
                                      : "charges nothing for its requests",
         other < m->plans.count ? " (" : "",
         other < m->plans.count ? m->plans.plans[other]->name : "",
         other < m->plans.count ? ")" : "");
}

/* True where the plan sells the model. */
static bool check_model(const struct bench_money *m, const struct terminal *t, const char *model)
{
    if (plan_rate_for(m->plans.plans[0], model))
        return true;
    warn(
        t,
        "plan %.60s does not sell model %.60s: its requests count as nothing for --max-cost; begin "
        "--plans with one that does",
        m->plans.plans[0]->name, model);
    return false;
}

void bench_money_warn(struct bench_money *m, const struct terminal *t, const char *limit)
{
    bool sold = true, own = false;
    if (!m->limited)
        return;
    for (size_t i = 0; i < m->config->endpoint_count; i++) {
        if (!in_play(m->config, i))
            continue;
        const char *model = m->config->endpoints[i].model;
        own |= !model;
        sold &= !model || check_model(m, t, model);
    }
    for (uint32_t i = 0; own && i < m->workload->models.count; i++)
        sold &= check_model(m, t, names_text(&m->workload->models, i));
    if (sold && !charges(m, 0))
        warn_of_nothing(m, t, limit);
}

/* ---- what is shown ---- */

void bench_money_show(struct bench_money *m, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->plans.count && i < 2 && at < size; i++) {
        char amount[MONEY_TEXT_SIZE];
        money_format_fixed(m->spent[i], 2, amount);
        int n = snprintf(out + at, size - at, "%s$%s %.24s", i ? " · " : "", amount,
                         m->plans.plans[i]->name);
        at += n > 0 ? (size_t)n : 0;
    }
    pthread_mutex_unlock(&m->lock);
}

/* True if the rate says nothing of something that the request asks for. */
static bool lacks_price(const struct plan *p, const struct record *r)
{
    const struct plan_rate *rate = plan_rate_for(p, r->model);
    int service = r->service ? service_from_name(text_of(r->service)) : SERVICE_STANDARD;
    struct price_query q = {.usage = &r->usage,
                            .service = service < 0 ? SERVICE_STANDARD : (enum service)service,
                            .at_unix_ns = TIME_NEVER,
                            .model = r->model,
                            .class_name = r->class_name};
    struct charge c;
    return rate && price_request(p, rate, &q, &c) == 0 && c.unpriced;
}

int bench_money_quote(struct bench_money *m, size_t plan, uint32_t row, size_t endpoint,
                      int64_t sent_ns, struct bench_quote *out)
{
    const struct plan *p = m->plans.plans[plan];
    struct record r = answered(m, row, endpoint);
    r.sent_ns = sent_ns;
    *out = (struct bench_quote){.sold = plan_rate_for(p, r.model) != NULL,
                                .guessed = !r.model && p->rate_count > 1,
                                .unpriced = lacks_price(p, &r)};
    return price_dearest(m, plan, &r, &out->amount) ? 0 : -1;
}
