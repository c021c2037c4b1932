/* Several runs in one picture: their curves over each other, in the color of their group.
 *
 *     struct overlay_run runs[] = {{"before", 0, before, &s0}, {"after", 1, after, &s1}};
 *     struct overlay o = {.runs = runs, .count = 2, .groups = names, .group_count = 2};
 *     if (overlay_latency(&o, &picture)) plot_svg(&picture.plot, &svg, err);
 *     picture_free(&picture);
 */
#ifndef FAREBOX_CLI_REPORT_PLOT_OVERLAY_H
#define FAREBOX_CLI_REPORT_PLOT_OVERLAY_H

#include "cli/report/plot/pictures.h"

struct overlay_run {
    size_t group; /* its place among them */
    struct collector *collector;
    const struct summary *summary;
};

struct overlay {
    const struct overlay_run *runs;
    size_t count;
    const char *const *groups; /* names; a run of its own each, or repeats */
    size_t group_count;
};

/* The share of requests that had their first token, and were answered, within so long. Of more runs
 * than there is room for the first are drawn, which the picture says. False: nothing to draw. */
bool overlay_latency(const struct overlay *o, struct picture *p);

/* What changed, in percent, with its interval: a row for each figure. */
struct overlay_change {
    const char *name;
    double change, low, high; /* shares: 0.12 is 12 % more; low and high NAN: not known */
    int color;                /* PLOT_NOBODY: no difference is proven */
};
bool overlay_changes(const struct overlay_change *rows, size_t count, const char *title,
                     const char *subtitle, struct picture *p);

#endif
