/* Charges of random plans over random rows, against a slow and obvious model of the same rules: the
 * plan as it was read, one price at a time.
 *
 * FAREBOX_TARIFF_PAIRS=20000000 asks for so many pairs of a plan and a row.
 */
#include "testing_plans.h"
#include "testing_workload.h"

#include "core/buffer.h"
#include "core/memory.h"
#include "core/random.h"
#include "sim/cost/bill/tariff.h"
#include "workloads/model/attempts.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS 500
#define PAIRS 1000000

/* ---- the model ---------------------------------------------------------------------------- */

struct model_charge {
    money part[CHARGE_PARTS], total;
    uint32_t unpriced;
};

static bool model_window_holds(const struct price_window *w, int64_t at_unix_ns)
{
    struct tm tm;
    time_t seconds = (time_t)(at_unix_ns / NS_PER_S);
    if (at_unix_ns == TIME_NEVER || at_unix_ns < w->from_unix_ns || at_unix_ns >= w->until_unix_ns)
        return false;
    gmtime_r(&seconds, &tm);
    int minute = tm.tm_hour * 60 + tm.tm_min;
    if (!(w->weekdays >> (tm.tm_wday + 6) % 7 & 1))
        return false;
    if (!w->timed || w->start_minute == w->end_minute)
        return true;
    if (w->start_minute < w->end_minute)
        return w->start_minute <= minute && minute < w->end_minute;
    return minute >= w->start_minute || minute < w->end_minute;
}

static bool sells_tokens(const struct price_set *set)
{
    return set && (set->base.given || set->tier_count);
}

/* What the seller asks at that time, for that service. */
struct model_prices {
    const struct price_set *set;
    money factor, per_request_micro;
};

static struct model_prices model_prices(const struct plan_rate *rate, enum service service,
                                        int64_t at_unix_ns)
{
    struct model_prices m = {&rate->base, rate->multipliers[service], rate->base.per_request_micro};
    const struct price_set *own = rate->services[service];
    const struct price_window *window = NULL;
    for (size_t i = 0; i < rate->window_count; i++)
        if (model_window_holds(&rate->windows[i], at_unix_ns))
            window = &rate->windows[i];
    if (sells_tokens(own)) {
        m.set = own;
        m.factor = MONEY_USD;
    }
    if (own && own->has_per_request)
        m.per_request_micro = own->per_request_micro;
    if (!window)
        return m;
    if (sells_tokens(&window->set)) {
        m.set = &window->set;
        m.factor = rate->multipliers[service];
    }
    if (window->set.has_per_request)
        m.per_request_micro = window->set.per_request_micro;
    if (money_scale(m.factor, window->multiplier, &m.factor) < 0)
        ck_abort_msg("multipliers with too many decimals");
    return m;
}

/* tier[class], base[class], tier[parent], base[parent]; -1: no price. */
static money model_token(const struct model_prices *m, uint64_t input, int class)
{
    static const int parents[USAGE_CLASSES] = {-1, 0, 0, USAGE_CACHE_WRITE, -1, USAGE_OUTPUT};
    const struct price_tier *tier = NULL;
    for (size_t i = 0; i < m->set->tier_count; i++)
        if (input >= m->set->tiers[i].input_from)
            tier = &m->set->tiers[i];
    for (int c = class; c >= 0; c = parents[c]) {
        const struct token_prices *from = tier && tier->prices.given >> c & 1 ? &tier->prices
                                          : m->set->base.given >> c & 1       ? &m->set->base
                                                                              : NULL;
        money price;
        if (!from)
            continue;
        return money_scale(from->price[c], m->factor, &price) < 0 ? -1 : price;
    }
    return -1;
}

