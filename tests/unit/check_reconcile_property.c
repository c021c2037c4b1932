/* Invoices with errors drawn into them, one or two of any kinds, some thousand times: line by line
 * every error comes back with its amount and nothing is left; from sums no other cause than those
 * is ever named. */
#include "testing_plans.h"
#include "testing_workload.h"

#include "core/memory.h"
#include "core/random.h"
#include "sim/cost/reconcile/invoice_make.h"
#include "sim/cost/reconcile/reconcile.h"
#include "workloads/model/attempts.h"

#define DAY_S INT64_C(86400)

static const char books[] =
    "{\"plans\": ["
    "{\"name\": \"plain\", \"per_mtok\": {\"input\": \"2.5\", \"cached_input\": \"0.25\","
    "  \"cache_write\": \"3.125\", \"cache_write_1h\": \"5\", \"output\": \"10.37\"},"
    "  \"multipliers\": {\"batch\": \"0.5\"}},"
    "{\"name\": \"tiers\", \"per_mtok\": {\"input\": \"1.25\", \"cached_input\": \"0.3125\","
    "  \"cache_write\": \"1.5\", \"cache_write_1h\": \"2.5\", \"output\": \"10\"},"
    "  \"tiers\": [{\"input_over\": 20000, \"per_mtok\": {\"input\": \"2.7\", \"output\": "
    "\"15\"}}],"
    "  \"multipliers\": {\"batch\": \"0.5\"}, \"billed\": {\"aborted\": \"input\"}},"
    "{\"name\": \"models\", \"rates\": ["
    "  {\"models\": [\"small*\"], \"per_mtok\": {\"input\": \"0.15\", \"output\": \"0.6\"},"
    "   \"multipliers\": {\"batch\": \"0.5\"}},"
    "  {\"per_mtok\": {\"input\": \"3\", \"cached_input\": \"0.3\", \"cache_write\": \"3.75\","
    "   \"cache_write_1h\": \"6\", \"output\": \"15\", \"reasoning\": \"16\"},"
    "   \"per_request\": \"0.0001\", \"multipliers\": {\"batch\": \"0.5\"}}]},"
    "{\"name\": \"dated\", \"per_mtok\": {\"input\": \"2\", \"cached_input\": \"0.5\","
    "  \"cache_write\": \"2.5\", \"cache_write_1h\": \"4\", \"output\": \"8\"},"
    "  \"multipliers\": {\"batch\": \"0.5\"},"
    "  \"windows\": [{\"until\": \"2026-10-01T00:00:00Z\", \"per_mtok\": {\"input\": \"2.1\","
    "   \"cached_input\": \"0.7\", \"cache_write\": \"3\", \"cache_write_1h\": \"4.4\","
    "   \"output\": \"11\"}}]}]}";

/* ---- records ---- */

static uint32_t draw(struct random *r, uint32_t from, uint32_t to)
{
    return from + (uint32_t)random_below(r, to - from + 1);
}

static struct usage draw_usage(struct random *r)
{
    struct usage u = {0};
    u.tokens[USAGE_UNCACHED_INPUT] = draw(r, 10, random_below(r, 4) ? 9000 : 40000);
    if (random_below(r, 2))
        u.tokens[USAGE_CACHED_INPUT] = draw(r, 1, 8000);
    if (random_below(r, 3) == 0)
        u.tokens[random_below(r, 2) ? USAGE_CACHE_WRITE : USAGE_CACHE_WRITE_1H] = draw(r, 1, 6000);
    u.tokens[USAGE_OUTPUT] = draw(r, 1, 3000);
    if (random_below(r, 3) == 0)
        u.tokens[USAGE_REASONING] = draw(r, 1, 2000);
    return u;
}

