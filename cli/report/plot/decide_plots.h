/* The plots of a decision, from its decide.json: the command draws them and a report draws them
 * anew.
 *
 *     struct picture *p = mem_zero(1, sizeof *p);
 *     if (picture_decide_ladder(text_of(json), "agent", p)) plot_draw(&p->plot, "x/plots", false,
 * err); picture_free(p);
 *
 * Both give false, and nothing to draw, where the document has no data for them.
 */
#ifndef FAREBOX_CLI_REPORT_PLOT_DECIDE_PLOTS_H
#define FAREBOX_CLI_REPORT_PLOT_DECIDE_PLOTS_H

#include "cli/report/plot/pictures.h"
#include "core/text.h"

/* USD for each good request over requests a month, of each candidate that takes part (dashed:
 * only if its unconfirmed caps do not hold), the first where there is no room for all; bars at the
 * month's own volume hold 95 % of the draws. */
bool picture_decide_ladder(struct text json, const char *run, struct picture *p);

/* By how much the cheapest of the expected month stays the cheapest, or loses, when one thing is
 * less or more: what moves it most stands on top. */
bool picture_decide_hinges(struct text json, const char *run, struct picture *p);

/* decide-ladder and decide-hinges, .svg and .png each. */
int decide_plots_draw(struct text json, const char *run, const char *directory, struct error *err);

#endif