static money model_fee(const struct plan_rate *rate, const struct usage_extra *e, uint32_t *lacks)
{
    const struct named_fee *fees = e->is_unit ? rate->units : rate->tools;
    size_t count = e->is_unit ? rate->unit_count : rate->tool_count;
    for (size_t i = 0; i < count; i++) {
        uint64_t n = (uint64_t)e->count_micro, step = fees[i].step_micro;
        if (strcmp(fees[i].name, e->name) != 0)
            continue;
        if (n > 0 && n < fees[i].minimum_micro)
            n = fees[i].minimum_micro;
        while (step > 0 && n % step != 0)
            n++;
        return fees[i].price_micro * (money)n;
    }
    *lacks |= e->count_micro != 0 ? UNPRICED_EXTRAS : 0;
    return 0;
}

/* One attempt. */
static void model_attempt(const struct plan *plan, const struct plan_rate *rate,
                          const struct price_query *q, struct model_charge *out)
{
    static const enum charge_part parts[USAGE_CLASSES] = {PART_INPUT, PART_CACHED, PART_INPUT,
                                                          PART_INPUT, PART_OUTPUT, PART_REASONING};
    struct model_prices m = model_prices(rate, q->service, q->at_unix_ns);
    const struct usage *u = q->usage;
    bool any = false;
    *out = (struct model_charge){0};
    for (int c = 0; c < USAGE_CLASSES; c++)
        any = any || model_token(&m, usage_input(u), c) >= 0;
    for (int c = 0; c < USAGE_CLASSES; c++) {
        money price = model_token(&m, usage_input(u), c), amount = 0;
        if (price > 0)
            amount = price * (money)u->tokens[c];
        if (price < 0 && any && u->tokens[c] > 0)
            out->unpriced |= 1u << c;
        if (plan->rounding.scope == ROUND_CLASSES)
            amount = price_round(&plan->rounding, amount);
        out->part[parts[c]] += amount;
        out->total += amount;
    }
    money fees = m.per_request_micro *
                 (money)plan_weight(rate->weights, rate->weight_count, q->model, q->class_name);
    for (size_t i = 0; i < u->extra_count; i++)
        fees += model_fee(rate, &u->extras[i], &out->unpriced);
    money total = out->total + fees;
    if (total < plan->fees.minimum_per_request)
        total = plan->fees.minimum_per_request;
    if (plan->rounding.scope == ROUND_REQUESTS)
        total = price_round(&plan->rounding, total);
    out->part[PART_FEES] = total - out->total;
    out->total = total;
    struct model_prices first = model_prices(rate, q->service, TIME_NEVER);
    if (first.set->base.given && q->service != SERVICE_STANDARD && !rate->services[q->service] &&
        !(rate->services_priced >> q->service & 1))
        out->unpriced |= UNPRICED_SERVICE;
}

static struct usage model_billed(const struct plan *plan, bool ignore_caps, enum billed what,
                                 struct usage u, uint64_t asked)
{
    uint64_t cap = ignore_caps || !plan->limits.max_output_tokens ? UINT64_MAX
                                                                  : plan->limits.max_output_tokens;
    if (what == BILLED_INPUT)
        u.tokens[USAGE_OUTPUT] = u.tokens[USAGE_REASONING] = 0;
    while (what == BILLED_FULL && usage_output(&u) < asked)
        u.tokens[USAGE_OUTPUT] += asked - usage_output(&u);
    while (usage_output(&u) > cap && u.tokens[USAGE_OUTPUT] > 0)
        u.tokens[USAGE_OUTPUT]--;
    while (usage_output(&u) > cap)
        u.tokens[USAGE_REASONING]--;
    return u;
}

static enum billed model_failed(const struct plan_billing *b, int http_status)
{
    for (size_t i = 0; i < b->status_count; i++)
        if (b->statuses[i].http_from <= http_status && http_status <= b->statuses[i].http_to)
            return b->statuses[i].what;
    return b->failed;
}

static void model_retry(const struct tariff *t, struct price_query q, enum billed what,
                        struct usage u, uint64_t asked, struct model_charge *out)
{
    struct model_charge c;
    if (what == BILLED_NONE || !t->plan->billed.retried_each)
        return;
    u = model_billed(t->plan, t->ignore_caps, what, u, asked);
    q.usage = &u;
    model_attempt(t->plan, plan_rate_for(t->plan, q.model), &q, &c);
    out->part[PART_RETRIES] += c.total;
    out->total += c.total;
}

