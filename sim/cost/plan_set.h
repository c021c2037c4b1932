/* The plans that a command bills under: files, bundled books, plans by name.
 *
 *     struct plan_set set = {0};
 *     if (plan_set_add(&set, "mine.json,oxlo/pro,deepseek-*", err) < 0) return err->code;
 *     bill_make(&bill, &w, set.plans, set.count, &options, err);
 *     plan_set_free(&set);
 *
 * The set owns its books; its plans live as long as it does.
 */
#ifndef FAREBOX_SIM_COST_PLAN_SET_H
#define FAREBOX_SIM_COST_PLAN_SET_H

#include "sim/cost/plan.h"

struct plan_set {
    struct plan_book **books;
    size_t book_count;
    const struct plan **plans;
    size_t count;
};

/* Adds what a comma-separated list names. Each item is a file (a path that exists or ends in
 * .json): all its plans; else the stem of a bundled book: all its plans; else a plan of the
 * bundled books by name, * and ? allowed. A plan that is in the set already is not added twice.
 * ERR_INPUT: a broken file, or a name that nothing has (with the nearest). */
int plan_set_add(struct plan_set *set, const char *list, struct error *err);
void plan_set_free(struct plan_set *set);

#endif
