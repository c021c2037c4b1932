/* How fast are charges? A five-class token plan over loaded columns, on one core: at least 30
 * million requests a second. A million requests under 20 plans with all tables on all cores: at
 * most 3 s. */
#include "core/memory.h"
#include "core/random.h"
#include "sim/cost/bill/bill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUESTS ((size_t)1000000)
#define PLANS 20

static const char five_classes[] =
    "{\"name\": \"five\", \"per_mtok\": {\"input\": \"2.50\", \"cached_input\": \"1.25\","
    " \"cache_write\": \"3.125\", \"output\": \"10\", \"reasoning\": \"12\"}, \"tiers\":"
    " [{\"input_over\": 200000, \"per_mtok\": {\"input\": \"5\", \"output\": \"15\"}}]}";

static const char *const forms[] = {
    "{\"name\": \"p%d\", \"per_mtok\": {\"input\": \"2.50\", \"cached_input\": \"1.25\","
    " \"cache_write\": \"3.125\", \"output\": \"10\", \"reasoning\": \"12\"}}",
    "{\"name\": \"p%d\", \"per_mtok\": {\"input\": \"0.27\", \"output\": \"1.10\"}, \"windows\":"
    " [{\"start\": \"16:30\", \"end\": \"00:30\", \"multiplier\": \"0.5\"}]}",
    "{\"name\": \"p%d\", \"per_request\": \"0.002\"}",
    "{\"name\": \"p%d\", \"subscription\": {\"price\": \"80\", \"period\": \"month\", \"includes\":"
    " {\"requests\": 100000, \"per\": \"day\"}, \"beyond\": \"queue\"}, \"limits\": {\"rpm\": 3000,"
    " \"max_input_tokens\": 32000}}",
};

static void fill(struct workload *w)
{
    struct random r;
    struct error err = {0};
    random_init(&r, 1, RANDOM_TEST, 1);
    workload_init(w);
    w->has_start = true;
    for (size_t i = 0; i < REQUESTS; i++) {
        struct request q = {.timestamp_ns = (int64_t)i * 80 * NS_PER_MS,
                            .input_tokens = 1 + (uint32_t)random_below(&r, 20000),
                            .output_tokens = 1 + (uint32_t)random_below(&r, 2000),
                            .has_usage = true,
                            .attempts = 1};
        q.usage = usage_from_totals(q.input_tokens, random_below(&r, 10000), random_below(&r, 500),
                                    0, q.output_tokens, random_below(&r, 500));
        if (workload_add(w, &q, &err) < 0)
            exit(1);
    }
}

static struct plan_book load(const char *plans)
{
    struct plan_book book = {0};
    struct error err = {0};
    char *text = mem_alloc(strlen(plans) + 64);
    int length = sprintf(text, "{\"plans\": [%s]}", plans);
    if (plan_book_parse("perf", text, (size_t)length, &book, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    free(text);
    return book;
}

static double seconds_since(int64_t start_ns)
{
    return (double)(clock_now_ns() - start_ns) * 1e-9;
}

static bool measure_charges(const struct workload *w)
{
    struct plan_book book = load(five_classes);
    struct serve_rows rows;
    struct serve_result served;
    struct serve_conditions conditions = {0};
    struct tariff t;
    struct charge_sums sums;
    double best = 1e9;
    serve_rows_make(&rows, w, (struct serve_duration){0}, NULL);
    serve_plan(&book.plans[0], &rows, &conditions, &served);
    tariff_init(&t, &book.plans[0], &rows, &served, TIME_NEVER, false);
    for (int i = 0; i < 7; i++) {
        int64_t start = clock_thread_cpu_ns();
        tariff_charge_all(&t, 1, &sums, NULL);
        double took = (double)(clock_thread_cpu_ns() - start) * 1e-9;
        best = took < best ? took : best;
    }
    char total[MONEY_TEXT_SIZE];
    money_format(sums.total, total);
    double rate = (double)w->count / best * 1e-6;
    printf("price: %.1f million requests a second and core under five classes (wanted 30), $%s\n",
           rate, total);
    tariff_free(&t);
    serve_result_free(&served);
    serve_rows_free(&rows);
    plan_book_free(&book);
    return rate >= 30;
}

static double bill_once(const struct workload *w, const struct plan *const *plans,
                        struct bill_options options)
{
    struct bill bill;
    struct error err = {0};
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, BUFFER_UNBOUNDED);
    int64_t start = clock_now_ns();
    if (bill_make(&bill, w, plans, PLANS, &options, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    json_write_init(&writer, &out, 2);
    bill_write_json(&bill, &writer);
    bill_write_table(&bill, 100, &out);
    double took = seconds_since(start);
    buffer_free(&out);
    bill_free(&bill);
    return took;
}

static bool measure_bill(const struct workload *w)
{
    char text[PLANS * 512];
    size_t used = 0;
    for (int i = 0; i < PLANS; i++) {
        used += (size_t)sprintf(text + used, "%s", i ? "," : "");
        char form[512];
        snprintf(form, sizeof form, "%s", forms[i % 4]);
        char *number = strstr(form, "%d");
        used += (size_t)sprintf(text + used, "%.*s%d%s", (int)(number - form), form, i, number + 2);
    }
    struct plan_book book = load(text);
    const struct plan *plans[PLANS];
    for (int i = 0; i < PLANS; i++)
        plans[i] = &book.plans[i];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct bill_options options = {.workers = cores > 0 ? (unsigned)cores : 1};
    double best = 1e9;
    for (int i = 0; i < 3 && best > 3; i++) {
        double took = bill_once(w, plans, options);
        best = took < best ? took : best;
    }
    printf("price: a million requests under %d plans with all tables in %.2f s (wanted 3)\n", PLANS,
           best);
    plan_book_free(&book);
    return best <= 3;
}

int main(void)
{
    struct workload w;
    fill(&w);
    bool fast = measure_charges(&w);
    fast = measure_bill(&w) && fast;
    workload_free(&w);
    return fast ? 0 : 1;
}