static void model_row(const struct tariff *t, size_t row, struct model_charge *out)
{
    const struct workload *w = t->rows->workload;
    const struct plan_billing *b = &t->plan->billed;
    const struct earlier_attempts *e = t->rows->workload->earlier;
    struct request r;
    enum billed what = BILLED_DELIVERED;
    *out = (struct model_charge){0};
    if (t->served->fate && t->served->fate[row] != SERVE_PAID)
        return;
    workload_get(w, row, &r);
    struct price_query q = {.service = r.service,
                            .at_unix_ns = TIME_NEVER,
                            .model = r.model,
                            .class_name = r.class_name};
    if (t->start_unix_ns != TIME_NEVER)
        q.at_unix_ns =
            t->start_unix_ns + (t->served->start_ns ? t->served->start_ns[row] : r.timestamp_ns);
    if (r.status == REQUEST_FAILED)
        what = model_failed(b, e ? e->http_status[row] : 0);
    else if (r.status == REQUEST_ABORTED)
        what = b->aborted;
    struct usage u = model_billed(t->plan, t->ignore_caps, what, r.usage,
                                  e ? e->asked_output[row] : r.output_tokens);
    q.usage = &u;
    if (what != BILLED_NONE)
        model_attempt(t->plan, plan_rate_for(t->plan, r.model), &q, out);
    struct usage prompt = r.usage;
    prompt.tokens[USAGE_OUTPUT] = prompt.tokens[USAGE_REASONING] = prompt.extra_count = 0;
    for (uint32_t i = 1; i < r.attempts; i++)
        model_retry(t, q, b->failed, prompt, r.output_tokens, out);
    for (uint64_t i = e ? e->start[row] : 0; e && i < e->start[row + 1]; i++) {
        const struct earlier_attempt *a = &e->items[i];
        if (q.at_unix_ns != TIME_NEVER)
            q.at_unix_ns = t->start_unix_ns + a->sent_ns;
        model_retry(t, q, a->status == RECORD_FAILED ? model_failed(b, a->http_status) : b->aborted,
                    a->usage, a->asked_output, out);
    }
}

/* ---- random plans -------------------------------------------------------------------------- */

static bool one_in(struct random *r, unsigned n)
{
    return random_below(r, n) == 0;
}

static void add_price(struct random *r, struct buffer *b, const char *key)
{
    static const char *const finer[] = {"", "e-3", "e-9"};
    buffer_add_format(b, "\"%s\": \"%u.%03u%s\"", key, (unsigned)random_below(r, 20),
                      (unsigned)random_below(r, 1000), finer[random_below(r, 3)]);
}

static void add_token_prices(struct random *r, struct buffer *b, bool whole)
{
    static const char *const classes[] = {"input",       "output",         "cached_input",
                                          "cache_write", "cache_write_1h", "reasoning"};
    const char *comma = "";
    buffer_add_text(b, "\"per_mtok\": {");
    for (size_t i = 0; i < 6; i++)
        if ((whole && i == 0) || !one_in(r, 3)) {
            buffer_add_text(b, comma);
            add_price(r, b, classes[i]);
            comma = ", ";
        }
    buffer_add_text(b, "}");
}

/* Token prices, maybe with tiers, maybe with a price per request. */
static void add_set(struct random *r, struct buffer *b)
{
    if (one_in(r, 5)) {
        add_price(r, b, "per_request");
        return;
    }
    add_token_prices(r, b, true);
    if (one_in(r, 2)) {
        buffer_add_format(b, ", \"tiers\": [{\"input_over\": %u, ",
                          1 + (unsigned)random_below(r, 900));
        add_token_prices(r, b, false);
        buffer_add_format(b, "}, {\"input_from\": %u, ", 1000 + (unsigned)random_below(r, 900));
        add_token_prices(r, b, false);
        buffer_add_text(b, "}]");
    }
    if (one_in(r, 3)) {
        buffer_add_text(b, ", ");
        add_price(r, b, "per_request");
    }
}

