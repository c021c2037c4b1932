/* Charges of random plans over random rows, against a slow and obvious model of the same rules: the
 * plan as it was read, one price at a time.
 *
 * FAREBOX_TARIFF_PAIRS=20000000 asks for so many pairs of a plan and a row.
 */
#include "tariff_model.h"
#include "testing_plans.h"
#include "testing_workload.h"

#include "core/buffer.h"
#include "core/memory.h"
#include "core/random.h"
#include "sim/cost/bill/tariff.h"
#include "workloads/model/attempts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 500
#define PAIRS 1000000

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
    static const char *const classes[] = {
        "input",        "output",       "cached_input",      "cache_write", "cache_write_1h",
        "reasoning",    "image_input",  "audio_input",       "video_input", "cached_image_input",
        "image_output", "audio_output", "cached_audio_input"};
    const char *comma = "";
    buffer_add_text(b, "\"per_mtok\": {");
    bool media = one_in(r, 2);
    for (size_t i = 0; i < (media ? USAGE_CLASSES : 6); i++)
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
        const char *by = one_in(r, 4) ? "output" : "input";
        buffer_add_format(b, ", \"tiers\": [{\"%s_over\": %u, ", by,
                          1 + (unsigned)random_below(r, *by == 'o' ? 200 : 900));
        add_token_prices(r, b, false);
        buffer_add_format(b, "}, {\"%s_from\": %u, ", by,
                          (*by == 'o' ? 250 : 1000) + (unsigned)random_below(r, 200));
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
        buffer_add_text(
            b, ", \"weights\": [{\"models\": \"m1\", \"classes\": [\"c*\"], \"weight\":"
               " \"2.5\"}, {\"start\": \"05:00\", \"end\": \"21:00\", \"days\": [\"fri\", \"sun\"],"
               " \"weight\": \"3\"}, {\"models\": \"m*\", \"weight\": \"0.25\"}]");
    if (one_in(r, 8))
        buffer_add_text(b,
                        ", \"cache_storage\": {\"per_mtok_hour\": \"4.5\", \"hours\": \"0.25\"}");
    if (one_in(r, 5))
        buffer_add_text(b, ", \"uplift\": [{\"label\": \"region\", \"values\": {\"eu\": \"1.1\","
                           " \"u*\": \"0.75\"}}, {\"label\": \"speed\", \"values\": {\"fast\":"
                           " \"6\"}}]");
    if (one_in(r, 4))
        buffer_add_text(b, ", \"multipliers\": {\"batch\": \"0.5\", \"fast\": \"1.5\"}");
    if (one_in(r, 4)) {
        buffer_add_format(b, ", \"services\": {\"%s\": {", one_in(r, 2) ? "priority" : "scale");
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
    if (one_in(r, 6))
        buffer_add_text(b, one_in(r, 2) ? ", \"charged_per\": \"turn\""
                                        : ", \"charged_per\": \"session\"");
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
    WITH_SESSION = 512,
    WITH_INITIATOR = 1024,
    WITH_LABELS = 2048,
};

/* Half of them with pictures and sound. */
static struct usage random_usage(struct random *r, uint32_t input, uint32_t output)
{
    struct usage u = usage_from_totals(input, random_below(r, input + 9), random_below(r, 99),
                                       random_below(r, 99), output, random_below(r, output + 9));
    bool media = one_in(r, 2);
    for (int c = USAGE_PLAIN_CLASSES; c < USAGE_CLASSES && media; c++)
        u.tokens[c] =
            one_in(r, 2)
                ? random_below(r, 1 + (usage_is_output((enum usage_class)c) ? output : input) / 3)
                : 0;
    u.tokens[USAGE_CACHED_INPUT] /= media ? 3 : 1;
    u.tokens[USAGE_REASONING] /= media ? 2 : 1;
    usage_fit(&u, input, output);
    return u;
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
            q.service = (enum service)random_below(r, SERVICE_COUNT + 1);
        q.other_service = one_in(r, 2) ? "fast" : one_in(r, 2) ? "scale" : "slow";
        static const char *const labels[] = {
            "{\"region\": \"eu\"}", "{\"region\": \"us\", \"speed\": \"fast\"}",
            "{\"speed\": \"slow\", \"user\": \"eu\"}", "{\"region\": \"ap\"}"};
        if (columns & WITH_LABELS && !one_in(r, 9))
            q.labels = labels[random_below(r, 4)];
        if (columns & WITH_MODEL && !one_in(r, 9))
            q.model = one_in(r, 2) ? "m1" : "m2";
        if (columns & WITH_CLASS && !one_in(r, 9))
            q.class_name = one_in(r, 2) ? "c1" : "d";
        char session[8];
        snprintf(session, sizeof session, "s%u", (unsigned)random_below(r, 60));
        if (columns & WITH_SESSION && !one_in(r, 9))
            q.session_id = session;
        if (columns & WITH_INITIATOR)
            q.initiator = (enum request_initiator)(one_in(r, 50) ? 0 : 1 + random_below(r, 2));
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
                                   .finals = mem_zero(w->count, sizeof *e->finals)};
    for (size_t i = 0; i < w->count; i++) {
        e->finals[i].http_status = (int16_t)statuses[random_below(r, 5)];
        e->finals[i].asked_output = (uint32_t)random_below(r, 700);
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

/* The moments of all rows' charges, as they are defined. */
static void check_moments(const struct tariff *t, const struct charge_notes *notes, size_t plan)
{
    struct charge_moments m = {0};
    for (size_t i = 0; i < ROWS; i++) {
        struct row_charge c;
        money part[CHARGE_PARTS];
        int64_t total = 0;
        if (tariff_charge(t, i, &c) < 0)
            return;
        row_charge_parts(&c, part);
        for (int p = 0; p < CHARGE_PARTS; p++)
            total += charge_quanta(part[p]);
        for (int p = 0; p < CHARGE_PARTS; p++) {
            m.first[p] += charge_quanta(part[p]);
            m.product[p] += (money_magnitude)((money)charge_quanta(part[p]) * total);
        }
        ck_assert_int_eq(notes->quanta[i],
                         tariff_serves(t, i) ? charge_quanta(c.total) : TARIFF_UNSERVED);
    }
    if (notes->moments.any >> 47)
        return; /* too large: nobody reads them */
    for (int p = 0; p < CHARGE_PARTS; p++)
        ck_assert_msg(m.first[p] == notes->moments.first[p] &&
                          m.product[p] == notes->moments.product[p],
                      "moments of part %d under plan %zu", p, plan);
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
    struct charge_notes notes = {.quanta = quanta, .has_moments = true};
    tariff_charge_all(t, 2, &all, &notes);
    check_moments(t, &notes, plan);
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
    const size_t plans = (asked           ? strtoul(asked, NULL, 10)
                          : testing_few() ? PAIRS / 10
                                          : PAIRS) /
                         ROWS;
    size_t charged = 0;
    struct random r;
    random_init(&r, 7, RANDOM_TEST, 1);
    for (size_t i = 0; i < plans; i++) {
        /* of every third workload all columns that few have are empty: the common traces */
        unsigned columns = (unsigned)random_below(&r, 4096) & (i % 3 ? ~0u : ~(2u | 32 | 64 | 128));
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
