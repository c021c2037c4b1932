/* Choosing plans on the command line.
 *
 * One list names plans and books, separated by commas:
 *
 *     plans.json            every plan of a file (a path with a folder, or any file that exists)
 *     plans.json#gpt-4o*    of a file, the plans whose name matches
 *     demo, curated         every plan of a book that is part of the program
 *     oxlo/pro, oxlo/p*     plans of those books by name or by pattern with * and ?
 *     oxlo                  where no plan is called so: all whose name begins with "oxlo/", or all
 *                           of a seller of that name; mine.json#oxlo likewise
 *
 *     struct plan_selection chosen = {0};
 *     if (plan_select("oxlo/p*,mine.json", &chosen, err) < 0) return err->code;
 *     for (size_t i = 0; i < chosen.count; i++) use(chosen.plans[i]);
 *     plan_selection_free(&chosen);
 *
 * The selection owns the books; plans are lent until it is freed.
 */
#ifndef FAREBOX_SIM_COST_BOOK_SELECT_H
#define FAREBOX_SIM_COST_BOOK_SELECT_H

#include "sim/cost/book/plan.h"

struct plan_selection {
    struct plan_book *books; /* every book that was read, each file once */
    size_t book_count;
    const struct plan **plans; /* the chosen ones, each once, in the order of the list */
    size_t count, capacity;
    char *taken; /* what sellers' names stood for, a line each; NULL */
};

/* Adds what a list names to *out, which is zero before the first call; several lists may be added
 * one after the other. ERR_INPUT: a name that no plan has (with the nearest one), a pattern that
 * nothing matches, a file that cannot be read or is wrong, two different plans of one name, an
 * empty list. After an error *out is freed and zero. */
int plan_select(const char *list, struct plan_selection *out, struct error *err);

void plan_selection_free(struct plan_selection *selection);

#endif
