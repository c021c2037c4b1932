#include "sim/cost/bill/tariff.h"

#include "core/memory.h"
#include "workloads/model/attempts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* What each set of labels does to the prices of each rate. */
static money *find_uplifts(const struct plan *plan, const struct workload *w)
{
    size_t some = 0, sets = w->label_sets.count;
    for (size_t i = 0; i < plan->rate_count; i++)
        some += plan->rates[i].uplift_count;
    if (some == 0 || !w->labels)
        return NULL;
    money *out = mem_alloc((plan->rate_count * sets + 1) * sizeof *out);
    for (size_t i = 0; i < plan->rate_count; i++)
        for (size_t s = 0; s < sets; s++)
            out[i * sets + s] =
                plan_rate_uplift(&plan->rates[i], names_text(&w->label_sets, (uint32_t)s));
    return out;
}

static bool is_plain(const struct plan *plan, const struct workload *w)
{
    bool weighs = false, lifts = false;
    for (size_t i = 0; i < plan->rate_count; i++) {
        weighs = weighs || plan->rates[i].weight_count > 0;
        lifts = lifts || plan->rates[i].uplift_count > 0;
    }
    return !weighs && !lifts && plan->charged == CHARGED_REQUEST &&
           plan->limits.max_output_tokens == 0 && plan->fees.minimum_per_request == 0 &&
           plan->rounding.scope != ROUND_CLASSES && plan->rounding.scope != ROUND_REQUESTS &&
           !w->attempts && !w->earlier && !w->status && !w->media && !w->service &&
           w->usage_extra_count == 0;
}

void tariff_init(struct tariff *t, const struct plan *plan, const struct serve_rows *rows,
                 const struct serve_result *served, int64_t start_unix_ns, bool ignore_caps)
{
    const struct workload *w = rows->workload;
    *t = (struct tariff){.plan = plan,
                         .rows = rows,
                         .served = served,
                         .model_count = w->model ? w->models.count : 0,
                         .start_unix_ns = start_unix_ns,
                         .ignore_caps = ignore_caps};
    t->rates = mem_alloc((t->model_count + 1) * sizeof *t->rates);
    for (size_t i = 0; i < t->model_count; i++)
        t->rates[i] = plan_rate_for(plan, names_text(&w->models, (uint32_t)i));
    t->rates[t->model_count] = plan_rate_for(plan, NULL);
    t->uplifts = find_uplifts(plan, w);
    t->is_plain = is_plain(plan, w);
    t->is_free = w->usage_extra_count == 0 && price_is_nothing(plan);
}

void tariff_free(struct tariff *t)
{
    free(t->rates);
    free(t->uplifts);
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

void tariff_cap_output(const struct plan *plan, bool ignore_caps, struct usage *u)
{
    uint64_t whole = usage_output(u), over = whole - serve_capped_output(plan, ignore_caps, whole);
    static const enum usage_class order[] = {USAGE_OUTPUT, USAGE_AUDIO_OUTPUT, USAGE_IMAGE_OUTPUT,
                                             USAGE_REASONING};
    for (int i = 0; over > 0; i++) {
        uint64_t *tokens = &u->tokens[order[i]], cut = over < *tokens ? over : *tokens;
        *tokens -= cut;
        over -= cut;
    }
}

void row_charge_parts(const struct row_charge *c, money part[CHARGE_PARTS])
{
    for (int i = 0; i < CHARGE_PARTS; i++)
        part[i] = 0;
    charge_lines_add(c->last.line, part);
    part[PART_RETRIES] += c->retries;
}

/* Takes in what so many attempts were charged by the token; no sum passes their totals. */
static void add_tokens(struct token_charge *to, const struct usage *u, const struct charge *c,
                       uint32_t attempts)
{
    if (!to)
        return;
    to->tokens += (usage_input(u) + usage_output(u)) * attempts;
    for (int i = 0; i < USAGE_CLASSES; i++)
        to->amount += c->line[i] * (money)attempts;
}

/* Attempts before the last: what they delivered is not known, so that "delivered" bills the input;
 * "full" bills all the output that was asked for. */
static int add_retries(const struct tariff *t, uint32_t attempts, uint64_t asked_output,
                       const struct price_query *last, const struct plan_rate *rate, money *retries,
                       struct token_charge *by_token)
{
    const struct plan_billing *b = &t->plan->billed;
    if (attempts <= 1 || !b->retried_each || b->failed == BILLED_NONE)
        return 0;
    struct usage u = price_billed_usage(BILLED_INPUT, last->usage, 0);
    u = price_billed_usage(b->failed, &u, asked_output);
    tariff_cap_output(t->plan, t->ignore_caps, &u);
    u.extra_count = 0;
    struct price_query q = *last;
    struct charge c;
    money each;
    q.usage = &u;
    if (price_request(t->plan, rate, &q, &c) < 0 ||
        money_multiply(c.total, attempts - 1, &each) < 0)
        return -1;
    add_tokens(by_token, &u, &c, attempts - 1);
    return money_add(*retries, each, retries);
}

/* Attempts before the last where a run recorded them: each by its own end. */
static int add_earlier(const struct tariff *t, size_t row, const struct price_query *last,
                       const struct plan_rate *rate, money *retries, struct token_charge *by_token)
{
    const struct earlier_attempts *e = t->rows->workload->earlier;
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
        tariff_cap_output(t->plan, t->ignore_caps, &u);
        q.usage = &u;
        if (t->start_unix_ns != TIME_NEVER && a->sent_ns != TIME_NEVER)
            q.at_unix_ns = t->start_unix_ns + a->sent_ns;
        if (price_request(t->plan, rate, &q, &c) < 0 || money_add(*retries, c.total, retries) < 0)
            return -1;
        add_tokens(by_token, &u, &c, 1);
    }
    return 0;
}

