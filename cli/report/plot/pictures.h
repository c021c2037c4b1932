/* The plots of a run, each as a picture: panels that point to data of their own.
 *
 *     struct picture p;
 *     if (picture_latency_cdf(&p, collector, &summary, "my run"))
 *         plot_draw(&p.plot, directory, false, err);
 *     picture_free(&p);
 *
 * Every builder gives false, and nothing to draw, where the run has no data for it. The figures are
 * those of the summary and of the bill. The same plan has the same color in every picture.
 */
#ifndef FAREBOX_CLI_REPORT_PLOT_PICTURES_H
#define FAREBOX_CLI_REPORT_PLOT_PICTURES_H

#include "cli/report/plot/plot.h"
#include "core/runs/summary/collector.h"
#include "sim/cost/bill/bill.h"

#define PICTURE_PANELS 6
#define PICTURE_PLANS 10 /* more curves than this cannot be told apart */
#define PICTURE_NAMES 96
#define PICTURE_NAME_SIZE 240
#define PICTURE_PLAN_NAME 176
#define PICTURE_NAME_COLUMNS 28 /* of a plan beside its line */

struct picture {
    struct plot plot;
    struct plot_panel panels[PICTURE_PANELS];
    char title[400], subtitle[400];
    double unit_s; /* seconds of a unit along x, after picture_span_axis() */
    double **arrays;
    size_t array_count, array_capacity;
    char names[PICTURE_NAMES][PICTURE_NAME_SIZE];
    const char *name_list[2][PICTURE_NAMES]; /* what a panel's x_names point to */
    size_t name_count;
};

/* Of latencies: the summary gives the measured window and the objectives. */
bool picture_latency_cdf(struct picture *p, struct collector *c, const struct summary *s,
                         const char *run);
bool picture_spectrum(struct picture *p, struct collector *c, const struct summary *s,
                      const char *run);
bool picture_chunk_gaps(struct picture *p, struct collector *c, const struct summary *s,
                        const char *run);
bool picture_heat(struct picture *p, struct collector *c, const struct summary *s, const char *run);
bool picture_timeline(struct picture *p, struct collector *c, const struct summary *s,
                      const char *run);

/* Below the timeline: what the server said of itself in the run's server.jsonl, on the same time
 * axis; nothing where it was not asked. */
void picture_add_server(struct picture *p, const char *directory);

/* Of costs. */
bool picture_spend(struct picture *p, const struct bill *b, const char *run);
bool picture_cost_cdf(struct picture *p, const struct bill *b, const char *run);
bool picture_cheapest(struct picture *p, const struct bill *b, const char *run);
bool picture_variance(struct picture *p, const struct bill *b, const char *run);
bool picture_ladder(struct picture *p, const struct bill *b, const char *run);

void picture_free(struct picture *p);

/* What a command wrote of a result, as JSON, drawn; `run` names it. */
typedef bool picture_of_json(struct text json, const char *run, struct picture *p);

/* Draws those that have something to draw into a directory, as plot_draw does. */
int pictures_draw(picture_of_json *const *all, size_t count, struct text json, const char *run,
                  const char *directory, struct error *err);

/* As picture_begin(), and says that not every plan is drawn where that is so. A plan without its
 * caps is drawn, dashed, only where that makes a difference and there is room for it. */
void picture_begin_plans(struct picture *p, const struct bill *b, const char *name,
                         const char *what, const char *run);
bool picture_plan_is_drawn(const struct bill *b, size_t plan);

/* The number of a plan's color: its place among the plans asked for. */
int picture_plan_color(const struct bill *b, size_t plan);

/* The values of a metric in rising order, in ms; the caller frees them. Returns how many. */
size_t picture_sorted_values(struct collector *c, const struct summary *s, enum metric m,
                             double **out);

/* A curve of `points` (0, or 2 at least): the shares y, from 0 to 1, of the n values, which are in
 * rising order, that are at most x. */
void picture_share_curve(const double *sorted, size_t n, size_t points, double *x, double *y);

/* "0 %" to "100 %" up the y axis of shares. */
void picture_share_axis(struct plot_panel *panel, const char *label);

/* The x axis as time since `since`, of so many seconds: its label. Returns the seconds of its unit,
 * by which x is to be divided. */
double picture_span_axis(struct picture *p, struct plot_panel *panel, double span_s,
                         const char *since);

/* Of a picture over the time of a bill, until `end_ns`: dates where its start is known, else the
 * time since the first request in a unit that suits. Sets label and ticks; x is in units of so many
 * seconds. */
double picture_time_axis(struct picture *p, struct plot_panel *panel, const struct bill *b,
                         int64_t end_ns);

/* The y axis as money from 0 to `most`: "$1,200". */
void picture_money_axis(struct picture *p, struct plot_panel *panel, double most);

/* A plan's name in so many columns: what is too long is cut in its middle, and two plans never look
 * the same. Returns `out`. */
const char *picture_plan_name(const struct bill *b, size_t plan, size_t columns,
                              char out[PICTURE_PLAN_NAME]);

/* For the builders: an empty picture named `name`, which is "what · run"; what is to be seen in it,
 * the picture's title (without one it is what the picture is); arrays and names that it owns. Names
 * are cut to PICTURE_NAME_SIZE. */
void picture_begin(struct picture *p, const char *name, const char *what, const char *run);
void picture_say(struct picture *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
double *picture_array(struct picture *p, size_t count);
const char *picture_name(struct picture *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