static void add_windows(struct random *r, struct buffer *b)
{
    buffer_add_format(b, ", \"windows\": [{\"start\": \"%02u:30\", \"end\": \"%02u:00\", ",
                      (unsigned)random_below(r, 24), (unsigned)random_below(r, 24));
    add_set(r, b);
    buffer_add_text(b, "}, {\"days\": [\"sat\", \"tue\"], \"from\": \"2026-11-03\", \"until\":"
                       " \"2026-11-20\", \"multiplier\": \"0.5\"}]");
}

static void add_tools(struct random *r, struct buffer *b)
{
    buffer_add_text(b, ", \"per_tool\": {");
    add_price(r, b, "search");
    buffer_add_text(b, "}");
}

static void add_units(struct random *r, struct buffer *b)
{
    buffer_add_text(b, ", \"per_unit\": {\"image\": {");
    add_price(r, b, "price");
    buffer_add_text(b, ", \"step\": \"0.00002\", \"minimum\": \"0.00003\"}}");
}

/* What a rate may have; each in some of the plans, so that many have none or one. */
static void add_rate(struct random *r, struct buffer *b)
{
    add_set(r, b);
    if (one_in(r, 6))
        add_windows(r, b);
    if (one_in(r, 6))
        add_tools(r, b);
    if (one_in(r, 6))
        add_units(r, b);
    if (one_in(r, 6))
        buffer_add_text(b, ", \"weights\": [{\"models\": \"m1\", \"classes\": [\"c*\"], \"weight\":"
                           " \"2.5\"}, {\"models\": \"m*\", \"weight\": \"0.25\"}]");
    if (one_in(r, 4))
        buffer_add_text(b, ", \"multipliers\": {\"batch\": \"0.5\"}");
    if (one_in(r, 4)) {
        buffer_add_text(b, ", \"services\": {\"priority\": {");
        add_set(r, b);
        buffer_add_text(b, "}}");
    }
}

static const char *one_of(struct random *r, const char *const *names, unsigned count)
{
    return names[random_below(r, count)];
}

static void add_terms(struct random *r, struct buffer *b)
{
    static const char *const billed[] = {"none", "input", "delivered", "full"};
    static const char *const modes[] = {"half_even", "half_up", "up", "down"};
    static const char *const scopes[] = {"class", "request", "bill"};
    if (one_in(r, 3))
        buffer_add_format(
            b,
            ", \"billed\": {\"failed\": {\"default\": \"%s\", \"429\": \"%s\", \"5xx\": \"%s\"},"
            " \"aborted\": \"%s\", \"retried\": \"%s\"}",
            one_of(r, billed, 4), one_of(r, billed, 4), one_of(r, billed, 4), one_of(r, billed, 4),
            one_in(r, 3) ? "final" : "each");
    if (one_in(r, 6))
        buffer_add_format(b,
                          ", \"rounding\": {\"to\": \"0.00001\", \"mode\": \"%s\", \"on\": \"%s\"}",
                          one_of(r, modes, 4), one_of(r, scopes, 3));
    if (one_in(r, 8))
        buffer_add_text(b, ", \"minimum_per_request\": \"0.004\"");
    if (one_in(r, 6))
        buffer_add_text(b,
                        ", \"limits\": {\"max_output_tokens\": 300, \"max_input_tokens\": 1500}");
    if (one_in(r, 6))
        buffer_add_format(b,
                          ", \"subscription\": {\"price\": 1, \"period\": \"day\", \"includes\":"
                          " {\"requests\": %u, \"per\": \"hour\"}, \"beyond\": \"%s\"}",
                          1 + (unsigned)random_below(r, 30), one_in(r, 2) ? "pay" : "queue");
}

