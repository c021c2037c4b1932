/* Bills of rows that stand for many requests, against the bill of the requests one by one: random
 * plans, random requests, put into buckets at random. Where the bill of the sums is one figure it
 * is that of the requests, to the last digit; else that lies within its bounds.
 *
 * FAREBOX_SUM_ROUNDS=1000000 asks for so many pairs of a plan and its requests.
 */
#include "testing.h"
#include "testing_plans.h"

#include "core/buffer.h"
#include "core/memory.h"
#include "core/random.h"
#include "sim/cost/bill/bill.h"
#include "sim/cost/sums/sum_bill.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 4000
#define HOUR_NS (3600 * NS_PER_S)
#define DAY_NS (24 * HOUR_NS)
#define START_NS (INT64_C(1793491200) * NS_PER_S) /* 2026-11-01 */

/* ---- random plans ---- */

static bool one_in(struct random *r, unsigned n)
{
    return random_below(r, n) == 0;
}

static void add_price(struct random *r, struct buffer *b, const char *key)
{
    buffer_add_format(b, "\"%s\": \"%u.%03u\"", key, (unsigned)random_below(r, 20),
                      (unsigned)random_below(r, 1000));
}

static void add_tokens(struct random *r, struct buffer *b)
{
    static const char *const classes[] = {"input", "output", "cached_input", "reasoning"};
    const char *comma = "";
    buffer_add_text(b, "\"per_mtok\": {");
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        if (i < 2 || one_in(r, 2)) {
            buffer_add_text(b, comma);
            add_price(r, b, classes[i]);
            comma = ", ";
        }
    buffer_add_text(b, "}");
}

static void add_prices(struct random *r, struct buffer *b)
{
    bool by_request = one_in(r, 3);
    if (by_request)
        add_price(r, b, "per_request");
    if (!by_request || one_in(r, 2)) {
        buffer_add_text(b, by_request ? ", " : "");
        add_tokens(r, b);
        if (one_in(r, 4)) {
            buffer_add_format(b, ", \"tiers\": [{\"input_over\": %u, ",
                              1 + (unsigned)random_below(r, 3000));
            add_tokens(r, b);
            buffer_add_text(b, "}]");
        }
    }
    if (one_in(r, 5)) {
        buffer_add_format(b, ", \"windows\": [{\"start\": \"%02u:30\", \"end\": \"%02u:00\", ",
                          (unsigned)random_below(r, 24), (unsigned)random_below(r, 24));
        add_tokens(r, b);
        buffer_add_text(b, "}]");
    }
    if (one_in(r, 6))
        buffer_add_text(b, ", \"per_unit\": {\"image\": {\"price\": \"0.01\", \"step\": \"0.5\", "
                           "\"minimum\": \"0.75\"}}");
    if (one_in(r, 6))
        buffer_add_text(b, ", \"per_tool\": {\"search\": \"0.01\"}");
    if (one_in(r, 6))
        buffer_add_text(b, ", \"weights\": [{\"models\": \"m1\", \"weight\": \"2.5\"}]");
    if (one_in(r, 6))
        buffer_add_text(b, ", \"multipliers\": {\"batch\": \"0.5\"}");
}

static void add_terms(struct random *r, struct buffer *b)
{
    static const char *const modes[] = {"half_even", "half_up", "up", "down"};
    static const char *const scopes[] = {"class", "request", "bill"};
    static const char *const billed[] = {"none", "input", "delivered", "full"};
    if (one_in(r, 6))
        buffer_add_format(b,
                          ", \"rounding\": {\"to\": \"0.0001\", \"mode\": \"%s\", \"on\": \"%s\"}",
                          modes[random_below(r, 4)], scopes[random_below(r, 3)]);
    if (one_in(r, 4))
        buffer_add_format(b, ", \"billed\": {\"failed\": \"%s\", \"aborted\": \"%s\"}",
                          billed[random_below(r, 4)], billed[random_below(r, 4)]);
}

static void add_fees(struct random *r, struct buffer *b)
{
    if (one_in(r, 8))
        buffer_add_text(b, ", \"minimum_per_request\": \"0.01\"");
    if (one_in(r, 8))
        buffer_add_format(b,
                          ", \"volume\": {\"per\": \"%s\", \"steps\": [{\"over_usd\": \"1\", "
                          "\"off_percent\": \"10\"}, {\"over_usd\": \"9\", \"off_percent\": "
                          "\"%u\"}]}",
                          one_in(r, 2) ? "day" : "month", (unsigned)random_below(r, 60));
    if (one_in(r, 8))
        buffer_add_text(b, ", \"credit_fee\": {\"percent\": \"5.5\", \"minimum\": \"0.80\"}");
    if (one_in(r, 8))
        buffer_add_text(b, ", \"minimum\": {\"usd\": \"5\", \"per\": \"week\"}");
}

