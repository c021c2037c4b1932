/* Plots through gnuplot: one look across all, SVG and PNG.
 *
 *     struct plot p = {.name = "latency-cdf", .title = "Latency", .panels = &panel,
 *                      .panel_count = 1};
 *     plot_add_series(&panel, "E2E", PLOT_LINES, x, y, n, 0);
 *     plot_draw(&p, "results/x/plots", false, err);   // latency-cdf.svg, latency-cdf.png
 *
 * gnuplot runs as a child and reads script and data from a pipe; no shell is involved, and texts
 * from outside are quoted as data. The plot borrows everything that it points to.
 */
#ifndef FAREBOX_CLI_REPORT_PLOT_PLOT_H
#define FAREBOX_CLI_REPORT_PLOT_PLOT_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>

enum plot_style {
    PLOT_LINES,
    PLOT_STEPS,
    PLOT_POINTS,
    PLOT_BAND,  /* between y and y2 */
    PLOT_BOXES, /* bars from 0; x is the middle */
    PLOT_DOTS,  /* small and black, on top of cells */
    PLOT_CELLS, /* rectangles x … x2 by y … y2, on any axis */
    PLOT_HEAT,  /* the same, colored by `value` (positive, on a logarithmic scale) */
};

struct plot_series {
    const char *title; /* NULL = without a name */
    enum plot_style style;
    const double *x, *y, *y2, *x2, *value;
    size_t count;
    int color; /* number in the palette; the same thing has the same number in every plot */
    bool dashed;
};

/* A line across the panel with a label: an SLO, a knee, an end of quota. */
struct plot_mark {
    const char *label;
    double at;
    bool vertical;
};

#define PLOT_NOBODY (-1) /* the color of what belongs to none of the numbered things */
#define PLOT_INK_COLOR (-2)

#define PLOT_SERIES 24
#define PLOT_MARKS 8

/* What the numbers of an axis are, for its labels and for who points at the plot. */
enum plot_unit {
    PLOT_PLAIN,
    PLOT_USD,
    PLOT_SHARE,   /* 0 to 1 */
    PLOT_INSTANT, /* x_unit_s seconds each, from x_epoch_s of UTC on */
};

struct plot_panel {
    const char *title, *x_label, *y_label; /* labels carry their unit: "latency (ms)" */
    const char *value_label;               /* of what colors mean, with PLOT_HEAT */
    bool always_legend;                    /* also for a single series */
    bool log_x, log_y;
    double x_min, x_max, y_min, y_max; /* both 0 = as the data has it; NAN = that end free */
    enum plot_unit x_unit, y_unit;
    double x_epoch_s, x_unit_s;
    const char *const *x_names; /* names at x_ticks instead of numbers; NULL */
    const double *x_ticks;      /* NULL = 0, 1, 2, ... */
    size_t x_name_count;
    const char *const *y_names; /* the same at y_ticks; NULL */
    const double *y_ticks;
    size_t y_name_count;
    struct plot_series series[PLOT_SERIES];
    size_t series_count;
    struct plot_mark marks[PLOT_MARKS];
    size_t mark_count;
};

/* A line's name stands where the line ends, right of the panel, and so does a level mark's; names
 * that would lie on each other are moved apart. Ends that are free are round numbers beyond the
 * data and the marks. */
struct plot {
    const char *name;     /* the file's stem */
    const char *title;    /* what is to be seen, as a sentence; broken where it is long */
    const char *subtitle; /* what was drawn, of what; NULL */
    struct plot_panel *panels;
    size_t panel_count;
    bool share_x;     /* one x axis, below the last panel */
    int panel_height; /* pixels; 0 = by the number of panels */
};

/* Adds a series of lines, points or steps; past PLOT_SERIES it takes the last one's place. What
 * else it has is set in the series that is returned. */
struct plot_series *plot_add_series(struct plot_panel *panel, const char *title,
                                    enum plot_style style, const double *x, const double *y,
                                    size_t count, int color);

/* The same of rectangles: from `box` 0 (x) and 1 (y) to 3 (x) and 2 (y). */
struct plot_series *plot_add_cells(struct plot_panel *panel, const char *title,
                                   double *const box[4], size_t count, int color);

void plot_add_mark(struct plot_panel *panel, const char *label, double at, bool vertical);

/* The seconds of the unit in which so long a time is read, and its name: "s", "min", "h", "days".
 */
double plot_span_unit(double span_s, const char **name);

/* The text in so many columns: of what is too long the middle is left out, "…". */
void plot_cut(const char *text, size_t columns, char *out, size_t size);

/* A limit as it was given, its thousands set apart: "20,000", "0.5". */
void plot_limit(double value, char out[TEXT_GROUPED_SIZE]);

/* Draws into `directory` (made if it is not there). With keep_script also NAME.gp, which holds the
 * data, so that it can be restyled. ERR_SYSTEM if gnuplot cannot be run, ERR_WORK with its words if
 * it fails. */
int plot_draw(const struct plot *p, const char *directory, bool keep_script, struct error *err);

/* The SVG's text into `out`, nothing is written. Errors as plot_draw. */
int plot_svg(const struct plot *p, struct buffer *out, struct error *err);

/* The script for one output file and terminal ("svg" or "pngcairo"); `output` NULL, as plot_draw
 * feeds it, is gnuplot's standard output. */
void plot_script(const struct plot *p, const char *terminal, const char *output,
                 struct buffer *out);

/* What a page shows of the values under the pointer, as a JSON object: per panel its box in the
 * SVG's units, its axes, and each series with at most PLOT_VALUES points. Without <, > and &. */
#define PLOT_VALUES 160
void plot_values(const struct plot *p, struct buffer *out);

/* "#0072b2": a color of the palette (Okabe and Ito: told apart by colour-blind readers). */
const char *plot_color(int number);

#endif
