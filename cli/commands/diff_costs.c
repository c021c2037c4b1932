#include "cli/commands/diff_costs.h"

#include "core/memory.h"
#include "sim/cost/bill/bill_rows.h"
#include "sim/cost/bill/run_workload.h"

#include <math.h>
#include <stdlib.h>

static void take_charges(struct run_costs *out, const struct bill *bill)
{
    char made[REQUEST_ID_SIZE];
    struct bill_row *rows;
    size_t count = bill_rows(bill, 0, &rows);
    out->usd = mem_alloc(count * sizeof *out->usd);
    for (size_t i = 0; i < count; i++) {
        uint32_t n =
            names_add(&out->ids, text_of(workload_request_id(bill->workload, rows[i].row, made)));
        out->usd[n] = serve_is_served(rows[i].fate) ? money_to_double(rows[i].charge) : NAN;
    }
    free(rows);
}

int diff_costs_make(struct run_costs *out, const char *run, const struct plan *plan,
                    struct error *err)
{
    struct workload workload;
    struct earlier_attempts earlier = {0};
    struct run_workload_report report;
    struct bill bill = {0};
    struct bill_options options = {.workers = 1, .earlier = &earlier};
    *out = (struct run_costs){0};
    names_init(&out->ids);
    workload_init(&workload);
    int status = run_workload_read(run, &workload, &earlier, &report, err);
    if (status == 0)
        status = bill_make(&bill, &workload, &plan, 1, &options, err);
    if (status == 0) {
        take_charges(out, &bill);
        bill_free(&bill);
    }
    earlier_attempts_free(&earlier);
    workload_free(&workload);
    return status;
}

void diff_costs_free(struct run_costs *costs)
{
    names_free(&costs->ids);
    free(costs->usd);
    costs->usd = NULL;
}
