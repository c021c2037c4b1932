#include "sim/decide/candidate.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_json.h"
#include "sim/cost/bill/run_workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *candidate_kind_name(enum candidate_kind kind)
{
    static const char *const names[] = {"plan", "measured", "own"};
    return names[kind];
}

size_t candidate_plan(const struct candidate_list *list, const struct candidate *c)
{
    for (size_t i = 0; i < list->plans.count; i++)
        if (list->plans.plans[i] == c->plan)
            return i;
    return SIZE_MAX;
}

static void free_candidate(struct candidate *c)
{
    free(c->name);
    free(c->engine);
}

static void free_measured(struct measured *m)
{
    free(m->run);
    free(m->before);
    free(m);
}

void candidate_list_free(struct candidate_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free_candidate(&list->items[i]);
    for (size_t i = 0; i < list->run_count; i++)
        free_measured(list->runs[i]);
    free(list->items);
    free(list->runs);
    plan_selection_free(&list->plans);
    *list = (struct candidate_list){0};
}

/* Takes the candidate over, also after an error. */
static int append(struct candidate_list *list, struct candidate *c, struct error *err)
{
    int status = 0;
    for (size_t i = 0; i < list->count && status == 0; i++)
        if (strcmp(list->items[i].name, c->name) == 0)
            status =
                error_set(err, ERR_INPUT, "--candidates names %s twice: each has one row", c->name);
    if (status == 0 && list->count == CANDIDATES_MOST)
        status = error_set(err, ERR_INPUT, "--candidates: expected at most %d", CANDIDATES_MOST);
    if (status < 0) {
        free_candidate(c);
        return status;
    }
    list->items = mem_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = *c;
    return 0;
}

/* ---- RUN+PLAN ---- */

/* Completed, and no objective missed. */
static bool has_met(const struct workload *w, size_t row)
{
    return (!w->status || w->status[row] == REQUEST_OK) &&
           !(w->earlier && w->earlier->finals[row].slo_missed);
}

/* Requests that were never sent meet none. */
static void fill_measured(struct measured *m, const struct run_workload *run)
{
    const struct workload *w = &run->workload;
    int64_t first, last;
    m->count = w->count + run->report.unsent;
    m->before = mem_zero(m->count + 1, sizeof *m->before);
    for (uint64_t i = 0; i < m->count; i++)
        m->before[i + 1] = m->before[i] + (i < w->count && has_met(w, i));
    m->good = m->before[m->count];
    m->rate_rps = NAN;
    if (workload_time_range(w, &first, &last) && last > first)
        m->rate_rps = (double)(w->count - 1) * 1e9 / (double)(last - first);
}

static bool was_simulated(const char *run)
{
    struct run_json said;
    bool simulated = run_json_read(run, &said, NULL) == 0 && text_equal(said.command, "sim");
    run_json_free(&said);
    return simulated;
}

static int read_measured(const char *run, const struct slo_list *slos, struct measured *m,
                         struct error *err)
{
    struct run_workload w;
    int status = run_workload_read(&w, run, slos, err);
    if (status == 0)
        fill_measured(m, &w);
    if (status == 0 && m->count == 0)
        status = error_set(err, ERR_INPUT, "%s holds no request: there is nothing measured", run);
    run_workload_free(&w);
    m->run = mem_copy_string(run);
    m->simulated = status == 0 && was_simulated(run);
    return status;
}

/* The run as it was read for an earlier candidate, or now; NULL and an error. */
static const struct measured *measured_run(struct candidate_list *list, const char *run,
                                           const struct slo_list *slos, struct error *err)
{
    for (size_t i = 0; i < list->run_count; i++)
        if (strcmp(list->runs[i]->run, run) == 0)
            return list->runs[i];
    struct measured **place = mem_append(&list->runs, &list->run_count, sizeof *place);
    *place = mem_zero(1, sizeof **place);
    return read_measured(run, slos, *place, err) == 0 ? *place : NULL;
}