static struct plan_book random_plan(struct random *r)
{
    struct buffer b;
    buffer_init(&b, 1 << 16);
    buffer_add_text(&b, "{\"plans\": [{\"name\": \"p\", ");
    if (one_in(r, 4)) {
        buffer_add_text(&b, "\"rates\": [{\"models\": [\"m1\", \"x\"], ");
        add_rate(r, &b);
        buffer_add_text(&b, "}, {");
        add_rate(r, &b);
        buffer_add_text(&b, "}]");
    } else {
        add_rate(r, &b);
    }
    add_terms(r, &b);
    buffer_add_text(&b, "}]}");
    struct plan_book book = testing_plans(b.data);
    buffer_free(&b);
    return book;
}

/* ---- random rows --------------------------------------------------------------------------- */

enum column {
    WITH_USAGE = 1,
    WITH_EXTRAS = 2,
    WITH_SERVICE = 4,
    WITH_MODEL = 8,
    WITH_CLASS = 16,
    WITH_STATUS = 32,
    WITH_ATTEMPTS = 64,
    WITH_EARLIER = 128,
    WITH_START = 256,
};

static struct usage random_usage(struct random *r, uint32_t input, uint32_t output)
{
    return usage_from_totals(input, random_below(r, input + 9), random_below(r, 99),
                             random_below(r, 99), output, random_below(r, output + 9));
}

static void fill(struct random *r, unsigned columns, struct workload *w)
{
    workload_init(w);
    for (size_t i = 0; i < ROWS; i++) {
        struct usage_extra extras[] = {
            {"search", (int64_t)random_below(r, 3) * PLAN_MICRO, 0},
            {one_in(r, 9) ? "audio" : "image", (int64_t)random_below(r, 90), 1}};
        struct request q = {.timestamp_ns = (int64_t)(i * 500 + random_below(r, 500)) * NS_PER_S,
                            .input_tokens = (uint32_t)random_below(r, 2000),
                            .output_tokens = (uint32_t)random_below(r, 600),
                            .attempts = 1};
        if (columns & WITH_SERVICE)
            q.service = (enum service)random_below(r, SERVICE_COUNT);
        if (columns & WITH_MODEL && !one_in(r, 9))
            q.model = one_in(r, 2) ? "m1" : "m2";
        if (columns & WITH_CLASS && !one_in(r, 9))
            q.class_name = one_in(r, 2) ? "c1" : "d";
        if (columns & WITH_STATUS)
            q.status = (enum request_status)random_below(r, 3);
        if (columns & WITH_ATTEMPTS)
            q.attempts = 1 + (uint32_t)random_below(r, 3);
        if (columns & WITH_USAGE && !one_in(r, 5)) {
            q.has_usage = true;
            q.usage = random_usage(r, q.input_tokens, q.output_tokens);
            q.usage.extras = extras;
            q.usage.extra_count = columns & WITH_EXTRAS ? random_below(r, 3) : 0;
        }
        struct error err = {0};
        if (workload_add(w, &q, &err) < 0)
            ck_abort_msg("%s", err.message);
    }
}

static void fill_earlier(struct random *r, struct workload *w)
{
    static const int statuses[] = {0, 429, 500, 503, 404};
    struct earlier_attempts *e = w->earlier = mem_zero(1, sizeof *e);
    *e = (struct earlier_attempts){.start = mem_zero(w->count + 1, sizeof *e->start),
                                   .items = mem_zero(2 * w->count, sizeof *e->items),
                                   .http_status = mem_zero(w->count, sizeof *e->http_status),
                                   .asked_output = mem_zero(w->count, sizeof *e->asked_output)};
    for (size_t i = 0; i < w->count; i++) {
        e->http_status[i] = (int16_t)statuses[random_below(r, 5)];
        e->asked_output[i] = (uint32_t)random_below(r, 700);
        e->start[i + 1] = e->start[i] + random_below(r, 3);
        for (uint64_t k = e->start[i]; k < e->start[i + 1]; k++)
            e->items[k] = (struct earlier_attempt){
                .usage = random_usage(r, 1 + (uint32_t)random_below(r, 2000),
                                      (uint32_t)random_below(r, 500)),
                .asked_output = (uint32_t)random_below(r, 700),
                .status = one_in(r, 2) ? RECORD_FAILED : RECORD_CANCELLED,
                .http_status = statuses[random_below(r, 5)],
                .sent_ns = (int64_t)random_below(r, 250000) * NS_PER_S};
    }
}