/* Nobody sells a discount on what an included credit pays: with one there is no credit. */
static void add_subscription(struct random *r, struct buffer *b)
{
    static const char *const units[] = {"requests", "tokens", "usd"};
    static const char *const per[] = {"hour", "day", "week", "month"};
    static const char *const beyond[] = {"queue", "reject", "pay"};
    unsigned unit = (unsigned)random_below(r, strstr(b->data, "volume") ? 2 : 3);
    buffer_add_format(b, ", \"subscription\": {\"price\": \"%u\", \"period\": \"%s\"",
                      (unsigned)random_below(r, 4) * 7, one_in(r, 2) ? "month" : "week");
    if (!one_in(r, 4))
        buffer_add_format(b, ", \"includes\": {\"%s\": %u, \"per\": \"%s\"}, \"beyond\": \"%s\"",
                          units[unit],
                          unit == 0   ? 1 + (unsigned)random_below(r, 40)
                          : unit == 1 ? 3000 + (unsigned)random_below(r, 90000)
                                      : 1 + (unsigned)random_below(r, 5),
                          per[random_below(r, 4)], unit == 2 ? "pay" : beyond[random_below(r, 3)]);
    buffer_add_text(b, "}");
}

static void add_limits(struct random *r, struct buffer *b)
{
    static const char *const limits[] = {"\"rpm\": 3",
                                         "\"rpd\": 20",
                                         "\"tpm\": 9000",
                                         "\"max_input_tokens\": 2500",
                                         "\"max_output_tokens\": 700",
                                         "\"max_total_tokens\": 3500"};
    buffer_add_format(b, ", \"limits\": {%s%s}", limits[random_below(r, COUNT_OF(limits))],
                      one_in(r, 2) ? ", \"beyond\": \"reject\"" : "");
}

/* `b` keeps its text, for messages. */
static void make_book(struct random *r, struct plan_book *book, struct buffer *text)
{
    struct buffer b;
    struct error err = {0};
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_text(&b, "{\"book\": \"b\", \"plans\": [{\"name\": \"p\", ");
    add_prices(r, &b);
    add_terms(r, &b);
    add_fees(r, &b);
    if (one_in(r, 3))
        add_subscription(r, &b);
    else if (one_in(r, 8))
        buffer_add_format(&b, ", \"provisioned\": {\"price\": \"2\", \"per\": \"%s\"%s%s}",
                          one_in(r, 2) ? "hour" : "month",
                          one_in(r, 2) ? ", \"tokens_per_minute\": 9000" : "",
                          one_in(r, 2) ? ", \"units\": 2" : "");
    else if (one_in(r, 8))
        buffer_add_text(&b, ", \"free\": {\"requests\": 20, \"per\": \"day\"}");
    if (one_in(r, 4))
        add_limits(r, &b);
    buffer_add_text(&b, "}]}");
    *book = (struct plan_book){0};
    if (plan_book_parse("random", b.data, b.length, book, &err) < 0)
        ck_abort_msg("%s\n%s", err.message, b.data);
    *text = b;
}

/* ---- random requests, and their sums ---- */

struct made {
    struct workload single, sums;
};

static struct request random_request(struct random *r, int64_t at_ns, const struct request *of)
{
    struct request q = *of;
    q.timestamp_ns = at_ns;
    q.input_tokens = (uint32_t)random_below(r, one_in(r, 4) ? 6000 : 800);
    q.output_tokens = (uint32_t)random_below(r, 1000);
    q.has_usage = true;
    q.usage = usage_from_totals(q.input_tokens, random_below(r, q.input_tokens + 1), 0, 0,
                                q.output_tokens, random_below(r, q.output_tokens + 1));
    return q;
}

static void add_to(struct request *sum, const struct request *q)
{
    sum->input_tokens += q->input_tokens;
    sum->output_tokens += q->output_tokens;
    for (int c = 0; c < USAGE_CLASSES; c++)
        sum->usage.tokens[c] += q->usage.tokens[c];
    sum->has_usage = true;
}

static void take(struct workload *w, const struct request *r)
{
    struct error err = {0};
    if (workload_add(w, r, &err) < 0)
        ck_abort_msg("%s", err.message);
}