static void add_row(struct workload *w, struct random *r, size_t i, size_t rows, int days)
{
    static const char *const models[] = {"large", "small-2", "large-vision"};
    char id[32];
    snprintf(id, sizeof id, "req-%zx", i * 7919);
    struct usage u = draw_usage(r);
    uint64_t fate = random_below(r, 12);
    testing_add(
        w, (struct request){
               .timestamp_ns =
                   (int64_t)((DAY_S * (uint64_t)days * i + random_below(r, 500)) / rows) * NS_PER_S,
               .input_tokens = (uint32_t)usage_input(&u),
               .output_tokens = (uint32_t)usage_output(&u),
               .request_id = id,
               .model = models[random_below(r, 3)],
               .service = random_below(r, 4) ? SERVICE_STANDARD : SERVICE_BATCH,
               .has_usage = true,
               .usage = u,
               .status = fate == 0   ? REQUEST_FAILED
                         : fate == 1 ? REQUEST_ABORTED
                                     : REQUEST_OK,
               .attempts = random_below(r, 9) ? 1 : 2});
}

/* As of a run: what was asked for, and what attempts before the last used. */
static void add_attempts(struct workload *w, struct random *r)
{
    struct earlier_attempts *e = w->earlier = mem_zero(1, sizeof *e);
    size_t items = 0;
    e->start = mem_zero(w->count + 1, sizeof *e->start);
    e->finals = mem_zero(w->count, sizeof *e->finals);
    for (size_t i = 0; i < w->count; i++) {
        bool aborted = w->status && w->status[i] == REQUEST_ABORTED;
        e->finals[i].asked_output = w->output_tokens[i] + (aborted ? draw(r, 5, 900) : 0);
        if (random_below(r, 12) == 0) {
            struct earlier_attempt *a = mem_append(&e->items, &items, sizeof *a);
            a->usage = draw_usage(r);
            a->status = RECORD_FAILED;
            a->http_status = 500;
            a->sent_ns = w->timestamp_ns[i];
        }
        e->start[i + 1] = items;
    }
}

static struct workload draw_records(struct random *r)
{
    struct workload w;
    size_t rows = draw(r, 30, 140);
    workload_init(&w);
    w.has_start = true;
    clock_parse_instant("2026-11-02T00:00:00Z", 20, &w.start_unix_ns);
    int days = (int)draw(r, 2, 5);
    for (size_t i = 0; i < rows; i++)
        add_row(&w, r, i, rows, days);
    if (random_below(r, 2))
        add_attempts(&w, r);
    return w;
}

/* ---- errors ---- */

static void draw_fault(struct random *r, enum cause c, char out[64])
{
    static const char *const shares[] = {"5%", "12.5%", "20%", "7%", "50%"};
    static const char *const units[] = {"0.01", "0.0001", "0.000001"};
    static const char *const rates[] = {"EUR:0.92", "GBP:0.79", "JPY:151.3"};
    const char *value = NULL;
    char text[32];
    if (c == CAUSE_DAY_BOUNDARY) {
        snprintf(text, sizeof text, "%c%02u:%s", random_below(r, 2) ? '+' : '-', draw(r, 1, 11),
                 random_below(r, 4) ? "00" : "30");
        value = text;
    } else if (c == CAUSE_MODEL_ALIAS) {
        value = random_below(r, 2) ? "large-2026-11" : "small-new";
    } else if (c == CAUSE_DISCOUNT || c == CAUSE_TAX) {
        value = shares[random_below(r, 5)];
    } else if (c == CAUSE_CREDIT) {
        value = "0.31";
    } else if (c == CAUSE_ROUNDING) {
        value = units[random_below(r, 3)];
    } else if (c == CAUSE_CURRENCY) {
        value = rates[random_below(r, 3)];
    } else if (c == CAUSE_PRICE_DATE) {
        value = "2026-09-15";
    } else {
        snprintf(text, sizeof text, "%u", draw(r, 1, 4));
        value = text;
    }
    snprintf(out, 64, "%s=%s", cause_name(c), value);
}

struct trial {
    struct random random;
    struct workload w;
    struct own_list own;
    struct invoice_making how;
    struct invoice invoice; /* as it was read back */
    struct reconciliation r;
    money truth[CAUSES];
    uint64_t changed[CAUSES];
    uint32_t injected;
    char faults[160];
};

static enum cause draw_cause(struct random *r)
{
    enum cause c;
    do
        c = (enum cause)random_below(r, CAUSES);
    while (c == CAUSE_TOKEN_COUNTS);
    return c;
}

