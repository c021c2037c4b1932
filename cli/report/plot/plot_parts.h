/* Inside the plots: axes with their ends and labels, and where everything stands. Pixels are the
 * SVG's units; y grows downwards. */
#ifndef FAREBOX_CLI_REPORT_PLOT_PLOT_PARTS_H
#define FAREBOX_CLI_REPORT_PLOT_PLOT_PARTS_H

#include "cli/report/plot/plot.h"

/* Reads on white and on black alike; pages put their own in its place. */
#define PLOT_INK "#767676"
#define PLOT_TICKS 40
#define PLOT_TICK_SIZE 160
#define PLOT_PANELS 8
#define PLOT_WIDTH 680
#define PLOT_TEXT 13  /* pixels, height of the text */
#define PLOT_LINE 16  /* from a line of text to the next */
#define PLOT_COLUMN 8 /* width of a character, mean */

struct plot_axis {
    double low, high;
    bool log;
    size_t count;
    double at[PLOT_TICKS];
    char names[PLOT_TICKS][PLOT_TICK_SIZE]; /* "" = a tick without a name */
};

/* The axis 'x' or 'y' of a panel that is `pixels` long. */
void plot_axis_make(const struct plot *p, size_t panel, char axis, double pixels,
                    struct plot_axis *out);

/* Where a value stands along an axis, as a share of it. */
double plot_axis_share(const struct plot_axis *a, double value);

/* A number as an axis or a page writes it: "1,500", "0.05", "2.5 M"; with USD "$1,500". */
void plot_number(double value, double step, enum plot_unit unit, char out[PLOT_TICK_SIZE]);

/* A name right of its panel, in the middle of whose lines `y` is. */
struct plot_entry {
    const struct plot_series *series; /* NULL: of a mark */
    char *text;                       /* its lines */
    size_t lines, columns;
    double wanted, y;      /* where it would stand, and stands */
    double from_x, from_y; /* the line's end */
};

#define PLOT_ENTRIES (PLOT_SERIES + PLOT_MARKS)
struct plot_place {
    double left, top, right, bottom; /* of the panel's box */
    double label_y;                  /* of the y axis's label */
    double mark_x[PLOT_MARKS];       /* middles of vertical marks' labels; */
    double mark_y[PLOT_MARKS];       /* NAN = without one here */
    bool has_x;                      /* labels below the axis */
    struct plot_axis x, y;
    struct plot_entry entries[PLOT_ENTRIES];
    size_t entry_count;
};

struct plot_layout {
    int width, height;
    char *title;            /* its lines */
    const char *title_size; /* points, as the terminal counts them */
    double title_y, subtitle_y;
    struct plot_place places[PLOT_PANELS];
    size_t count;
};

void plot_layout_make(const struct plot *p, struct plot_layout *out);
void plot_layout_free(struct plot_layout *l);

/* Lines are named where they end; a single one by its axis alone. */
bool plot_has_names(const struct plot_panel *panel);
bool plot_is_heat(const struct plot_panel *panel);

#endif
