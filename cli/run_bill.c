#include "cli/run_bill.h"

#include "core/file.h"
#include "core/runs/record/run_dir.h"

#include <stdlib.h>

int run_bill_select(const struct option_list *plans, struct plan_selection *out, struct error *err)
{
    *out = (struct plan_selection){0};
    for (size_t i = 0; i < plans->count; i++)
        if (plan_select(plans->items[i], out, err) < 0)
            return ERR_INPUT;
    return 0;
}

static int write_json(const struct run_bill *b, const char *run, struct error *err)
{
    struct buffer text;
    struct json_writer w;
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 2);
    bill_write_json(&b->bill, &w);
    buffer_add_byte(&text, '\n');
    char *path = run_dir_file(run, "bill.json");
    int status = file_write_atomic(path, text.data, text.length, err);
    free(path);
    buffer_free(&text);
    return status;
}

int run_bill_make(struct run_bill *out, const char *run, const struct option_list *plans,
                  struct error *err)
{
    return run_bill_make_slo(out, run, plans, &(struct slo_list){0}, err);
}

int run_bill_make_slo(struct run_bill *out, const char *run, const struct option_list *plans,
                      const struct slo_list *slos, struct error *err)
{
    struct run_workload_report report;
    struct bill_options options = {.workers = 1, .both_caps = true};
    *out = (struct run_bill){0};
    workload_init(&out->workload);
    int status = run_bill_select(plans, &out->plans, err);
    if (status == 0)
        status = run_workload_read_slo(run, slos, &out->workload, &out->earlier, &report, err);
    if (status == 0) {
        options.earlier = &out->earlier;
        status = bill_make(&out->bill, &out->workload, out->plans.plans, out->plans.count, &options,
                           err);
    }
    if (status == 0)
        status = write_json(out, run, err);
    if (status < 0)
        run_bill_free(out);
    return status;
}

void run_bill_free(struct run_bill *b)
{
    bill_free(&b->bill);
    earlier_attempts_free(&b->earlier);
    workload_free(&b->workload);
    plan_selection_free(&b->plans);
    *b = (struct run_bill){0};
}