/* False where an error finds nothing to change in these records. */
static bool make_trial(struct trial *t, const struct plan_book *book, uint64_t seed,
                       const struct invoice_making *form)
{
    struct error err = {0};
    char fault[64];
    *t = (struct trial){.injected = 0};
    random_init(&t->random, seed, RANDOM_TEST, (uint64_t)form->bucket_ns);
    t->w = draw_records(&t->random);
    t->how = *form;
    t->how.plan = &book->plans[random_below(&t->random, book->count)];
    t->how.seed = seed;
    ck_assert_msg(own_list_make(&t->own, &t->w, t->how.plan, &err) == 0, "%s", err.message);
    for (uint64_t k = 0, n = 1 + random_below(&t->random, 2); k < n; k++) {
        enum cause c = draw_cause(&t->random);
        if (t->injected & CAUSE_BIT(c))
            continue;
        draw_fault(&t->random, c, fault);
        ck_assert_msg(invoice_fault_add(&t->how, fault, &err) == 0, "%s", err.message);
        snprintf(t->faults + strlen(t->faults), sizeof t->faults - strlen(t->faults), "%s ", fault);
        t->injected |= CAUSE_BIT(c);
    }
    struct invoice made;
    struct buffer text;
    if (invoice_make(&made, &t->own, &t->how, t->truth, t->changed, &err) < 0)
        return false;
    buffer_init(&text, BUFFER_UNBOUNDED);
    invoice_write(&made, &text);
    invoice_free(&made);
    invoice_init(&t->invoice);
    ck_assert_msg(invoice_read_own("invoice", text.data, text.length, &t->invoice, &err) == 0,
                  "%s in %s", err.message, text.data);
    buffer_free(&text);
    return true;
}

static void run_trial(struct trial *t)
{
    struct error err = {0};
    struct reconcile_options options = {.plan = t->how.plan};
    for (size_t i = 0; i < t->invoice.count && t->how.bucket_ns; i++) /* as invoice_read() does */
        if (t->invoice.lines[i].kind == LINE_OF_BUCKET) {
            const struct invoice_line *l = &t->invoice.lines[i];
            if (!t->invoice.has_period || l->from_ns < t->invoice.from_ns)
                t->invoice.from_ns = l->from_ns;
            if (!t->invoice.has_period || l->until_ns > t->invoice.until_ns)
                t->invoice.until_ns = l->until_ns;
            t->invoice.has_period = true;
        }
    ck_assert_msg(reconcile(&t->r, &t->own, &t->invoice, &options, &err) == 0, "%s", err.message);
}

static void free_trial(struct trial *t)
{
    reconciliation_free(&t->r);
    if (t->invoice.lines || t->invoice.form)
        invoice_free(&t->invoice);
    own_list_free(&t->own);
    workload_free(&t->w);
}

static const char *shown(const struct trial *t)
{
    static struct buffer text;
    buffer_free(&text);
    buffer_init(&text, BUFFER_UNBOUNDED);
    reconciliation_write_table(&t->r, 80, &text);
    return text.data;
}

static void testing_adds_up(const struct trial *t)
{
    money sum = t->r.ours + t->r.rest;
    for (size_t i = 0; i < t->r.count; i++)
        sum += t->r.findings[i].usd;
    ck_assert_msg(sum == t->r.theirs, "%s", shown(t));
}

/* ---- line by line ---- */