/* Requests of one kind within one stretch of time, and the row that sums them up. */
static void add_bucket(struct random *r, struct made *m, int64_t from_ns, int64_t span_ns)
{
    static const char *const models[] = {"m1", "m2"};
    struct usage_extra extra = {one_in(r, 2) ? "search" : "image", 0, false};
    struct request of = {.model = models[random_below(r, 2)],
                         .attempts = 1,
                         .service = one_in(r, 6) ? SERVICE_BATCH : SERVICE_STANDARD,
                         .status = one_in(r, 8) ? REQUEST_FAILED : REQUEST_OK};
    struct request sum = of;
    bool extras = one_in(r, 5);
    int64_t all_extras = 0;
    uint32_t count = one_in(r, 4) ? 1 : 1 + (uint32_t)random_below(r, 30);
    extra.is_unit = strcmp(extra.name, "image") == 0;
    for (uint32_t i = 0; i < count; i++) {
        struct request q =
            random_request(r, from_ns + (int64_t)random_below(r, (uint64_t)span_ns), &of);
        if (extras) {
            extra.count_micro = (int64_t)random_below(r, 3) * 600000;
            q.usage.extras = &extra;
            q.usage.extra_count = 1;
            all_extras += extra.count_micro;
        }
        take(&m->single, &q);
        add_to(&sum, &q);
    }
    sum.timestamp_ns = from_ns;
    sum.bucket_ns = span_ns;
    sum.requests = one_in(r, 12) && count > 1 ? REQUESTS_UNKNOWN : count;
    extra.count_micro = all_extras;
    if (extras) {
        sum.usage.extras = &extra;
        sum.usage.extra_count = 1;
    }
    take(&m->sums, &sum);
}

static void make_requests(struct random *r, struct made *m)
{
    static const int64_t spans[] = {60 * NS_PER_S, HOUR_NS, DAY_NS, 7 * DAY_NS};
    int64_t span = spans[random_below(r, COUNT_OF(spans))];
    bool known = !one_in(r, 5);
    workload_init(&m->single);
    workload_init(&m->sums);
    m->single.has_start = m->sums.has_start = true;
    m->single.start_unix_ns = m->sums.start_unix_ns =
        START_NS + (known ? 0 : (int64_t)random_below(r, 86400) * NS_PER_S);
    for (uint64_t i = 1 + random_below(r, 6); i > 0; i--)
        add_bucket(r, m, (int64_t)random_below(r, 4) * span, span);
}

/* ---- the comparison ---- */

struct tally {
    unsigned exact, bounded, open;
};

static void compare(struct random *r, struct tally *tally)
{
    struct made m;
    struct plan_book book;
    struct buffer text;
    struct bill bill;
    struct sum_bill sums;
    struct error err = {0};
    struct bill_options how = {.workers = 1, .totals_only = true};
    make_book(r, &book, &text);
    make_requests(r, &m);
    const struct plan *plans[] = {&book.plans[0]};
    ck_assert_msg(bill_make(&bill, &m.single, plans, 1, &how, &err) == 0, "%s", err.message);
    ck_assert_msg(sum_bill_make(&sums, &m.sums, plans, 1, &(struct sum_options){0}, &err) == 0,
                  "%s", err.message);
    const struct sum_plan *p = &sums.plans[0];
    char want[MONEY_TEXT_SIZE], least[MONEY_TEXT_SIZE], most[MONEY_TEXT_SIZE];
    money_format(bill.plans[0].total, want);
    money_format(p->total.least, least);
    money_format(p->total.most, most);
    bool within = bill.plans[0].total >= p->total.least &&
                  (p->total.open || bill.plans[0].total <= p->total.most);
    ck_assert_msg(within, "%s (%" PRIu64 " of it) is not within %s and %s%s (why %x)\n%s", want,
                  bill.plans[0].subscriptions, least, most, p->total.open ? " (open)" : "", p->why,
                  text.data);
    ck_assert_msg(sum_is_exact(p) || p->why != 0, "no reason\n%s", text.data);
    if (p->serves && !p->limits_unchecked)
        ck_assert_msg(bill.plans[0].rejected == 0, "%" PRIu64 " rejected\n%s",
                      bill.plans[0].rejected, text.data);
    if (p->rows_unserved > 0)
        ck_assert_msg(bill.plans[0].rejected > 0, "none rejected\n%s", text.data);
    ck_assert_uint_eq(sums.input_tokens, bill.input_tokens);
    tally->exact += sum_is_exact(p);
    tally->open += p->total.open;
    tally->bounded += !sum_is_exact(p) && !p->total.open;
    bill_free(&bill);
    sum_bill_free(&sums);
    workload_free(&m.single);
    workload_free(&m.sums);
    plan_book_free(&book);
    buffer_free(&text);
}