static enum billed billed_status(const struct tariff *t, size_t row)
{
    const struct workload *w = t->rows->workload;
    const struct plan *p = t->plan;
    uint8_t status = w->status ? w->status[row] : REQUEST_OK;
    if (status == REQUEST_FAILED)
        return price_billed(p, RECORD_FAILED, w->earlier ? w->earlier->finals[row].http_status : 0);
    return status == REQUEST_ABORTED ? p->billed.aborted : BILLED_DELIVERED;
}

static int64_t sent_unix_ns(const struct tariff *t, size_t row)
{
    if (t->start_unix_ns == TIME_NEVER)
        return TIME_NEVER;
    return t->start_unix_ns +
           (t->served->start_ns ? t->served->start_ns[row] : serve_due(t->rows, row));
}

static void fill_query(const struct tariff *t, size_t row, const struct plan_rate *rate,
                       struct price_query *q)
{
    const struct workload *w = t->rows->workload;
    q->service = workload_service(w, row, &q->other_service);
    if (t->uplifts && w->labels[row] != NAME_NONE)
        q->uplift =
            t->uplifts[(size_t)(rate - t->plan->rates) * w->label_sets.count + w->labels[row]];
    q->at_unix_ns = sent_unix_ns(t, row);
    q->goes_along = serve_goes_along(t->plan, t->rows, row);
    q->model =
        w->model && w->model[row] != UINT16_MAX ? names_text(&w->models, w->model[row]) : NULL;
    q->class_name = w->class_number && w->class_number[row] != UINT16_MAX
                        ? names_text(&w->classes, w->class_number[row])
                        : NULL;
}

/* by_token: NULL where nobody asks. */
static int charge_row(const struct tariff *t, size_t row, struct row_charge *out,
                      struct token_charge *by_token)
{
    const struct workload *w = t->rows->workload;
    const struct plan_rate *rate = rate_of(t, row);
    if (!rate || (t->served->fate && t->served->fate[row] != SERVE_PAID)) {
        *out = (struct row_charge){0};
        return 0;
    }
    struct usage u = workload_usage(w, row);
    enum billed what = billed_status(t, row);
    struct price_query q = {.usage = &u};
    fill_query(t, row, rate, &q);
    out->retries = 0;
    if (w->attempts && add_retries(t, w->attempts[row], w->output_tokens[row], &q, rate,
                                   &out->retries, by_token) < 0)
        return -1;
    if (w->earlier && add_earlier(t, row, &q, rate, &out->retries, by_token) < 0)
        return -1;
    if (what == BILLED_NONE) {
        out->last = (struct charge){0};
        out->total = out->retries;
        return 0;
    }
    if (what != BILLED_DELIVERED)
        u = price_billed_usage(
            what, &u, w->earlier ? w->earlier->finals[row].asked_output : w->output_tokens[row]);
    tariff_cap_output(t->plan, t->ignore_caps, &u);
    if (price_request(t->plan, rate, &q, &out->last) < 0)
        return -1;
    add_tokens(by_token, &u, &out->last, 1);
    return money_add(out->last.total, out->retries, &out->total);
}

int tariff_charge(const struct tariff *t, size_t row, struct row_charge *out)
{
    return charge_row(t, row, out, NULL);
}

