/* What may serve a workload, as a command line names it:
 *
 *     oxlo/pro                 a plan: paid, but nobody measured whether it meets the objectives
 *     results/mine+oxlo/pro    RUN+PLAN: a measured run, paid by a plan
 *     h200-qwen3-32b-tp1+3.50  ENGINE+PRICE: replicas of one's own, at so many USD for an hour of
 *                              one GPU
 *
 *     struct candidate_list list = {0};
 *     candidate_list_add(&list, "results/mine+oxlo/p*,h200-qwen3-32b-tp1+3.50", &slos, err);
 *     ...
 *     candidate_list_free(&list);                      // also after an error
 */
#ifndef FAREBOX_SIM_DECIDE_CANDIDATE_H
#define FAREBOX_SIM_DECIDE_CANDIDATE_H

#include "core/runs/summary/slo.h"
#include "sim/cost/book/select.h"
#include "sim/engine/preset.h"

#define CANDIDATES_MOST 24

enum candidate_kind { CANDIDATE_PLAN, CANDIDATE_MEASURED, CANDIDATE_OWN };

/* "plan", "measured", "own". */
const char *candidate_kind_name(enum candidate_kind kind);

/* How many requests of a run met the objectives, in the order of its records. */
struct measured {
    char *run;        /* its path */
    uint64_t *before; /* met among the first i; count + 1 of them */
    uint64_t count, good;
    double rate_rps; /* of the requests as they were due; NAN: not known */
    bool simulated;  /* the run was made by sim */
};

struct candidate {
    enum candidate_kind kind;
    char *name;                      /* for people: unique in its list */
    const struct plan *plan;         /* lent by the list; NULL of one's own */
    const struct measured *measured; /* likewise; NULL unless it is of that kind */
    struct engine_config *engine;    /* of one's own */
    money gpu_hour;
    uint32_t gpus; /* of a replica */
};

struct candidate_list {
    struct candidate *items;
    size_t count;
    struct plan_selection plans; /* each plan once, in the order in which they are first named */
    struct measured **runs;      /* likewise, each read once */
    size_t run_count;
};

/* Adds what a list names; the objectives are the same for all of it. ERR_INPUT: what is neither a
 * plan, RUN+PLAN nor ENGINE+PRICE; a run that cannot be read or has no request; two of one name;
 * more than CANDIDATES_MOST. */
int candidate_list_add(struct candidate_list *list, const char *text, const struct slo_list *slos,
                       struct error *err);
void candidate_list_free(struct candidate_list *list);

/* The number of a candidate's plan in list->plans. */
size_t candidate_plan(const struct candidate_list *list, const struct candidate *c);

#endif
