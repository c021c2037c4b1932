#include "cli/report/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define INK "#767676" /* reads on white and on black alike */

static const char *const palette[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#8c6bb1", "#7f7f7f"};
#define PALETTE_SIZE ((int)(sizeof palette / sizeof palette[0]))

const char *plot_color(int number)
{
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
                          m->vertical ? " at %.9g, graph 0.97 offset 0.6,0"
                                      : " at graph 0.01, first %.9g offset 0,0.5",
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

static void add_axes(struct buffer *out, const struct plot_panel *panel)
{
    set_text(out, "title", panel->title);
    set_text(out, "xlabel", panel->x_label);
    set_text(out, "ylabel", panel->y_label);
    buffer_add_format(out, "%s logscale x\n", panel->log_x ? "set" : "unset");
    buffer_add_format(out, "%s logscale y\n", panel->log_y ? "set" : "unset");
    add_range(out, 'x', panel->x_min, panel->x_max);
    add_range(out, 'y', panel->y_min, panel->y_max);
    buffer_add_text(out, "set xtics nomirror autofreq\nset ytics nomirror\n");
    if (panel->x_names) {
        buffer_add_text(out, "set xtics noenhanced rotate by -20 (");
        for (size_t i = 0; i < panel->x_name_count; i++) {
            if (i)
                buffer_add_text(out, ", ");
            add_quoted(out, panel->x_names[i]);
            buffer_add_format(out, " %zu", i);
        }
        buffer_add_text(out, ")\n");
    }
    if (count_titles(panel) > 1)
        buffer_add_format(out, "set key %s noenhanced tc rgb '" INK "'\n",
                          panel->legend ? panel->legend : "bottom right");
    else
        buffer_add_text(out, "unset key\n"); /* the axis says what the only curve is */
    add_marks(out, panel);
}

static void add_series(struct buffer *out, const struct plot_series *s)
{
    const char *color = plot_color(s->color);
    switch (s->style) {
    case PLOT_LINES:
        buffer_add_format(out, "using 1:2 with lines lw 2%s lc rgb '%s'", s->dashed ? " dt 2" : "",
                          color);
        break;
    case PLOT_STEPS:
        buffer_add_format(out, "using 1:2 with steps lw 2%s lc rgb '%s'", s->dashed ? " dt 2" : "",
                          color);
        break;
    case PLOT_POINTS:
        buffer_add_format(out, "using 1:2 with points pt 7 ps 0.6 lc rgb '%s'", color);
        break;
    case PLOT_BAND:
        buffer_add_format(
            out, "using 1:2:3 with filledcurves fs transparent solid 0.25 lc rgb '%s'", color);
        break;
    case PLOT_BOXES:
        buffer_add_format(out, "using 1:2 with boxes fs solid 0.7 noborder lc rgb '%s'", color);
        break;
    case PLOT_IMAGE:
        buffer_add_text(out, "using 1:2:3 with image");
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
        buffer_add_format(out, "%s$data_%zu_%zu ", k ? ", " : "", i, k);
        add_series(out, &panel->series[k]);
    }
    buffer_add_byte(out, '\n');
}

void plot_script(const struct plot *p, const char *terminal, const char *output, struct buffer *out)
{
    int width = p->width ? p->width : 900;
    int height = p->height ? p->height : 200 + 220 * (int)p->panel_count;
    bool svg = strcmp(terminal, "svg") == 0;
    /* PNG has no page behind it: white. SVG is laid on the reader's page. */
    buffer_add_format(out, "set encoding utf8\nset terminal %s size %d,%d font 'sans,%d'%s\n",
                      terminal, width, height, 12, svg ? " dynamic" : " background '#ffffff'");
    buffer_add_text(out, "set output ");
    add_quoted(out, output);
    buffer_add_text(out, "\nset border 3 lc rgb '" INK "'\nset tics tc rgb '" INK "'\n"
                         "set grid lc rgb '#b0b0b0' lw 0.5 dt 3\n"
                         "set style textbox noborder\n"
                         "set format y '%.6g'\n");
    add_data(out, p);
    if (p->panel_count > 1) {
        /* The same margins everywhere: one instant stands below the other. */
        buffer_add_format(out, "set lmargin 11\nset rmargin 16\nset multiplot layout %zu,1 title ",
                          p->panel_count);
        add_quoted(out, p->title);
        buffer_add_text(out, " noenhanced tc rgb '" INK "'\n");
    }
    for (size_t i = 0; i < p->panel_count; i++)
        add_panel(out, p, i);
    if (p->panel_count > 1)
        buffer_add_text(out, "unset multiplot\n");
    buffer_add_text(out, "unset output\n");
}