int tariff_total(const struct tariff *t, size_t row, money *out, bool *priced)
{
    const struct plan_rate *rate = rate_of(t, row);
    struct row_charge c;
    uint32_t unpriced = 0;
    int code = 0;
    *out = 0;
    if (priced)
        *priced = true;
    if (!rate || (t->served->fate && t->served->fate[row] != SERVE_PAID))
        return 0;
    if (t->is_plain) {
        struct usage u = workload_usage(t->rows->workload, row);
        code = price_text_total(rate, &u, sent_unix_ns(t, row), out, &unpriced);
    } else {
        code = tariff_charge(t, row, &c);
        *out = c.total;
        unpriced = c.last.unpriced;
    }
    if (priced)
        *priced = unpriced == 0;
    return code;
}

int tariff_token_charge(const struct tariff *t, size_t row, struct token_charge *out)
{
    struct row_charge c;
    *out = (struct token_charge){0};
    return charge_row(t, row, &c, out);
}

bool tariff_prices(const struct tariff *t, size_t row, struct row_prices *out)
{
    const struct workload *w = t->rows->workload;
    const struct plan_rate *rate = rate_of(t, row);
    enum billed what = billed_status(t, row);
    struct usage u = workload_usage(w, row);
    struct price_query q = {.usage = &u};
    if (!rate || !tariff_serves(t, row) || what == BILLED_NONE)
        return false;
    fill_query(t, row, rate, &q);
    if (what != BILLED_DELIVERED)
        u = price_billed_usage(
            what, &u, w->earlier ? w->earlier->finals[row].asked_output : w->output_tokens[row]);
    tariff_cap_output(t->plan, t->ignore_caps, &u);
    size_t service = plan_rate_service(rate, q.service, q.other_service);
    const struct rate_prices *prices = price_in_force(rate, service, q.at_unix_ns);
    const struct token_table *table =
        price_table(prices, prices->by_output ? usage_output(&u) : usage_input(&u));
    *out = (struct row_prices){
        u, rate, price_lifted(table, q.uplift), q.goes_along ? 0 : prices->per_request_micro,
        plan_weight(rate->weights, rate->weight_count, q.model, q.class_name, q.at_unix_ns)};
    return true;
}

/* One worker's sums; those of the charges are one great row. */
struct charge_context {
    const struct tariff *t;
    struct row_charge sum;
    struct charge_sums sums;
    money_magnitude differs; /* bits in which a charge is not as the first one */
    struct charge_notes notes;
};

static void add_moments(struct charge_moments *m, const struct row_charge *row)
{
    money part[CHARGE_PARTS];
    int64_t x[CHARGE_PARTS], total = 0;
    row_charge_parts(row, part);
    for (int p = 0; p < CHARGE_PARTS; p++) {
        x[p] = charge_quanta(part[p]);
        total = (int64_t)((uint64_t)total + (uint64_t)x[p]);
        m->any |= x[p] < 0 ? ~x[p] : x[p];
    }
    m->any |= total < 0 ? ~total : total;
    for (int p = 0; p < CHARGE_PARTS; p++) {
        m->first[p] += x[p];
        m->product[p] += (money_magnitude)((money)x[p] * total);
    }
}

/* The same of a row that has lines of text only: no part is negative, none above the total. */
#define TEXT_PARTS ((int)PART_RETRIES)
static inline void add_text_moments(struct charge_moments *m, const struct row_charge *row)
{
    money part[TEXT_PARTS] = {0};
    uint64_t x[TEXT_PARTS], total = 0;
    for (int c = 0; c < USAGE_PLAIN_CLASSES; c++)
        part[charge_part_of_text((enum usage_class)c)] += row->last.line[c];
    for (int p = 0; p < TEXT_PARTS; p++) {
        x[p] = (uint64_t)(part[p] >> CHARGE_QUANTUM_BITS);
        total += x[p];
        m->first[p] += (money)x[p];
    }
    for (int p = 0; p < TEXT_PARTS; p++)
        m->product[p] += (money_magnitude)x[p] * total;
    m->any |= charge_quanta(row->total);
}

/* False where the sum does not fit. Nothing that is charged is negative: no line passes the total.
 */