START_TEST(by_id_every_error_comes_back_and_nothing_is_left)
{
    struct plan_book book = testing_plans(books);
    uint64_t tried = 0;
    for (uint64_t seed = 0; seed < (testing_few() ? 400 : 2500); seed++) {
        struct trial t;
        if (make_trial(&t, &book, seed, &(struct invoice_making){0})) {
            run_trial(&t);
            tried++;
            testing_adds_up(&t);
            ck_assert_msg(t.r.rest == 0, "seed %llu, %s %s\n%s", (unsigned long long)seed,
                          t.how.plan->name, t.faults, shown(&t));
            for (int c = 0; c < CAUSES; c++) {
                const struct finding *f = reconciliation_find(&t.r, CAUSE_BIT(c));
                money usd = f ? f->usd : 0;
                bool injected = t.injected >> c & 1;
                ck_assert_msg(usd == t.truth[c], "seed %llu, %s: %s%s\n%s",
                              (unsigned long long)seed, cause_name((enum cause)c), t.faults,
                              t.how.plan->name, shown(&t));
                ck_assert_msg(!f || injected, "seed %llu, %s: %s\n%s", (unsigned long long)seed,
                              cause_name((enum cause)c), t.faults, shown(&t));
            }
        }
        free_trial(&t);
    }
    ck_assert_uint_gt(tried, testing_few() ? 200 : 1500);
    plan_book_free(&book);
}
END_TEST

/* ---- sums, and amounts alone ---- */

#define TOLD_BY_TOKENS                                                                        \
    (CAUSE_BIT(CAUSE_OTHER_TRAFFIC) | CAUSE_BIT(CAUSE_MODEL_ALIAS) |                          \
     CAUSE_BIT(CAUSE_CACHE_CLASS) | CAUSE_BIT(CAUSE_TIME_TO_LIVE) | CAUSE_BIT(CAUSE_FAILED) | \
     CAUSE_BIT(CAUSE_ABORTED))
#define TOLD_BY_AMOUNTS                                                           \
    (CAUSE_BIT(CAUSE_DISCOUNT) | CAUSE_BIT(CAUSE_CREDIT) | CAUSE_BIT(CAUSE_TAX) | \
     CAUSE_BIT(CAUSE_ROUNDING))

static const struct {
    struct invoice_making form;
    uint32_t told; /* errors of one kind alone that must be named every time */
} forms[] = {
    {{.bucket_ns = DAY_S * NS_PER_S}, TOLD_BY_TOKENS | TOLD_BY_AMOUNTS},
    {{.bucket_ns = 3600 * NS_PER_S}, TOLD_BY_TOKENS | TOLD_BY_AMOUNTS},
    {{.bucket_ns = DAY_S * NS_PER_S, .without_amounts = true}, TOLD_BY_TOKENS},
    {{.bucket_ns = DAY_S * NS_PER_S, .without_usage = true}, TOLD_BY_AMOUNTS},
    {{.without_list = true}, TOLD_BY_TOKENS},
};

START_TEST(no_wrong_cause_is_named)
{
    struct plan_book book = testing_plans(books);
    uint64_t tried = 0, alone[CAUSES] = {0}, named[CAUSES] = {0};
    for (uint64_t seed = 0; seed < (testing_few() ? 400 : 1500); seed++) {
        struct trial t;
        if (make_trial(&t, &book, seed, &forms[_i].form)) {
            run_trial(&t);
            tried++;
            testing_adds_up(&t);
            for (size_t i = 0; i < t.r.count; i++)
                ck_assert_msg(t.r.findings[i].causes & t.injected, "seed %llu: %s%s\n%s",
                              (unsigned long long)seed, t.faults, t.how.plan->name, shown(&t));
            for (int c = 0; c < CAUSES; c++)
                if (t.injected == CAUSE_BIT(c)) {
                    alone[c]++;
                    named[c] += reconciliation_find(&t.r, t.injected) != NULL;
                }
        }
        free_trial(&t);
    }
    for (int c = 0; c < CAUSES; c++)
        if (forms[_i].told >> c & 1)
            ck_assert_msg(named[c] == alone[c], "%s: named %llu times of %llu",
                          cause_name((enum cause)c), (unsigned long long)named[c],
                          (unsigned long long)alone[c]);
    ck_assert_uint_gt(tried, testing_few() ? 200 : 700);
    plan_book_free(&book);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reconcile_property");
    TCase *c = tcase_create("injected");
    tcase_add_test(c, by_id_every_error_comes_back_and_nothing_is_left);
    tcase_add_loop_test(c, no_wrong_cause_is_named, 0, COUNT_OF(forms));
    suite_add_tcase(suite, c);
    return testing_run(suite);
}
