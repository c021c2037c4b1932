#include "sim/cost/bill/tariff.h"

#include "core/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

const char *charge_part_name(enum charge_part part)
{
    static const char *const names[CHARGE_PARTS] = {"input",     "cached",  "output",
                                                    "reasoning", "retries", "fees"};
    return names[part];
}

uint32_t unpriced_bit(int number)
{
    return number < USAGE_CLASSES ? 1u << number
                                  : (number == USAGE_CLASSES ? UNPRICED_EXTRAS : UNPRICED_SERVICE);
}

const char *unpriced_name(int number)
{
    static const char *const names[UNPRICED_NAMES] = {
        "input tokens",  "cached input",     "cache writes",   "1-hour cache writes",
        "output tokens", "reasoning tokens", "tools or units", "its service"};
    return names[number];
}

static const enum charge_part part_of_class[USAGE_CLASSES] = {
    PART_INPUT, PART_CACHED, PART_INPUT, PART_INPUT, PART_OUTPUT, PART_REASONING};

/* Plans without fees by name, weights and rounding. */
static bool is_simple(const struct plan *p)
{
    if (p->rounding.scope == ROUND_CLASSES || p->rounding.scope == ROUND_REQUESTS ||
        p->fees.minimum_per_request > 0)
        return false;
    for (size_t i = 0; i < p->rate_count; i++)
        if (p->rates[i].weight_count || p->rates[i].tool_count || p->rates[i].unit_count)
            return false;
    return true;
}

void tariff_init(struct tariff *t, const struct plan *plan, const struct serve_rows *rows,
                 const struct serve_result *served, int64_t start_unix_ns, bool ignore_caps,
                 const struct earlier_attempts *earlier)
{
    const struct workload *w = rows->workload;
    *t = (struct tariff){.plan = plan,
                         .rows = rows,
                         .served = served,
                         .model_count = w->model ? w->models.count : 0,
                         .start_unix_ns = start_unix_ns,
                         .ignore_caps = ignore_caps,
                         .earlier = earlier};
    t->rates = mem_alloc((t->model_count + 1) * sizeof *t->rates);
    for (size_t i = 0; i < t->model_count; i++)
        t->rates[i] = plan_rate_for(plan, names_text(&w->models, (uint32_t)i));
    t->rates[t->model_count] = plan_rate_for(plan, NULL);
    t->simple =
        is_simple(plan) && !earlier && !w->status && !w->attempts && w->usage_extra_count == 0;
}

void tariff_free(struct tariff *t)
{
    free(t->rates);
    *t = (struct tariff){0};
}

bool tariff_serves(const struct tariff *t, size_t row)
{
    return !t->served->fate || serve_is_served(t->served->fate[row]);
}

static const struct plan_rate *rate_of(const struct tariff *t, size_t row)
{
    const struct workload *w = t->rows->workload;
    if (!w->model || w->model[row] == UINT16_MAX)
        return t->rates[t->model_count];
    return t->rates[w->model[row]];
}

/* The output cap cuts the end of the answer: visible output first, then reasoning. */
static void cap_output(const struct tariff *t, struct usage *u)
{
    uint64_t whole = usage_output(u),
             over = whole - serve_capped_output(t->plan, t->ignore_caps, whole);
    uint64_t visible = over < u->tokens[USAGE_OUTPUT] ? over : u->tokens[USAGE_OUTPUT];
    u->tokens[USAGE_OUTPUT] -= visible;
    u->tokens[USAGE_REASONING] -= over - visible;
}

static int add_charge(const struct charge *c, struct row_charge *out)
{
    for (int i = 0; i < USAGE_CLASSES; i++)
        out->part[part_of_class[i]] += c->by_class[i];
    out->part[PART_FEES] += c->request + c->tools + c->units + c->adjustment;
    out->unpriced |= c->unpriced | (c->unpriced_extras > 0 ? UNPRICED_EXTRAS : 0);
    return money_add(out->total, c->total, &out->total);
}

/* Attempts before the last: what they delivered is not known, so that "delivered" bills the input;
 * "full" bills all the output that was asked for. */