START_TEST(sums_are_billed_as_their_requests_or_within_bounds)
{
    struct tally tally = {0};
    const char *asked = getenv("FAREBOX_SUM_ROUNDS");
    uint64_t rounds = asked ? strtoull(asked, NULL, 10) : ROUNDS;
    for (uint64_t seed = 1; seed <= rounds; seed++) {
        struct random r;
        random_init(&r, seed, RANDOM_ARRIVALS, 7);
        compare(&r, &tally);
    }
    printf("%u of %" PRIu64 " pairs have one figure, %u bounds, %u no upper bound\n", tally.exact,
           rounds, tally.bounded, tally.open);
    /* each kind of answer was put to the test */
    ck_assert_uint_gt(tally.exact, rounds / 5);
    ck_assert_uint_gt(tally.bounded, rounds / 5);
    ck_assert_uint_gt(tally.open, rounds / 400);
}
END_TEST

#define BY_TOKEN "\"per_mtok\": {\"input\": \"1\", \"output\": \"2\"}"
#define WITHIN(quota)                                                                    \
    "\"subscription\": {\"price\": \"9\", \"period\": \"month\", \"includes\": [{" quota \
    "}]}, " BY_TOKEN

/* Terms of which the sums give no bounds: a figure would be wrong. */
START_TEST(terms_that_sums_do_not_tell_are_refused)
{
    static const struct {
        const char *plan, *word;
    } refused[] = {
        {"\"per_request\": \"1\", \"charged_per\": \"turn\"", "charge by the turn"},
        {"\"per_request\": \"1\", \"charged_per\": \"session\"", "charge by the session"},
        {WITHIN("\"requests\": 5, \"per\": \"5h\", \"window\": \"session\""), "windows that begin"},
        {WITHIN("\"usd\": \"1\", \"per\": \"day\", \"beyond\": \"reject\""), "quota of money"},
        {WITHIN("\"requests\": 5, \"per\": \"day\", \"models\": \"m1\""), "quota for some models"},
        {WITHIN("\"requests\": 5, \"per\": \"day\", \"rollover\": true"), "rolls over"},
        {WITHIN("\"tokens\": 5, \"per\": \"day\", \"counts\": {\"output\": 4}"), "counts classes"},
        {"\"per_request\": \"1\", \"weights\": [{\"start\": \"06:00\", \"end\": \"10:00\", "
         "\"weight\": \"3\"}]",
         "weights by the hour"},
        {"\"per_mtok\": {\"input\": \"1\", \"output\": \"2\"}, \"tiers\": [{\"output_over\": 9, "
         "\"per_mtok\": {\"input\": \"3\"}}]",
         "length of the answer"},
        {BY_TOKEN ", \"cache_storage\": {\"per_mtok_hour\": \"1\"}", "storage of cached"},
        {"\"subscription\": {\"price\": \"9\", \"period\": \"month\", \"setup\": \"5\"}, " BY_TOKEN,
         "set-up fee"},
        {BY_TOKEN ", \"credit_fee\": {\"percent\": \"0\", \"bonus_percent\": \"10\"}",
         "bonus credit"},
        {BY_TOKEN, NULL},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char text[512];
        struct plan_book book = {0};
        struct workload w;
        struct sum_bill bill;
        struct error err = {0};
        int length =
            snprintf(text, sizeof text, "{\"plans\": [{\"name\": \"p\", %s}]}", refused[i].plan);
        ck_assert_msg(plan_book_parse("terms", text, (size_t)length, &book, &err) == 0, "%s: %s",
                      text, err.message);
        workload_init(&w);
        struct request sum = {.input_tokens = 900,
                              .output_tokens = 90,
                              .attempts = 1,
                              .requests = 9,
                              .bucket_ns = HOUR_NS};
        ck_assert_int_eq(workload_add(&w, &sum, &err), 0);
        const struct plan *plan = &book.plans[0];
        int code = sum_bill_make(&bill, &w, &plan, 1, &(struct sum_options){0}, &err);
        ck_assert_msg(code == (refused[i].word ? ERR_INPUT : 0), "%s", text);
        if (refused[i].word)
            ck_assert_msg(strstr(err.message, refused[i].word) != NULL, "%s", err.message);
        else
            sum_bill_free(&bill);
        workload_free(&w);
        plan_book_free(&book);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sum_bill");
    TCase *t = tcase_create("sums");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, sums_are_billed_as_their_requests_or_within_bounds);
    tcase_add_test(t, terms_that_sums_do_not_tell_are_refused);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
