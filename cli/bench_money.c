#include "cli/bench_money.h"

#include "cli/run_bill.h"
#include "core/memory.h"
#include "sim/cost/price.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int bench_money_init(struct bench_money *m, const struct option_list *plans,
                     const struct workload *w, const char *limit, struct error *err)
{
    *m = (struct bench_money){.workload = w, .start_unix_ns = clock_wall_ns()};
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
    return 0;
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

static money price(struct bench_money *m, size_t plan, const struct record *r)
{
    money amount = 0;
    if (price_record(m->plans.plans[plan], r, m->start_unix_ns, &amount) < 0)
        m->overflowed = true;
    return amount;
}

/* What the request would cost if it is answered as the workload says. */
static money expected(struct bench_money *m, size_t plan, uint32_t row)
{
    struct request q;
    struct record r;
    workload_get(m->workload, row, &q);
    record_init(&r);
    r.row = row;
    r.status = RECORD_COMPLETED;
    r.attempt = 1;
    r.final = true;
    r.http_status = 200;
    r.sent_ns = 0;
    r.model = q.model;
    r.class_name = q.class_name;
    r.service = service_name(q.service);
    r.asked_input = q.input_tokens;
    r.asked_output = q.output_tokens;
    r.usage = q.usage;
    r.usage_from = USAGE_ESTIMATED;
    return price(m, plan, &r);
}

bool bench_money_admit(struct bench_money *m, uint32_t row)
{
    if (!m->limited)
        return true;
    pthread_mutex_lock(&m->lock);
    money wanted = expected(m, 0, row), after;
    bool fits = money_add(m->spent[0], m->reserved, &after) == 0 &&
                money_add(after, wanted, &after) == 0 && after <= m->limit;
    if (fits)
        m->reserved += wanted;
    pthread_mutex_unlock(&m->lock);
    return fits;
}

void bench_money_note(struct bench_money *m, const struct record *r)
{
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->plans.count; i++)
        if (r->status != RECORD_UNSENT && money_add(m->spent[i], price(m, i, r), &m->spent[i]) < 0)
            m->overflowed = true;
    if (m->limited && r->final && r->status != RECORD_UNSENT)
        m->reserved -= expected(m, 0, r->row);
    pthread_mutex_unlock(&m->lock);
}

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

void bench_money_plan(struct bench_money *m, uint64_t count, struct buffer *out)
{
    for (size_t i = 0; i < m->plans.count; i++) {
        char total[MONEY_TEXT_SIZE];
        money sum = 0;
        double mean = 0, squares = 0; /* Welford's running moments, for the interval only */
        for (uint64_t row = 0; row < count; row++) {
            money amount = expected(m, i, (uint32_t)row);
            if (money_add(sum, amount, &sum) < 0)
                m->overflowed = true;
            double value = money_to_double(amount), step = value - mean;
            mean += step / (double)(row + 1);
            squares += step * (value - mean);
        }
        money_format(sum, total);
        double middle = mean * (double)count;
        double half = count > 1 ? 1.96 * sqrt(squares / (double)(count - 1) * (double)count) : 0;
        buffer_add_format(out, "cost         $%s %.60s; as many others like them: $%.4g … $%.4g\n",
                          total, m->plans.plans[i]->name, middle > half ? middle - half : 0,
                          middle + half);
    }
}