static int add_retries(const struct tariff *t, uint32_t attempts, uint64_t asked_output,
                       const struct price_query *last, const struct plan_rate *rate,
                       struct row_charge *out)
{
    const struct plan_billing *b = &t->plan->billed;
    if (attempts <= 1 || !b->retried_each || b->failed == BILLED_NONE)
        return 0;
    struct usage u = price_billed_usage(BILLED_INPUT, last->usage, 0);
    u = price_billed_usage(b->failed, &u, asked_output);
    cap_output(t, &u);
    u.extra_count = 0;
    struct price_query q = *last;
    struct charge c;
    money retries;
    q.usage = &u;
    if (price_request(t->plan, rate, &q, &c) < 0 ||
        money_multiply(c.total, attempts - 1, &retries) < 0)
        return -1;
    out->part[PART_RETRIES] += retries;
    return money_add(out->total, retries, &out->total);
}

/* Attempts before the last where a run recorded them: each by its own end. */
static int add_earlier(const struct tariff *t, size_t row, const struct price_query *last,
                       const struct plan_rate *rate, struct row_charge *out)
{
    const struct earlier_attempts *e = t->earlier;
    if (!t->plan->billed.retried_each)
        return 0;
    for (uint64_t i = e->start[row]; i < e->start[row + 1]; i++) {
        const struct earlier_attempt *a = &e->items[i];
        enum billed what = price_billed(t->plan, a->status, a->http_status);
        if (what == BILLED_NONE)
            continue;
        struct usage u = price_billed_usage(what, &a->usage, a->asked_output);
        struct price_query q = *last;
        struct charge c;
        cap_output(t, &u);
        q.usage = &u;
        if (t->start_unix_ns != TIME_NEVER && a->sent_ns != TIME_NEVER)
            q.at_unix_ns = t->start_unix_ns + a->sent_ns;
        if (price_request(t->plan, rate, &q, &c) < 0 ||
            money_add(out->total, c.total, &out->total) < 0)
            return -1;
        out->part[PART_RETRIES] += c.total;
    }
    return 0;
}

static enum billed billed_status(const struct tariff *t, size_t row)
{
    const struct workload *w = t->rows->workload;
    const struct plan *p = t->plan;
    uint8_t status = w->status ? w->status[row] : REQUEST_OK;
    if (status == REQUEST_FAILED)
        return price_billed(p, RECORD_FAILED, t->earlier ? t->earlier->http_status[row] : 0);
    return status == REQUEST_ABORTED ? p->billed.aborted : BILLED_DELIVERED;
}

static int64_t sent_unix_ns(const struct tariff *t, size_t row)
{
    if (t->start_unix_ns == TIME_NEVER)
        return TIME_NEVER;
    return t->start_unix_ns +
           (t->served->start_ns ? t->served->start_ns[row] : serve_due(t->rows, row));
}

static void fill_query(const struct tariff *t, size_t row, struct price_query *q)
{
    const struct workload *w = t->rows->workload;
    q->service = w->service ? (enum service)w->service[row] : SERVICE_STANDARD;
    q->at_unix_ns = sent_unix_ns(t, row);
    q->model =
        w->model && w->model[row] != UINT16_MAX ? names_text(&w->models, w->model[row]) : NULL;
    q->class_name = w->class_number && w->class_number[row] != UINT16_MAX
                        ? names_text(&w->classes, w->class_number[row])
                        : NULL;
}

/* A service other than the standard one that the rate says nothing of: the standard price is a
 * guess. What is paid by the request or the period is so whatever the service. */
static inline uint32_t unpriced_service(const struct plan_rate *rate, enum service service)
{
    bool by_token = rate->resolved[service].tables[0].priced != 0;
    bool known = service == SERVICE_STANDARD || rate->services_priced >> service & 1;
    return by_token && !known ? UNPRICED_SERVICE : 0;
}

