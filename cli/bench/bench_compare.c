#include "cli/bench/bench_compare.h"

#include "bench/client/bench_hide.h"
#include "cli/bench/load_show.h"
#include "cli/diff_costs.h"
#include "cli/output.h"
#include "cli/report/text/ab_text.h"
#include "cli/run_bill.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_files.h"

#include <stdlib.h>
#include <string.h>

#define TOLERANCE 5.0
#define SHARE_TOLERANCE 1.0

/* ---- the options ---- */

int bench_compare_check(const struct bench_options *o, struct error *err)
{
    size_t count = bench_endpoint_count(o);
    if (o->names.count && o->names.count != count)
        return error_set(err, ERR_INPUT, "expected %zu --name, one for each endpoint, found %zu",
                         count, o->names.count);
    for (size_t i = 1; i < o->names.count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(o->names.items[i], o->names.items[k]) == 0)
                return error_set(err, ERR_INPUT, "--name %.60s is given twice: which is which?",
                                 o->names.items[i]);
    if (o->side_plans.count && (!o->compare || o->plans.count))
        return error_set(err, ERR_INPUT,
                         "--plan is of a side of --compare, in place of --plans: one for both, or "
                         "one for each endpoint");
    if (!o->compare)
        return 0;
    if (count != 2)
        return error_set(err, ERR_INPUT,
                         "--compare needs two endpoints, as two --url or two --model; found %zu",
                         count);
    if (o->side_plans.count && o->dry_run)
        return error_set(err, ERR_INPUT,
                         "--dry-run adds up both sides: give it --plans in place of --plan");
    if (o->side_plans.count > 2)
        return error_set(err, ERR_INPUT, "expected one --plan, or one for each endpoint, found %zu",
                         o->side_plans.count);
    if (!o->output || o->sweep || o->find_max || o->shard)
        return error_set(
            err, ERR_INPUT,
            "--compare needs -o DIR, and goes without --sweep, --find-max and --shard");
    return 0;
}

struct option_list bench_compare_plans(const struct bench_options *o, size_t side)
{
    if (o->side_plans.count == 0)
        return o->plans;
    return (struct option_list){&o->side_plans.items[o->side_plans.count == 1 ? 0 : side], 1};
}

/* Of what decides the runs: more pairs, another budget or waiting make no other ones. */
static uint64_t hash_of(const struct bench_options *o)
{
    static const char *const free_to_change[] = {"repeat", "max-cost", "wait-ready", "compare"};
    struct option_spec all[CHILD_OPTIONS], kept[CHILD_OPTIONS];
    size_t count = 0;
    load_child_options(bench_option_specs, NULL, all);
    for (size_t i = 0; all[i].name; i++) {
        bool skipped = false;
        for (size_t k = 0; k < sizeof free_to_change / sizeof free_to_change[0]; k++)
            skipped = skipped || strcmp(all[i].name, free_to_change[k]) == 0;
        if (!skipped)
            kept[count++] = all[i];
    }
    kept[count] = (struct option_spec){0};
    return load_options_hash(kept, o);
}

/* ---- the beginning ---- */

static char *copied(const char *text)
{
    return text ? mem_copy_string(text) : NULL;
}

static char *shown_url(const char *url)
{
    struct buffer shown;
    buffer_init(&shown, BUFFER_UNBOUNDED);
    hide_in_url(url, &shown);
    return buffer_take(&shown);
}

static int fill_side(struct bench_compare *c, size_t i, struct error *err)
{
    const struct bench_options *o = c->o;
    struct ab_side *s = &c->ab.sides[i];
    struct option_list plans = bench_compare_plans(o, i);
    s->name = copied(o->names.count ? o->names.items[i] : NULL);
    s->url = shown_url(bench_endpoint_item(&o->urls, i));
    s->model = copied(bench_endpoint_item(&o->models, i));
    if (plans.count == 0)
        return 0;
    if (run_bill_select(&plans, &c->plans[i], err) < 0)
        return err->code;
    const struct plan *plan = c->plans[i].plans[0];
    if (o->side_plans.count && c->plans[i].count > 1)
        return error_set(err, ERR_INPUT,
                         "--plan %.60s names %zu plans: choose one as in BOOK/PLAN (farebox prices "
                         "list)",
                         plans.items[0], c->plans[i].count);
    s->plan = mem_copy_string(plan->name);
    s->paid_by_period = plan->subscription.present || plan->provisioned.present;
    return 0;
}

