/* The plots of a story, from its story.json: the command draws them and a report draws them anew.
 *
 *     struct picture *p = mem_zero(1, sizeof *p);
 *     if (picture_story_variance(text_of(json), "story", p))
 *         plot_draw(&p->plot, "x/plots", false, err);
 *     picture_free(p);
 *
 * All give false, and nothing to draw, where the document has no data for them.
 */
#ifndef FAREBOX_CLI_REPORT_PLOT_STORY_PLOTS_H
#define FAREBOX_CLI_REPORT_PLOT_STORY_PLOTS_H

#include "cli/report/plot/pictures.h"
#include "core/text.h"

/* What requests cost by the token, as multiples of each workload's median one. */
bool picture_story_variance(struct text json, const char *run, struct picture *p);

/* By how much the month's cash moves with a cache, smaller models, tools side by side, retries. */
bool picture_story_changes(struct text json, const char *run, struct picture *p);

/* By how much one change ("cache") moves the month's cash under a plan of the document, in percent;
 * NAN where it does not apply. */
double story_moved_percent(struct text plan, const char *change);

/* From how many requests a month a flat plan is cheaper than one by the token. */
bool picture_story_pays(struct text json, const char *run, struct picture *p);

/* story-variance, story-changes and story-pays, .svg and .png each. */
int story_plots_draw(struct text json, const char *run, const char *directory, struct error *err);

#endif