int tariff_charge(const struct tariff *t, size_t row, struct row_charge *out)
{
    const struct workload *w = t->rows->workload;
    *out = (struct row_charge){0};
    if (t->served->fate && t->served->fate[row] != SERVE_PAID)
        return 0;
    const struct plan_rate *rate = rate_of(t, row);
    if (!rate)
        return 0;
    struct usage delivered = workload_usage(w, row), u;
    enum billed what = billed_status(t, row);
    struct price_query q = {.usage = &delivered};
    struct charge c;
    fill_query(t, row, &q);
    if (w->attempts && add_retries(t, w->attempts[row], w->output_tokens[row], &q, rate, out) < 0)
        return -1;
    if (t->earlier && add_earlier(t, row, &q, rate, out) < 0)
        return -1;
    if (what == BILLED_NONE)
        return 0;
    u = price_billed_usage(what, &delivered,
                           t->earlier ? t->earlier->asked_output[row] : w->output_tokens[row]);
    cap_output(t, &u);
    q.usage = &u;
    if (price_request(t->plan, rate, &q, &c) < 0)
        return -1;
    out->unpriced |= unpriced_service(rate, q.service);
    return add_charge(&c, out);
}

/* One row of a simple tariff. Prices of a token are at most 1e27 and counts below 2^32: nothing
 * here can overflow. */
static inline void charge_simple(const struct tariff *t, size_t row, struct row_charge *out)
{
    const struct workload *w = t->rows->workload;
    uint32_t cached = 0, write = 0, write_1h = 0, reasoning = 0;
    uint32_t input = w->input_tokens[row];
    uint32_t output = (uint32_t)serve_capped_output(t->plan, t->ignore_caps, w->output_tokens[row]);
    const struct plan_rate *rate = rate_of(t, row);
    enum service service = w->service ? (enum service)w->service[row] : SERVICE_STANDARD;
    const struct rate_prices *prices = rate->window_count
                                           ? price_in_force(rate, service, sent_unix_ns(t, row))
                                           : &rate->resolved[service];
    const struct token_table *table = price_table(prices, input);
    if (w->usage && w->usage_known[row]) {
        const struct recorded_usage *r = &w->usage[row];
        cached = r->cached_input < input ? r->cached_input : input;
        write = r->cache_write < input - cached ? r->cache_write : input - cached;
        write_1h =
            r->cache_write_1h < input - cached - write ? r->cache_write_1h : input - cached - write;
        reasoning = r->reasoning < output ? r->reasoning : output;
    }
    uint32_t plain = input - cached - write - write_1h, visible = output - reasoning;
    out->part[PART_INPUT] = table->price[USAGE_UNCACHED_INPUT] * plain;
    if (write | write_1h)
        out->part[PART_INPUT] +=
            table->price[USAGE_CACHE_WRITE] * write + table->price[USAGE_CACHE_WRITE_1H] * write_1h;
    out->part[PART_CACHED] = table->price[USAGE_CACHED_INPUT] * cached;
    out->part[PART_OUTPUT] = table->price[USAGE_OUTPUT] * visible;
    out->part[PART_REASONING] = table->price[USAGE_REASONING] * reasoning;
    out->part[PART_RETRIES] = 0;
    out->part[PART_FEES] = prices->per_request_micro * PLAN_MICRO;
    out->total = out->part[PART_INPUT] + out->part[PART_CACHED] + out->part[PART_OUTPUT] +
                 out->part[PART_REASONING] + out->part[PART_FEES];
    unsigned used =
        (plain ? 1u << USAGE_UNCACHED_INPUT : 0) | (cached ? 1u << USAGE_CACHED_INPUT : 0) |
        (write ? 1u << USAGE_CACHE_WRITE : 0) | (write_1h ? 1u << USAGE_CACHE_WRITE_1H : 0) |
        (visible ? 1u << USAGE_OUTPUT : 0) | (reasoning ? 1u << USAGE_REASONING : 0);
    /* Without any token price tokens are what the price per request buys. */
    out->unpriced = table->priced ? used & ~(unsigned)table->priced : 0;
    out->unpriced |= unpriced_service(rate, service);
}

int tariff_charge_fast(const struct tariff *t, size_t row, struct row_charge *out)
{
    if (!t->simple || (t->served->fate && t->served->fate[row] != SERVE_PAID))
        return tariff_charge(t, row, out);
    charge_simple(t, row, out);
    return 0;
}

struct charge_context {
    const struct tariff *t;
    struct charge_sums sums;
    int64_t *quanta;
};