static bool add_row(struct charge_context *c, const struct row_charge *row, size_t number)
{
    const struct workload *w = c->t->rows->workload;
    struct charge_sums *s = &c->sums;
    if (money_add(c->sum.total, row->total, &c->sum.total) < 0)
        return false;
    for (int i = 0; i < USAGE_PLAIN_CLASSES; i++)
        c->sum.last.line[i] += row->last.line[i];
    bool more = false;
    for (int i = USAGE_PLAIN_CLASSES; i < CHARGE_LINES; i++)
        if (row->last.line[i] != 0) { /* few rows have fees, or more than text */
            c->sum.last.line[i] += row->last.line[i];
            more = true;
        }
    c->sum.retries += row->retries;
    if (s->rows == 0)
        s->each = row->total;
    c->differs |= (money_magnitude)(row->total ^ s->each);
    if (c->notes.has_moments && (more || row->retries != 0))
        add_moments(&c->notes.moments, row);
    else if (c->notes.has_moments && row->total != 0)
        add_text_moments(&c->notes.moments, row);
    s->rows++;
    s->unpriced += row->last.unpriced != 0;
    s->unpriced_what |= row->last.unpriced;
    s->input_tokens += w->input_tokens[number];
    s->output_tokens +=
        serve_capped_output(c->t->plan, c->t->ignore_caps, w->output_tokens[number]);
    return true;
}

/* A row for which nothing is paid: it is included, or not served. */
static void add_unpaid(struct charge_context *c, size_t number)
{
    const struct workload *w = c->t->rows->workload;
    struct charge_sums *s = &c->sums;
    bool served = tariff_serves(c->t, number);
    if (c->notes.quanta)
        c->notes.quanta[number] = served ? 0 : TARIFF_UNSERVED;
    if (!served)
        return;
    if (s->rows++ == 0)
        s->each = 0;
    c->differs |= (money_magnitude)s->each;
    s->input_tokens += w->input_tokens[number];
    s->output_tokens +=
        serve_capped_output(c->t->plan, c->t->ignore_caps, w->output_tokens[number]);
}

static void charge_block(void *context, size_t begin, size_t end)
{
    struct charge_context *c = context;
    const uint8_t *fate = c->t->served->fate;
    for (size_t i = begin; i < end && !c->sums.overflow; i++) {
        struct row_charge row;
        if (c->t->is_free || (fate && fate[i] != SERVE_PAID)) {
            add_unpaid(c, i);
            continue;
        }
        bool served = tariff_serves(c->t, i);
        if (tariff_charge(c->t, i, &row) < 0 || (served && !add_row(c, &row, i))) {
            c->sums.overflow = true;
            return;
        }
        if (c->notes.quanta)
            c->notes.quanta[i] = served ? charge_quanta(row.total) : TARIFF_UNSERVED;
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

static void merge_moments(struct charge_moments *into, const struct charge_moments *from)
{
    for (int p = 0; p < CHARGE_PARTS; p++) {
        into->first[p] += from->first[p];
        into->product[p] += from->product[p];
    }
    into->any |= from->any;
}

static void merge(struct charge_sums *into, const struct charge_context *c)
{
    const struct charge_sums *from = &c->sums;
    money part[CHARGE_PARTS];
    into->overflow =
        into->overflow || from->overflow || money_add(into->total, c->sum.total, &into->total) < 0;
    if (into->overflow)
        return;
    row_charge_parts(&c->sum, part);
    for (int p = 0; p < CHARGE_PARTS; p++)
        into->part[p] += part[p];
    if (from->rows > 0) {
        bool same = c->differs == 0 && (into->rows == 0 || into->each == from->each);
        into->alike = same && (into->rows == 0 || into->alike);
        into->each = from->each;
    }
    into->rows += from->rows;
    into->unpriced += from->unpriced;
    into->unpriced_what |= from->unpriced_what;
    into->input_tokens += from->input_tokens;
    into->output_tokens += from->output_tokens;
}

void tariff_charge_all(const struct tariff *t, unsigned workers, struct charge_sums *sums,
                       struct charge_notes *notes)
{
    if (workers < 1)
        workers = 1;
    if (workers > TARIFF_WORKERS_MAX)
        workers = TARIFF_WORKERS_MAX;
    struct charge_context *contexts = mem_zero(workers, sizeof *contexts);
    for (unsigned i = 0; i < workers; i++) {
        contexts[i] = (struct charge_context){.t = t};
        if (notes)
            contexts[i].notes = *notes;
    }
    tariff_parallel(t->rows->workload->count, workers, charge_block, contexts, sizeof *contexts);
    *sums = (struct charge_sums){0};
    for (unsigned i = 0; i < workers; i++) {
        merge(sums, &contexts[i]);
        if (notes)
            merge_moments(&notes->moments, &contexts[i].notes.moments);
    }
    free(contexts);
}
