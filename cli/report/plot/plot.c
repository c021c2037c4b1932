#include "cli/report/plot/plot_parts.h"

#include "core/memory.h"
#include "core/printable.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    if (number == PLOT_INK_COLOR)
        return PLOT_INK;
    return palette[((number % PALETTE_SIZE) + PALETTE_SIZE) % PALETTE_SIZE];
}

/* A text as a single-quoted gnuplot string: a quote is doubled, line ends, controls and what turns
 * the direction become U+FFFD, nothing else has a meaning inside. */
static void add_quoted(struct buffer *out, const char *text)
{
    struct buffer shown;
    buffer_init(&shown, BUFFER_UNBOUNDED);
    printable_add_line(text ? text : "", &shown);
    buffer_add_byte(out, '\'');
    for (size_t i = 0; i < shown.length; i++) {
        if (shown.data[i] == '\'')
            buffer_add_byte(out, '\'');
        buffer_add_byte(out, shown.data[i]);
    }
    buffer_add_byte(out, '\'');
    buffer_free(&shown);
}

static void add_number(struct buffer *out, double value)
{
    if (isfinite(value))
        buffer_add_format(out, " %.9g", value);
    else
        buffer_add_text(out, " NaN");
}

/* Less than a pixel of a line beyond the point before, or level with both its neighbours: the line
 * is the same without the point. */
static bool is_needless(const struct plot_series *s, size_t j, size_t last,
                        const struct plot_place *place)
{
    bool line = s->style == PLOT_LINES || s->style == PLOT_STEPS;
    if (!line || j == 0 || j + 1 >= s->count)
        return false;
    if (s->y[j] == s->y[last])
        return s->style == PLOT_STEPS || s->y[j + 1] == s->y[j];
    double dx = plot_axis_share(&place->x, s->x[j]) - plot_axis_share(&place->x, s->x[last]);
    double dy = plot_axis_share(&place->y, s->y[j]) - plot_axis_share(&place->y, s->y[last]);
    return fabs(dx) * PLOT_WIDTH < 0.5 && fabs(dy) * PLOT_WIDTH < 0.5;
}

