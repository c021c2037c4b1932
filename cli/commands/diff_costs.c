#include "cli/commands/diff_costs.h"

#include "core/memory.h"
#include "sim/cost/bill/bill_rows.h"

#include <math.h>
#include <stdlib.h>

static int add(void *context, int run, const struct record *r, uint32_t *row, struct error *err)
{
    struct diff_costs *c = context;
    const struct workload *w = &c->runs[run].workload;
    size_t before = w->count;
    int status = run_workload_add(&c->runs[run], r, err);
    *row = w->count > before ? (uint32_t)before : RUN_PRICING_NONE;
    return status;
}

static void take_charges(const struct bill *bill, double *usd)
{
    struct bill_row *rows;
    size_t count = bill_rows(bill, 0, &rows);
    for (size_t i = 0; i < count; i++)
        usd[rows[i].row] = serve_is_served(rows[i].fate) ? money_to_double(rows[i].charge) : NAN;
    free(rows);
}

static int end(void *context, int run, const char *path, struct error *err)
{
    struct diff_costs *c = context;
    struct run_workload *w = &c->runs[run];
    struct bill_options options = {.workers = 1};
    struct bill bill;
    int status = run_workload_end(w, path, err);
    if (status == 0)
        status = bill_make(&bill, &w->workload, &c->plan, 1, &options, err);
    if (status == 0) {
        c->usd[run] = mem_zero(w->workload.count + 1, sizeof *c->usd[run]);
        take_charges(&bill, c->usd[run]);
        bill_free(&bill);
    }
    run_workload_free(w);
    return status;
}

static double cost_of(const void *context, int run, uint32_t row)
{
    const struct diff_costs *c = context;
    return c->usd[run][row];
}

struct run_pricing diff_costs_begin(struct diff_costs *costs, const struct plan *plan)
{
    *costs = (struct diff_costs){.plan = plan};
    for (int i = 0; i < 2; i++)
        run_workload_begin(&costs->runs[i], NULL, NULL);
    return (struct run_pricing){costs, add, end, cost_of};
}

void diff_costs_free(struct diff_costs *costs)
{
    for (int i = 0; i < 2; i++) {
        run_workload_free(&costs->runs[i]);
        free(costs->usd[i]);
    }
}