/* What is there already goes on, or away. */
static int find_earlier(struct bench_compare *c, struct error *err)
{
    const struct bench_options *o = c->o;
    char *path = run_dir_file(o->output, AB_FILE);
    int status = 0;
    if (file_exists(path) && o->resume)
        status = ab_read_runs(&c->ab, o->output, err);
    else if (file_exists(path) && !o->force && !o->dry_run)
        status =
            error_set(err, ERR_INPUT, "%s exists: --resume goes on, --force begins anew", path);
    if (status == 0 && o->resume)
        run_files_clear_cut(o->output);
    free(path);
    return status;
}

static void release(struct bench_compare *c)
{
    ab_free(&c->ab);
    plan_selection_free(&c->plans[0]);
    plan_selection_free(&c->plans[1]);
}

int bench_compare_begin(struct bench_compare *c, const struct terminal *t,
                        const struct bench_options *o, struct error *err)
{
    *c = (struct bench_compare){.terminal = t, .o = o};
    ab_init(&c->ab);
    c->ab.pairs_asked = o->repeat;
    c->ab.options_hash = hash_of(o);
    if (fill_side(c, 0, err) == 0 && fill_side(c, 1, err) == 0 && find_earlier(c, err) == 0)
        return 0;
    release(c);
    return err->code;
}

void bench_compare_recall(const struct bench_compare *c, struct bench_learnt *learnt, money *left)
{
    for (size_t i = 0; i < c->ab.count; i++) {
        const struct ab_run *run = &c->ab.runs[i];
        struct summary s;
        char name[48];
        *left -= run->spent;
        snprintf(name, sizeof name, "%llu-%zu", (unsigned long long)run->pair, run->side + 1);
        char *path = run_dir_file(c->o->output, name);
        if (summary_read_run(path, &s, NULL) == 0) {
            for (size_t k = 0; k < s.fidelity.probe_count; k++)
                bench_learnt_add(learnt, &s.fidelity.probes[k]);
            summary_free(&s);
        }
        free(path);
    }
}

bool bench_compare_has(const struct bench_compare *c, size_t side, uint64_t pair)
{
    return ab_has_run(&c->ab, side, pair);
}

int bench_compare_note(struct bench_compare *c, size_t side, uint64_t pair, bool whole, money spent,
                       struct error *err)
{
    struct error own = {0};
    ab_add_run(&c->ab, side, pair, whole, spent);
    ab_text_conclude(&c->ab);
    if (file_make_directories(c->o->output, &own) < 0 ||
        ab_write_file(&c->ab, c->o->output, &own) < 0)
        return error_set(err, own.code, "%s", own.message);
    return 0;
}

/* ---- the end ---- */

static int compare(struct bench_compare *c, struct error *err)
{
    const struct plan *plans[2] = {NULL, NULL};
    struct run_diff_options how = {.tolerance = TOLERANCE, .share_tolerance = SHARE_TOLERANCE};
    struct diff_costs costs;
    for (int i = 0; i < 2; i++)
        plans[i] = c->plans[i].count ? c->plans[i].plans[0] : NULL;
    struct run_pricing pricing = diff_costs_begin(&costs, plans);
    if (plans[0] && plans[1])
        how.pricing = &pricing;
    int status = ab_compare(&c->ab, c->o->output, &how, err);
    diff_costs_free(&costs);
    return status;
}

static void show(struct bench_compare *c)
{
    struct output out;
    output_begin(&out);
    ab_text_write(&c->ab, c->terminal->width, &out.text);
    buffer_add_format(&out.text, "written to %s\n", c->o->output);
    ab_write(&c->ab, &out.json);
    output_end(&out, c->terminal->human, c->o->common.json ? c->terminal->machine : NULL);
}

int bench_compare_end(struct bench_compare *c, int status, struct error *err)
{
    struct error own = {0};
    int compared = c->ab.count ? compare(c, &own) : 0;
    ab_text_conclude(&c->ab);
    if (compared == 0 && c->ab.count)
        compared = ab_write_file(&c->ab, c->o->output, &own);
    if (c->ab.count)
        show(c);
    if (status == 0 && compared < 0)
        status = error_set(err, own.code, "%s", own.message);
    release(c);
    return status;
}