static void add_data(struct buffer *out, const struct plot *p, const struct plot_layout *l)
{
    for (size_t i = 0; i < l->count; i++) {
        for (size_t k = 0; k < p->panels[i].series_count; k++) {
            const struct plot_series *s = &p->panels[i].series[k];
            buffer_add_format(out, "$data_%zu_%zu << END\n", i, k);
            for (size_t j = 0, last = 0; j < s->count; j++) {
                if (is_needless(s, j, last, &l->places[i]))
                    continue;
                last = j;
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

/* ---- texts at places ---- */

static double across(double x)
{
    return x / PLOT_WIDTH;
}

static double up(const struct plot_layout *l, double y)
{
    return 1 - y / l->height;
}

/* Lines of text, the first of which has its middle at `y`. */
static void add_text(struct buffer *out, const struct plot_layout *l, const char *lines, double x,
                     double y, const char *how)
{
    while (lines) {
        const char *end = strchr(lines, '\n');
        struct buffer line;
        buffer_init(&line, BUFFER_UNBOUNDED);
        buffer_add(&line, lines, end ? (size_t)(end - lines) : strlen(lines));
        buffer_add_text(&line, "");
        buffer_add_text(out, "set label ");
        add_quoted(out, line.data);
        buffer_add_format(out, " at screen %.5f,%.5f %s noenhanced front tc rgb '" PLOT_INK "'\n",
                          across(x), up(l, y), how);
        buffer_free(&line);
        y += PLOT_LINE;
        lines = end ? end + 1 : NULL;
    }
}

/* ---- axes ---- */

/* A tick's name is a format to gnuplot. */
static void add_format(struct buffer *out, const char *name)
{
    struct buffer doubled;
    buffer_init(&doubled, BUFFER_UNBOUNDED);
    for (; *name; name++)
        buffer_add(&doubled, *name == '%' ? "%%" : name, *name == '%' ? 2 : 1);
    buffer_add_text(&doubled, "");
    add_quoted(out, doubled.data);
    buffer_free(&doubled);
}

static void add_tics(struct buffer *out, char axis, const struct plot_axis *a, bool named)
{
    buffer_add_format(out, "set %ctics nomirror norotate scale %s noenhanced (", axis,
                      axis == 'x' ? "0.4,0.2" : "0,0");
    for (size_t i = 0; i < a->count; i++) {
        if (i)
            buffer_add_text(out, ", ");
        add_format(out, named ? a->names[i] : "");
        buffer_add_format(out, " %.9g", a->at[i]);
        if (!a->names[i][0])
            buffer_add_text(out, " 1");
    }
    buffer_add_text(out, ")\n");
}

static void add_axis(struct buffer *out, char axis, const struct plot_axis *a, bool named)
{
    buffer_add_format(out, "set %crange [%.9g:%.9g]\n%s logscale %c\n", axis, a->low, a->high,
                      a->log ? "set" : "unset", axis);
    add_tics(out, axis, a, named);
}

/* ---- marks and names ---- */

static void add_marks(struct buffer *out, const struct plot_panel *panel,
                      const struct plot_layout *l, const struct plot_place *place)
{
    for (size_t i = 0; i < panel->mark_count; i++) {
        const struct plot_mark *m = &panel->marks[i];
        double share = plot_axis_share(m->vertical ? &place->x : &place->y, m->at);
        if (!(share >= -1e-9 && share <= 1 + 1e-9))
            continue;
        buffer_add_format(out,
                          m->vertical ? "set arrow from %.9g, graph 0 to %.9g, graph 1"
                                      : "set arrow from graph 0, first %.9g to graph 1, first %.9g",
                          m->at, m->at);
        buffer_add_text(out, " nohead lw 1.1 dt 2 lc rgb '" PLOT_INK "'\n");
        if (m->vertical && isfinite(place->mark_y[i]))
            add_text(out, l, m->label, place->mark_x[i], place->mark_y[i], "center");
    }
}

/* A line from where a curve ends to its name, in its color. */
static void add_leader(struct buffer *out, const struct plot_layout *l,
                       const struct plot_place *place, const struct plot_entry *e, double x,
                       double y)
{
    const char *color = e->series ? plot_color(e->series->color) : PLOT_INK;
    /* gnuplot's SVG goes on with the dash before where color and width are the same. */
    const char *dash = !e->series || e->series->dashed ? "lw 1.3 dt 2" : "lw 1.4 dt 1";
    double from = fmax(e->from_x, place->right);
    buffer_add_format(out,
                      "set arrow from screen %.5f,%.5f to screen %.5f,%.5f nohead %s lc rgb '%s'\n",
                      across(from), up(l, e->from_y), across(x - 3), up(l, y), dash, color);
    if (e->from_x < place->right - 1)
        buffer_add_format(
            out,
            "set arrow from screen %.5f,%.5f to screen %.5f,%.5f nohead lw 0.6 dt 3 lc rgb '%s'\n",
            across(e->from_x), up(l, e->from_y), across(from), up(l, e->from_y), color);
}

static void add_swatch(struct buffer *out, const struct plot_layout *l, const struct plot_entry *e,
                       double x, double y)
{
    double half = e->series->style == PLOT_POINTS || e->series->style == PLOT_DOTS ? 2.5 : 5;
    buffer_add_format(out,
                      "set object rectangle from screen %.5f,%.5f to screen %.5f,%.5f fs solid 1 "
                      "noborder fc rgb '%s'\n",
                      across(x - 9 - half), up(l, y + half), across(x - 9 + half), up(l, y - half),
                      e->series->style == PLOT_DOTS ? PLOT_INK : plot_color(e->series->color));
}

static void add_names(struct buffer *out, const struct plot_layout *l,
                      const struct plot_place *place)
{
    for (size_t i = 0; i < place->entry_count; i++) {
        const struct plot_entry *e = &place->entries[i];
        double x = place->right + 18, first = e->y - (double)(e->lines - 1) * PLOT_LINE / 2;
        if (e->series && isnan(e->from_x))
            add_swatch(out, l, e, x, first);
        else
            add_leader(out, l, place, e, x, e->y);
        add_text(out, l, e->text, x, first, "left");
    }
}

/* Both ends of a logarithmic scale of counts, and 1, 2 and 5 between them (of many: powers of ten)
 * that do not touch the upper one. */
static void add_heat_tics(struct buffer *out, double most)
{
    buffer_add_text(out, "set cbtics tc rgb '" PLOT_INK "' (");
    for (double ten = 1; ten < most; ten *= 10)
        for (int i = 0; i < (most > 200 ? 1 : 3); i++) {
            static const double steps[] = {1, 2, 5};
            if (steps[i] * ten * 1.3 <= most)
                buffer_add_format(out, "'%.9g' %.9g, ", steps[i] * ten, steps[i] * ten);
        }
    buffer_add_format(out, "'%.9g' %.9g)\n", most, most);
}

/* Few to many from a light to a dark end that both stand out on white and on black. */
static void add_heat_scale(struct buffer *out, const struct plot_panel *panel,
                           const struct plot_place *place, const struct plot_layout *l)
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
                         "4 '#d55e00')\nset logscale cb\nunset cblabel\n");
    buffer_add_format(out,
                      "set colorbox vertical user noborder origin screen %.5f,%.5f size screen "
                      "%.5f,%.5f\n",
                      across(place->right + 14), up(l, place->bottom), across(12),
                      (place->bottom - place->top) / l->height);
    most = fmax(most, 2);
    buffer_add_format(out, "set cbrange [1:%.9g]\n", most);
    add_heat_tics(out, most);
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
    case PLOT_STEPS:
        buffer_add_format(out, "using 1:2 with %s lw %s%s lc rgb '%s'",
                          s->style == PLOT_LINES ? "lines" : "steps", s->dashed ? "1.9" : "2", dash,
                          color);
        break;
    case PLOT_POINTS:
        buffer_add_format(out, "using 1:2 with points pt 7 ps 0.6 lc rgb '%s'", color);
        break;
    case PLOT_DOTS:
        buffer_add_text(out, "using 1:2 with points pt 7 ps 0.25 lc rgb '#000000'");
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
    buffer_add_text(out, " notitle");
}
static void add_title(struct buffer *out, const struct plot_layout *l)
{
    double y = l->title_y;
    for (const char *at = l->title; at;) {
        const char *end = strchr(at, '\n');
        char line[400];
        snprintf(line, sizeof line, "%.*s", end ? (int)(end - at) : (int)strlen(at), at);
        buffer_add_text(out, "set label ");
        add_quoted(out, line);
        buffer_add_format(
            out, " at screen %.5f,%.5f left noenhanced front font ',%s' tc rgb '" PLOT_INK "'\n",
            across(8), up(l, y), l->title_size);
        y += 21;
        at = end ? end + 1 : NULL;
    }
}

/* ---- the script ---- */

/* Texts around a panel: above it what its y axis is, below the last what x is. */
static void add_labels(struct buffer *out, const struct plot *p, size_t i,
                       const struct plot_layout *l)
{
    const struct plot_panel *panel = &p->panels[i];
    const struct plot_place *place = &l->places[i];
    if (panel->title && p->panel_count > 1)
        add_text(out, l, panel->title, 8, place->label_y - PLOT_LINE - 4, "left");
    if (panel->y_label)
        add_text(out, l, panel->y_label, 8, place->label_y, "left");
    if (panel->value_label && plot_is_heat(panel))
        add_text(out, l, panel->value_label, PLOT_WIDTH - 8, place->label_y, "right");
    if (panel->x_label && place->has_x)
        add_text(out, l, panel->x_label, (place->left + place->right) / 2, place->bottom + 38,
                 "center");
    if (i == 0 && p->title)
        add_title(out, l);
    if (i == 0 && p->subtitle)
        add_text(out, l, p->subtitle, 8, l->subtitle_y, "left");
}

static void add_panel(struct buffer *out, const struct plot *p, size_t i,
                      const struct plot_layout *l)
{
    const struct plot_panel *panel = &p->panels[i];
    const struct plot_place *place = &l->places[i];
    buffer_add_format(out,
                      "unset label\nunset arrow\nunset object\nset lmargin at screen %.5f\n"
                      "set rmargin at screen %.5f\nset tmargin at screen %.5f\n"
                      "set bmargin at screen %.5f\n",
                      across(place->left), across(place->right), up(l, place->top),
                      up(l, place->bottom));
    add_axis(out, 'x', &place->x, place->has_x);
    add_axis(out, 'y', &place->y, true);
    add_heat_scale(out, panel, place, l);
    add_labels(out, p, i, l);
    add_marks(out, panel, l, place);
    add_names(out, l, place);
    buffer_add_text(out, "plot ");
    for (size_t k = 0; k < panel->series_count; k++) {
        char twin[32];
        find_dash(panel, k, twin);
        buffer_add_format(out, "%s$data_%zu_%zu ", k ? ", " : "", i, k);
        add_series(out, &panel->series[k], twin);
    }
    buffer_add_byte(out, '\n');
}

/* SVG is laid on the reader's page. PNG has no page behind it, so it is white, and twice as large,
 * for screens with small pixels. */
static void add_terminal(struct buffer *out, const char *terminal, const struct plot_layout *l)
{
    if (strcmp(terminal, "svg") == 0)
        buffer_add_format(out, "set terminal svg size %d,%d font 'sans,%d' dynamic\n", l->width,
                          l->height, PLOT_TEXT);
    else
        buffer_add_format(out,
                          "set terminal %s size %d,%d font 'sans,%g' linewidth 2 pointscale 2 "
                          "background '#ffffff'\n",
                          terminal, 2 * l->width, 2 * l->height, PLOT_TEXT * 1.5);
}

/* Another ink, of as many characters. */
static void use_ink(struct buffer *script, const char *ink)
{
    for (char *at = script->data; (at = strstr(at, PLOT_INK));)
        memcpy(at, ink, strlen(PLOT_INK));
}

void plot_script(const struct plot *p, const char *terminal, const char *output, struct buffer *out)
{
    struct plot_layout *l = mem_zero(1, sizeof *l);
    plot_layout_make(p, l);
    l->title_size = strcmp(terminal, "svg") == 0 ? "16" : "24";
    buffer_add_text(out, "set encoding utf8\n");
    add_terminal(out, terminal, l);
    if (output) {
        buffer_add_text(out, "set output ");
        add_quoted(out, output);
        buffer_add_byte(out, '\n');
    }
    buffer_add_text(out,
                    "set border 1 lc rgb '" PLOT_INK "'\nset tics tc rgb '" PLOT_INK "'\n"
                    "set grid noxtics ytics nomytics lt 1 lc rgb '#808080' lw 0.25\nunset key\n");
    add_data(out, p, l);
    if (p->panel_count > 1)
        buffer_add_text(out, "set multiplot\n");
    for (size_t i = 0; i < l->count; i++)
        add_panel(out, p, i, l);
    if (p->panel_count > 1)
        buffer_add_text(out, "unset multiplot\n");
    buffer_add_text(out, "unset output\n");
    if (strcmp(terminal, "svg") != 0)
        use_ink(out, "#404040"); /* there is paper behind it */
    plot_layout_free(l);
    free(l);
}