static void add_row(struct charge_sums *s, const struct row_charge *c, const struct tariff *t,
                    size_t row)
{
    const struct workload *w = t->rows->workload;
    for (int p = 0; p < CHARGE_PARTS; p++)
        s->part[p] += c->part[p];
    s->overflow = money_add(s->total, c->total, &s->total) < 0 || s->overflow;
    s->rows++;
    s->unpriced += c->unpriced != 0;
    s->unpriced_what |= c->unpriced;
    s->input_tokens += w->input_tokens[row];
    s->output_tokens += serve_capped_output(t->plan, t->ignore_caps, w->output_tokens[row]);
}

static void charge_block(void *context, size_t begin, size_t end)
{
    struct charge_context *c = context;
    const struct tariff *t = c->t;
    for (size_t i = begin; i < end; i++) {
        struct row_charge row;
        bool paid = !t->served->fate || t->served->fate[i] == SERVE_PAID;
        if (t->simple && paid)
            charge_simple(t, i, &row);
        else if (tariff_charge(t, i, &row) < 0)
            c->sums.overflow = true;
        bool served = tariff_serves(t, i);
        if (served)
            add_row(&c->sums, &row, t, i);
        if (c->quanta)
            c->quanta[i] = served ? charge_quanta(row.total) : TARIFF_UNSERVED;
    }
}

struct parallel {
    size_t count;
    atomic_size_t *next;
    tariff_block_fn *each;
    void *context;
};

static void *work(void *argument)
{
    struct parallel *p = argument;
    for (;;) {
        size_t begin = atomic_fetch_add(p->next, TARIFF_BLOCK);
        if (begin >= p->count)
            return NULL;
        size_t end = begin + TARIFF_BLOCK < p->count ? begin + TARIFF_BLOCK : p->count;
        p->each(p->context, begin, end);
    }
}

void tariff_parallel(size_t count, unsigned workers, tariff_block_fn *each, void *contexts,
                     size_t context_size)
{
    atomic_size_t next = 0;
    pthread_t threads[TARIFF_WORKERS_MAX];
    struct parallel jobs[TARIFF_WORKERS_MAX];
    bool started[TARIFF_WORKERS_MAX] = {false};
    if (workers > TARIFF_WORKERS_MAX)
        workers = TARIFF_WORKERS_MAX;
    for (unsigned i = 0; i < workers; i++)
        jobs[i] =
            (struct parallel){count, &next, each, (char *)contexts + (size_t)i * context_size};
    for (unsigned i = 1; i < workers && count > TARIFF_BLOCK; i++)
        started[i] = pthread_create(&threads[i], NULL, work, &jobs[i]) == 0;
    work(&jobs[0]); /* this thread, and whatever could not be started, does its share */
    for (unsigned i = 1; i < workers; i++)
        if (started[i])
            pthread_join(threads[i], NULL);
}

static void merge(struct charge_sums *into, const struct charge_sums *from)
{
    for (int p = 0; p < CHARGE_PARTS; p++)
        into->part[p] += from->part[p];
    into->overflow =
        money_add(into->total, from->total, &into->total) < 0 || into->overflow || from->overflow;
    into->rows += from->rows;
    into->unpriced += from->unpriced;
    into->unpriced_what |= from->unpriced_what;
    into->input_tokens += from->input_tokens;
    into->output_tokens += from->output_tokens;
}

void tariff_charge_all(const struct tariff *t, unsigned workers, struct charge_sums *sums,
                       int64_t *quanta)
{
    if (workers < 1)
        workers = 1;
    if (workers > TARIFF_WORKERS_MAX)
        workers = TARIFF_WORKERS_MAX;
    struct charge_context *contexts = mem_zero(workers, sizeof *contexts);
    for (unsigned i = 0; i < workers; i++)
        contexts[i] = (struct charge_context){.t = t, .quanta = quanta};
    tariff_parallel(t->rows->workload->count, workers, charge_block, contexts, sizeof *contexts);
    *sums = (struct charge_sums){0};
    for (unsigned i = 0; i < workers; i++)
        merge(sums, &contexts[i].sums);
    free(contexts);
}