/* ---- the comparison ------------------------------------------------------------------------ */

/* Says the first line that differs. Check keeps a note of every assertion, which would be most of
 * the work here. */
static void check_charge(const struct row_charge *got, const struct model_charge *wanted,
                         size_t plan, size_t row)
{
    money part[CHARGE_PARTS];
    row_charge_parts(got, part);
    for (int i = 0; i < CHARGE_PARTS; i++)
        if (part[i] != wanted->part[i])
            ck_abort_msg("%s of row %zu under plan %zu: %.17g, not %.17g",
                         charge_part_name((enum charge_part)i), row, plan, money_to_double(part[i]),
                         money_to_double(wanted->part[i]));
    if (got->total != wanted->total || got->last.unpriced != wanted->unpriced)
        ck_abort_msg("row %zu under plan %zu: %.17g, lacks %x; not %.17g, %x", row, plan,
                     money_to_double(got->total), got->last.unpriced,
                     money_to_double(wanted->total), wanted->unpriced);
}

/* Every row, and all of them by two workers; true if something was charged. */
static bool check_tariff(const struct tariff *t, size_t plan)
{
    struct charge_sums sums = {0}, all;
    int64_t quanta[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        struct model_charge wanted;
        struct row_charge got;
        model_row(t, i, &wanted);
        if (tariff_charge(t, i, &got) < 0)
            ck_abort_msg("row %zu under plan %zu is said to be too dear", i, plan);
        check_charge(&got, &wanted, plan, i);
        sums.total += wanted.total;
        for (int p = 0; p < CHARGE_PARTS; p++)
            sums.part[p] += wanted.part[p];
        sums.rows += tariff_serves(t, i);
        sums.unpriced += wanted.unpriced != 0;
        sums.unpriced_what |= wanted.unpriced;
    }
    tariff_charge_all(t, 2, &all, quanta);
    ck_assert_msg(!all.overflow && all.total == sums.total, "sum under plan %zu", plan);
    ck_assert_int_eq(memcmp(all.part, sums.part, sizeof sums.part), 0);
    ck_assert_uint_eq(all.rows, sums.rows);
    ck_assert_uint_eq(all.unpriced, sums.unpriced);
    ck_assert_uint_eq(all.unpriced_what, sums.unpriced_what);
    return sums.total > 0;
}

START_TEST(random_plans_charge_what_the_model_says)
{
    const char *asked = getenv("FAREBOX_TARIFF_PAIRS");
    const size_t plans = (asked ? strtoul(asked, NULL, 10) : PAIRS) / ROWS;
    size_t charged = 0;
    struct random r;
    random_init(&r, 7, RANDOM_TEST, 1);
    for (size_t i = 0; i < plans; i++) {
        /* of every third workload all columns that few have are empty: the common traces */
        unsigned columns = (unsigned)random_below(&r, 512) & (i % 3 ? ~0u : ~(2u | 32 | 64 | 128));
        struct plan_book book = random_plan(&r);
        struct workload w;
        struct serve_rows rows;
        struct serve_result served;
        struct tariff t;
        int64_t start = columns & WITH_START ? INT64_C(1793000000) * NS_PER_S : TIME_NEVER;
        struct serve_conditions conditions = {start == TIME_NEVER ? 0 : start, one_in(&r, 5)};
        if (columns & WITH_EARLIER)
            columns &= ~(unsigned)WITH_ATTEMPTS;
        fill(&r, columns, &w);
        if (columns & WITH_EARLIER)
            fill_earlier(&r, &w);
        ck_assert_int_eq(serve_rows_make(&rows, &w, (struct serve_duration){0}, NULL), 0);
        serve_plan(&book.plans[0], &rows, &conditions, &served);
        tariff_init(&t, &book.plans[0], &rows, &served, start, conditions.ignore_caps);
        charged += check_tariff(&t, i);
        tariff_free(&t);
        serve_result_free(&served);
        serve_rows_free(&rows);
        workload_free(&w);
        plan_book_free(&book);
    }
    ck_assert_uint_gt(charged, plans / 2);
}
END_TEST

