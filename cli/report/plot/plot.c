#include "cli/report/plot/plot.h"

#include "core/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define INK "#767676" /* reads on white and on black alike */

static const char *const palette[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#8c6bb1", "#7f7f7f"};
#define PALETTE_SIZE ((int)(sizeof palette / sizeof palette[0]))

struct plot_series *plot_add_series(struct plot_panel *panel, const char *title,
                                    enum plot_style style, const double *x, const double *y,
                                    size_t count, int color)
{
    panel->series_count += panel->series_count < PLOT_SERIES;
    struct plot_series *s = &panel->series[panel->series_count - 1];
    *s = (struct plot_series){
        .title = title, .style = style, .x = x, .y = y, .count = count, .color = color};
    return s;
}

struct plot_series *plot_add_cells(struct plot_panel *panel, const char *title,
                                   double *const box[4], size_t count, int color)
{
    struct plot_series *s = plot_add_series(panel, title, PLOT_CELLS, box[0], box[1], count, color);
    s->y2 = box[2];
    s->x2 = box[3];
    return s;
}

void plot_add_mark(struct plot_panel *panel, const char *label, double at, bool vertical)
{
    if (panel->mark_count < PLOT_MARKS)
        panel->marks[panel->mark_count++] = (struct plot_mark){label, at, vertical};
}

const char *plot_color(int number)
{
    if (number == PLOT_NOBODY)
        return "#b8b8b8";
    return palette[((number % PALETTE_SIZE) + PALETTE_SIZE) % PALETTE_SIZE];
}

/* A text as a single-quoted gnuplot string: a quote is doubled, control characters become
 * spaces, nothing else has a meaning inside. */
static void add_quoted(struct buffer *out, const char *text)
{
    buffer_add_byte(out, '\'');
    for (; text && *text; text++) {
        if (*text == '\'')
            buffer_add_byte(out, '\'');
        buffer_add_byte(out, (unsigned char)*text < 0x20 ? ' ' : *text);
    }
    buffer_add_byte(out, '\'');
}

static void set_text(struct buffer *out, const char *what, const char *text)
{
    if (!text) {
        buffer_add_format(out, "unset %s\n", what);
        return;
    }
    buffer_add_format(out, "set %s ", what);
    add_quoted(out, text);
    buffer_add_text(out, " noenhanced tc rgb '" INK "'\n");
}

static void add_number(struct buffer *out, double value)
{
    if (isfinite(value))
        buffer_add_format(out, " %.9g", value);
    else
        buffer_add_text(out, " NaN");
}

static void add_data(struct buffer *out, const struct plot *p)
{
    for (size_t i = 0; i < p->panel_count; i++) {
        for (size_t k = 0; k < p->panels[i].series_count; k++) {
            const struct plot_series *s = &p->panels[i].series[k];
            buffer_add_format(out, "$data_%zu_%zu << END\n", i, k);
            for (size_t j = 0; j < s->count; j++) {
                add_number(out, s->x[j]);
                add_number(out, s->y[j]);
                if (s->y2)
                    add_number(out, s->y2[j]);
                if (s->x2)
                    add_number(out, s->x2[j]);
                if (s->value)
                    add_number(out, s->value[j]);
                buffer_add_byte(out, '\n');
            }
            buffer_add_text(out, "END\n");
        }
    }
}

static void add_range(struct buffer *out, char axis, double low, double high)
{
    buffer_add_format(out, "set %crange [", axis);
    if (low != 0 || high != 0) {
        if (isfinite(low))
            buffer_add_format(out, "%.9g", low);
        else
            buffer_add_byte(out, '*');
        buffer_add_byte(out, ':');
        if (isfinite(high))
            buffer_add_format(out, "%.9g", high);
        else
            buffer_add_byte(out, '*');
    } else {
        buffer_add_text(out, "*:*");
    }
    buffer_add_text(out, "]\n");
}

static void add_marks(struct buffer *out, const struct plot_panel *panel)
{
    buffer_add_text(out, "unset arrow\nunset label\n");
    for (size_t i = 0; i < panel->mark_count; i++) {
        const struct plot_mark *m = &panel->marks[i];
        buffer_add_format(out,
                          m->vertical ? "set arrow from %.9g, graph 0 to %.9g, graph 1"
                                      : "set arrow from graph 0, first %.9g to graph 1, first %.9g",
                          m->at, m->at);
        buffer_add_text(out, " nohead dt 2 lw 1.2 lc rgb '" INK "'\nset label ");
        add_quoted(out, m->label);
        buffer_add_format(out,
                          m->vertical ? " at %.9g, graph 1 center offset 0,0.5"
                                      : " at graph 0.025, first %.9g offset 0,0.5",
                          m->at);
        buffer_add_text(out, " noenhanced tc rgb '" INK "'\n");
    }
}

static size_t count_titles(const struct plot_panel *panel)
{
    size_t count = 0;
    for (size_t i = 0; i < panel->series_count; i++)
        count += panel->series[i].title != NULL;
    return count;
}

/* Ends of the panel along one axis: as given, else of the data. */
static void find_ends(const struct plot_panel *panel, char axis, double *low, double *high)
{
    *low = axis == 'x' ? panel->x_min : panel->y_min;
    *high = axis == 'x' ? panel->x_max : panel->y_max;
    bool given = *low > 0 && *high > *low;
    for (size_t k = 0; k < panel->series_count && !given; k++) {
        const struct plot_series *s = &panel->series[k];
        const double *columns[] = {axis == 'x' ? s->x : s->y, axis == 'x' ? s->x2 : s->y2};
        for (size_t j = 0; j < 2 * s->count; j++) {
            double v = columns[j % 2] ? columns[j % 2][j / 2] : NAN;
            if (v > 0 && isfinite(v)) {
                *low = *low > 0 ? fmin(*low, v) : v;
                *high = fmax(isfinite(*high) ? *high : 0, v);
            }
        }
    }
}

/* A number with its thousands set apart. */
static void add_tic(struct buffer *out, double at, const char *comma)
{
    char text[40], grouped[TEXT_GROUPED_SIZE];
    snprintf(text, sizeof text, "%.9g", at);
    buffer_add_format(out, "%s'%s' %.9g", comma,
                      strchr(text, 'e') ? text : text_group(text, grouped), at);
}

/* Powers of ten; of a short axis, which may have none of them, 1, 2 and 5. */
static void add_log_tics(struct buffer *out, const struct plot_panel *panel, char axis)
{
    double low, high;
    find_ends(panel, axis, &low, &high);
    if (!(low > 0) || !(high > low))
        return;
    bool is_short = high / low <= 200;
    const char *comma = "";
    buffer_add_format(out, "set %ctics nomirror (", axis);
    for (int e = (int)floor(log10(low)) - 1; e <= (int)ceil(log10(high)) + 1; e++)
        for (int k = 1; k < 10; k++) {
            double at = k * pow(10, e);
            if (at < low / 2.5 || at > high * 2.5)
                continue;
            if (k == 1 || (is_short && (k == 2 || k == 5)))
                add_tic(out, at, comma);
            else if (!is_short)
                buffer_add_format(out, "%s'' %.9g 1", comma, at);
            else
                continue;
            comma = ", ";
        }
    buffer_add_text(out, ")\n");
}

/* The largest value along a linear axis; NAN where it has negative ones, or ends that are given. */
static double find_most(const struct plot_panel *panel, char axis)
{
    double least = axis == 'x' ? panel->x_min : panel->y_min, most = 0;
    double given = axis == 'x' ? panel->x_max : panel->y_max;
    for (size_t k = 0; k < panel->series_count; k++) {
        const struct plot_series *s = &panel->series[k];
        const double *columns[] = {axis == 'x' ? s->x : s->y, axis == 'x' ? s->x2 : s->y2};
        for (size_t j = 0; j < 2 * s->count; j++) {
            double v = columns[j % 2] ? columns[j % 2][j / 2] : NAN;
            least = v < least ? v : least;
            most = v > most && isfinite(v) ? v : most;
        }
    }
    if (given > 0 && isfinite(given))
        most = given;
    return least < 0 ? NAN : most;
}

/* gnuplot sets no thousands apart: where an axis has some, its steps of 1, 2 or 5 are made here. */
static void add_thousands(struct buffer *out, const struct plot_panel *panel, char axis)
{
    double most = find_most(panel, axis), step = 100;
    if (!(most >= 1000) || most > 1e15)
        return;
    for (int i = 0; most / step > 7; i++)
        step *= i % 3 == 1 ? 2.5 : 2;
    buffer_add_format(out, "set %ctics nomirror (", axis);
    for (int i = 0; i * step <= most * 1.12; i++) /* room above is gnuplot's choice */
        add_tic(out, i * step, i ? ", " : "");
    buffer_add_text(out, ")\n");
}

static void add_labels(struct buffer *out, const char *const *names, const double *ticks,
                       size_t count)
{
    buffer_add_byte(out, '(');
    for (size_t i = 0; i < count; i++) {
        if (i)
            buffer_add_text(out, ", ");
        add_quoted(out, names[i]);
        buffer_add_format(out, " %.9g", ticks ? ticks[i] : (double)i);
    }
    buffer_add_text(out, ")\n");
}

static void add_names(struct buffer *out, const struct plot_panel *panel)
{
    if (panel->x_names) {
        buffer_add_format(out, "set xtics noenhanced %s ",
                          panel->x_ticks ? "norotate" : "rotate by -20");
        add_labels(out, panel->x_names, panel->x_ticks, panel->x_name_count);
    }
    if (panel->y_names) {
        buffer_add_text(out, "set ytics noenhanced ");
        add_labels(out, panel->y_names, panel->y_ticks, panel->y_name_count);
    }
}

/* Both ends of a logarithmic scale of counts, and 1, 2 and 5 between them (of many: powers of ten)
 * that do not touch the upper one. */
static void add_heat_tics(struct buffer *out, double most)
{
    buffer_add_text(out, "set cbtics tc rgb '" INK "' (");
    for (double ten = 1; ten < most; ten *= 10)
        for (int i = 0; i < (most > 200 ? 1 : 3); i++) {
            static const double steps[] = {1, 2, 5};
            if (steps[i] * ten * 1.3 <= most)
                buffer_add_format(out, "'%.9g' %.9g, ", steps[i] * ten, steps[i] * ten);
        }
    buffer_add_format(out, "'%.9g' %.9g)\n", most, most);
    buffer_add_text(out, "set cblabel offset 1,0\n"); /* labels that are given need more room */
}

/* Few to many from a light to a dark end that both stand out on white and on black. */
static void add_heat_scale(struct buffer *out, const struct plot_panel *panel)
{
    double most = 0;
    for (size_t k = 0; k < panel->series_count; k++)
        for (size_t j = 0; panel->series[k].value && j < panel->series[k].count; j++)
            most = fmax(most, panel->series[k].value[j]);
    if (most == 0) {
        buffer_add_text(out, "unset colorbox\nunset cblabel\nunset logscale cb\n");
        return;
    }
    buffer_add_text(out, "set palette defined (0 '#9fcbe8', 1 '#56a5d8', 2 '#0072b2', 3 '#8c4fa0', "
                         "4 '#d55e00')\nset colorbox vertical noborder\nset logscale cb\n");
    most = fmax(most, 2);
    buffer_add_format(out, "set cbrange [1:%.9g]\n", most);
    set_text(out, "cblabel", panel->value_label);
    add_heat_tics(out, most);
}

/* Labels of vertical marks stand between frame and title, where no curve is. */
static bool has_labels_above(const struct plot_panel *panel)
{
    for (size_t i = 0; i < panel->mark_count; i++)
        if (panel->marks[i].vertical)
            return true;
    return false;
}

static void add_axes(struct buffer *out, const struct plot_panel *panel)
{
    set_text(out, "title", panel->title);
    if (panel->title && has_labels_above(panel)) {
        buffer_add_text(out, "set title ");
        add_quoted(out, panel->title);
        buffer_add_text(out, ".\"\\n\"\n"); /* a line of room for them */
    }
    set_text(out, "xlabel", panel->x_label);
    set_text(out, "ylabel", panel->y_label);
    buffer_add_format(out, "%s logscale x\n", panel->log_x ? "set" : "unset");
    buffer_add_format(out, "%s logscale y\n", panel->log_y ? "set" : "unset");
    add_range(out, 'x', panel->x_min, panel->x_max);
    add_range(out, 'y', panel->y_min, panel->y_max);
    buffer_add_text(out, "set xtics nomirror norotate autofreq\nset ytics nomirror autofreq\n");
    if (panel->log_x)
        add_log_tics(out, panel, 'x');
    if (panel->log_y)
        add_log_tics(out, panel, 'y');
    if (!panel->log_x && !panel->x_names)
        add_thousands(out, panel, 'x');
    if (!panel->log_y && !panel->y_names)
        add_thousands(out, panel, 'y');
    add_names(out, panel);
    if (count_titles(panel) > (panel->always_legend ? 0 : 1))
        buffer_add_format(out, "set key %s noenhanced tc rgb '" INK "'\n",
                          panel->legend ? panel->legend : "tmargin center horizontal");
    else
        buffer_add_text(out, "unset key\n"); /* the axis says what the only curve is */
    add_heat_scale(out, panel);
    add_marks(out, panel);
}

static bool is_line(const struct plot_series *s)
{
    return (s->style == PLOT_LINES || s->style == PLOT_STEPS) && !s->dashed;
}

static bool nearly(double a, double b)
{
    return a == b || fabs(a - b) <= 1e-6 * fmax(fabs(a), fabs(b)) || (isnan(a) && isnan(b));
}

/* True for lines that lie on each other. */
static bool are_twins(const struct plot_series *a, const struct plot_series *b)
{
    if (!is_line(a) || !is_line(b) || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!nearly(a->x[i], b->x[i]) || !nearly(a->y[i], b->y[i]))
            return false;
    return true;
}

/* Of n lines on each other the first is drawn whole and each later one a stretch less of a period
 * of n, so that every color shows in turn. Nothing for a line that lies alone. */
#define STRETCH 14
static void find_dash(const struct plot_panel *panel, size_t series, char out[32])
{
    size_t before = 0, all = 0;
    out[0] = '\0';
    for (size_t k = 0; k < panel->series_count; k++)
        if (k == series || are_twins(&panel->series[k], &panel->series[series])) {
            before += k < series;
            all++;
        }
    if (before > 0)
        snprintf(out, 32, " dt (%zu,%zu)", STRETCH * (all - before), STRETCH * before);
}

/* `twin` is the dash of a line that lies on others, or "". */
static void add_series(struct buffer *out, const struct plot_series *s, const char *twin)
{
    static const char *const dashes[] = {"", " dt 3", " dt 4", " dt 5", " dt 2"};
    static const char *const fills[] = {"solid 1", "pattern 4", "pattern 5", "pattern 2"};
    const char *color = plot_color(s->color);
    /* The palette ends: the ninth line is the first one's color, dotted. */
    int round = s->color < 0 ? 0 : s->color / PALETTE_SIZE % 4;
    const char *dash = s->dashed ? dashes[4] : *twin ? twin : dashes[round];
    switch (s->style) {
    case PLOT_LINES:
        buffer_add_format(out, "using 1:2 with lines lw 2%s lc rgb '%s'", dash, color);
        break;
    case PLOT_STEPS:
        buffer_add_format(out, "using 1:2 with steps lw 2%s lc rgb '%s'", dash, color);
        break;
    case PLOT_POINTS:
        buffer_add_format(out, "using 1:2 with points pt 7 ps 0.6 lc rgb '%s'", color);
        break;
    case PLOT_DOTS:
        /* Black reads on the cells, not on a dark page behind the legend. */
        buffer_add_text(out, "using 1:2 with points pt 7 ps 0.25 lc rgb '#000000' notitle, "
                             "NaN with points pt 7 ps 0.5 lc rgb '" INK "'");
        break;
    case PLOT_BAND:
        buffer_add_format(
            out, "using 1:2:3 with filledcurves fs transparent solid 0.25 lc rgb '%s'", color);
        break;
    case PLOT_BOXES:
        buffer_add_format(out, "using 1:2 with boxes fs solid 0.7 noborder lc rgb '%s'", color);
        break;
    case PLOT_CELLS:
        buffer_add_format(out, "using 1:2:1:4:2:3 with boxxyerror fs %s noborder lc rgb '%s'",
                          fills[round], color);
        break;
    case PLOT_HEAT:
        buffer_add_text(out, "using 1:2:1:4:2:3:5 with boxxyerror fs solid 1 noborder lc palette");
        break;
    }
    if (s->title) {
        buffer_add_text(out, " title ");
        add_quoted(out, s->title);
    } else {
        buffer_add_text(out, " notitle");
    }
}

static void add_panel(struct buffer *out, const struct plot *p, size_t i)
{
    const struct plot_panel *panel = &p->panels[i];
    add_axes(out, panel);
    buffer_add_text(out, "plot ");
    for (size_t k = 0; k < panel->series_count; k++) {
        char twin[32];
        find_dash(panel, k, twin);
        buffer_add_format(out, "%s$data_%zu_%zu ", k ? ", " : "", i, k);
        add_series(out, &panel->series[k], twin);
    }
    buffer_add_byte(out, '\n');
}

/* What a legend of more than two rows takes from the axes; its columns are as wide as the longest
 * name. */
static int legend_room(const struct plot *p, int width)
{
    const struct plot_panel *panel = &p->panels[0];
    size_t longest = 1, titles = count_titles(panel);
    for (size_t i = 0; i < panel->series_count; i++)
        if (panel->series[i].title && strlen(panel->series[i].title) > longest)
            longest = strlen(panel->series[i].title);
    size_t columns = (size_t)width / (longest * 7 + 60);
    size_t rows = columns ? (titles + columns - 1) / columns : titles;
    return rows > 2 ? ((int)rows - 2) * 17 : 0;
}

void plot_script(const struct plot *p, const char *terminal, const char *output, struct buffer *out)
{
    int width = p->width ? p->width : 900;
    int height = p->height ? p->height : 200 + 220 * (int)p->panel_count + legend_room(p, width);
    bool svg = strcmp(terminal, "svg") == 0;
    /* PNG has no page behind it: white. SVG is laid on the reader's page. */
    buffer_add_format(out, "set encoding utf8\nset terminal %s size %d,%d font 'sans,%d'%s\n",
                      terminal, width, height, 12, svg ? " dynamic" : " background '#ffffff'");
    if (output) {
        buffer_add_text(out, "set output ");
        add_quoted(out, output);
        buffer_add_byte(out, '\n');
    }
    buffer_add_text(out, "set border 3 lc rgb '" INK "'\nset tics tc rgb '" INK "'\n"
                         "set grid lc rgb '#b0b0b0' lw 0.5 dt 3\n"
                         "set style textbox noborder\n"
                         "set format y '%.6g'\nset format x '%.6g'\n");
    add_data(out, p);
    if (p->panel_count > 1) {
        /* The same margins everywhere: one instant stands below the other. */
        buffer_add_format(out, "set lmargin 11\nset rmargin %d\nset multiplot layout %zu,1 title ",
                          p->right_margin ? p->right_margin : 16, p->panel_count);
        add_quoted(out, p->title);
        buffer_add_text(out, " noenhanced tc rgb '" INK "'\n");
    }
    for (size_t i = 0; i < p->panel_count; i++)
        add_panel(out, p, i);
    if (p->panel_count > 1)
        buffer_add_text(out, "unset multiplot\n");
    buffer_add_text(out, "unset output\n");
}
