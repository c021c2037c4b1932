#include "cli/diff_costs.h"

#include "core/memory.h"
#include "sim/cost/bill/bill_rows.h"

#include <stdlib.h>

struct diff_charge {
    money usd;
    bool known;
};

static int add(void *context, int run, const struct record *r, uint32_t *row, struct error *err)
{
    struct diff_costs *c = context;
    const struct workload *w = &c->runs[run].workload;
    size_t before = w->count;
    int status = run_workload_add(&c->runs[run], r, err);
    *row = w->count > before ? (uint32_t)before : RUN_PRICING_NONE;
    return status;
}

static void take_charges(const struct bill *bill, struct diff_charge *charges)
{
    struct bill_row *rows;
    size_t count = bill_rows(bill, 0, &rows);
    for (size_t i = 0; i < count; i++)
        charges[rows[i].row] = (struct diff_charge){rows[i].charge, serve_is_served(rows[i].fate)};
    free(rows);
}

/* Then the next run of that side may come. */
static int end(void *context, int run, const char *path, struct error *err)
{
    struct diff_costs *c = context;
    struct run_workload *w = &c->runs[run];
    struct bill_options options = {.workers = 1};
    struct bill bill;
    int status = run_workload_end(w, path, err);
    if (status == 0)
        status = bill_make(&bill, &w->workload, &c->plans[run], 1, &options, err);
    if (status == 0) {
        free(c->charges[run]);
        c->charges[run] = mem_zero(w->workload.count + 1, sizeof *c->charges[run]);
        take_charges(&bill, c->charges[run]);
        bill_free(&bill);
    }
    run_workload_free(w);
    run_workload_begin(w, NULL, NULL);
    return status;
}

static bool cost_of(const void *context, int run, uint32_t row, money *out)
{
    const struct diff_costs *c = context;
    *out = c->charges[run][row].usd;
    return c->charges[run][row].known;
}

struct run_pricing diff_costs_begin(struct diff_costs *costs, const struct plan *const plans[2])
{
    *costs = (struct diff_costs){.plans = {plans[0], plans[1]}};
    for (int i = 0; i < 2; i++)
        run_workload_begin(&costs->runs[i], NULL, NULL);
    return (struct run_pricing){costs, add, end, cost_of};
}

void diff_costs_free(struct diff_costs *costs)
{
    for (int i = 0; i < 2; i++) {
        run_workload_free(&costs->runs[i]);
        free(costs->charges[i]);
    }
}