static struct charge_sums charge_dear_rows(size_t count)
{
    struct plan_book book =
        testing_plans("{\"plans\": [{\"name\": \"a\", \"per_request\": \"1000000000\", \"weights\":"
                      " [{\"weight\": 10000}]}]}");
    struct charge_sums sums;
    struct serve_rows rows;
    struct serve_result served;
    struct serve_conditions conditions = {0};
    struct tariff t;
    struct workload w = testing_rows(count, 0, 0, 0);
    serve_rows_make(&rows, &w, (struct serve_duration){0}, NULL);
    serve_plan(&book.plans[0], &rows, &conditions, &served);
    tariff_init(&t, &book.plans[0], &rows, &served, TIME_NEVER, false);
    tariff_charge_all(&t, 1, &sums, NULL);
    tariff_free(&t);
    serve_result_free(&served);
    serve_rows_free(&rows);
    workload_free(&w);
    plan_book_free(&book);
    return sums;
}

START_TEST(a_sum_that_does_not_fit_is_told)
{
    struct charge_sums fits = charge_dear_rows(17), passes = charge_dear_rows(18);
    ck_assert(!fits.overflow);
    testing_money(fits.total, "170000000000000", "17 times 10^13 USD");
    testing_money(fits.part[PART_FEES], "170000000000000", "all of it is paid by the request");
    ck_assert(passes.overflow);
}
END_TEST

START_TEST(quanta_are_cut_downwards_and_saturate)
{
    const money quantum = (money)1 << CHARGE_QUANTUM_BITS;
    ck_assert_int_eq(charge_quanta(0), 0);
    ck_assert_int_eq(charge_quanta(quantum - 1), 0);
    ck_assert_int_eq(charge_quanta(quantum), 1);
    ck_assert_int_eq(charge_quanta(-1), -1);
    ck_assert_int_eq(charge_quanta(MONEY_MAX), INT64_MAX);
    ck_assert_int_eq(charge_quanta(-MONEY_MAX), -INT64_MAX); /* less means: not served */
}
END_TEST

static void count_rows(void *context, size_t begin, size_t end)
{
    uint8_t **times = context;
    ck_assert_uint_eq(begin % TARIFF_BLOCK, 0);
    for (size_t i = begin; i < end; i++)
        (*times)[i]++;
}

START_TEST(every_row_is_charged_once_by_any_number_of_workers)
{
    static const unsigned workers[] = {1, 3, TARIFF_WORKERS_MAX + 9};
    const size_t counts[] = {0, 1, TARIFF_BLOCK, 3 * TARIFF_BLOCK + 5};
    for (size_t i = 0; i < 12; i++) {
        size_t count = counts[i / 3];
        uint8_t *times = mem_zero(count + 1, 1), *contexts[TARIFF_WORKERS_MAX + 9];
        for (size_t k = 0; k < TARIFF_WORKERS_MAX + 9; k++)
            contexts[k] = times;
        tariff_parallel(count, workers[i % 3], count_rows, contexts, sizeof *contexts);
        for (size_t k = 0; k < count; k++)
            if (times[k] != 1)
                ck_abort_msg("row %zu of %zu: %d times", k, count, times[k]);
        ck_assert_int_eq(times[count], 0);
        free(times);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tariff");
    TCase *t = tcase_create("tariff");
    tcase_add_test(t, random_plans_charge_what_the_model_says);
    tcase_add_test(t, a_sum_that_does_not_fit_is_told);
    tcase_add_test(t, quanta_are_cut_downwards_and_saturate);
    tcase_add_test(t, every_row_is_charged_once_by_any_number_of_workers);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