/* A candidate for each plan that the text names; with a run all are paid for that one. */
static int add_plans(struct candidate_list *list, const char *run, const char *plans,
                     const struct slo_list *slos, struct error *err)
{
    struct plan_selection named = {0};
    const struct measured *measured = NULL;
    if (plan_select(plans, &named, err) < 0)
        return err->code;
    int status = plan_select(plans, &list->plans, err);
    if (status == 0 && run && !(measured = measured_run(list, run, slos, err)))
        status = err->code;
    for (size_t i = 0; i < named.count && status == 0; i++) {
        struct candidate c = {.kind = run ? CANDIDATE_MEASURED : CANDIDATE_PLAN};
        char name[600];
        snprintf(name, sizeof name, "%.400s%s%.180s", run ? run : "", run ? "+" : "",
                 named.plans[i]->name);
        c.name = mem_copy_string(name);
        for (size_t k = 0; k < list->plans.count; k++)
            if (strcmp(list->plans.plans[k]->name, named.plans[i]->name) == 0)
                c.plan = list->plans.plans[k];
        c.measured = measured;
        status = append(list, &c, err);
    }
    plan_selection_free(&named);
    return status;
}

/* ---- ENGINE+PRICE ---- */

static int add_own(struct candidate_list *list, const char *engine, const char *price,
                   struct error *err)
{
    struct candidate c = {.kind = CANDIDATE_OWN, .engine = mem_zero(1, sizeof *c.engine)};
    char name[400];
    int status = engine_config_load(engine, c.engine, err);
    if (status == 0 && (money_parse(price, strlen(price), MONEY_PER_ONE, &c.gpu_hour) != MONEY_OK ||
                        c.gpu_hour < 0))
        status = error_set(err, ERR_INPUT,
                           "--candidates %.120s+%.40s: behind an engine's + expected the price of "
                           "one GPU for an hour in USD, such as 3.50",
                           engine, price);
    if (status < 0) {
        free_candidate(&c);
        return status;
    }
    c.gpus = c.engine->tensor_parallel ? c.engine->tensor_parallel : 1;
    snprintf(name, sizeof name, "%.300s+%.40s", c.engine->name, price);
    c.name = mem_copy_string(name);
    return append(list, &c, err);
}

static int add_one(struct candidate_list *list, char *text, const struct slo_list *slos,
                   struct error *err)
{
    char *plus = strrchr(text, '+');
    money ignored;
    if (!plus || file_exists(text))
        return add_plans(list, NULL, text, slos, err);
    *plus = '\0';
    bool is_price = money_parse(plus + 1, strlen(plus + 1), MONEY_PER_ONE, &ignored) == MONEY_OK;
    if (!is_price && run_dir_is_run(text))
        return add_plans(list, text, plus + 1, slos, err);
    if (is_price && run_dir_is_run(text))
        return error_set(
            err, ERR_INPUT,
            "--candidates %.120s+%.40s: %.120s is a run; behind its + expected a plan, "
            "such as %.120s+demo/token",
            text, plus + 1, text, text);
    if (is_price || strchr(plus + 1, '/') == NULL)
        return add_own(list, text, plus + 1, err);
    return error_set(err, ERR_INPUT,
                     "--candidates %.120s+%.80s: %.120s is no run's directory; expected PLAN, "
                     "RUN+PLAN or ENGINE+PRICE, such as demo/token, results/mine+demo/token, "
                     "h200-qwen3-32b-tp1+3.50",
                     text, plus + 1, text);
}

int candidate_list_add(struct candidate_list *list, const char *text, const struct slo_list *slos,
                       struct error *err)
{
    char *copy = mem_copy_string(text), *rest = copy, *one;
    int status = 0;
    while (status == 0 && (one = strsep(&rest, ","))) {
        struct text trimmed = text_trim(text_of(one));
        char *item = mem_copy_text(trimmed.at, trimmed.length);
        status = trimmed.length
                     ? add_one(list, item, slos, err)
                     : error_set(err, ERR_INPUT, "--candidates: an empty name in \"%s\"", text);
        free(item);
    }
    free(copy);
    return status;
}
