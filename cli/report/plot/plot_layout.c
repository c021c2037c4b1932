/* Where the parts of a plot stand. */
#include "cli/report/plot/plot_parts.h"

#include "core/buffer.h"
#include "core/memory.h"
#include "core/wrap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EDGE 10
#define TITLE_LINE 21
#define TITLE_COLUMNS 72
#define ENTRY_COLUMNS 24 /* names are broken at spaces beyond */
#define ENTRY_WORD 28
#define ENTRY_MOST 240 /* pixels */
#define GAP 18         /* from the box to its names: the leader's room */
#define BAR 74         /* colors and their labels right of a heat map */

bool plot_is_heat(const struct plot_panel *panel)
{
    return panel->series_count > 0 && panel->series[0].style == PLOT_HEAT;
}

static size_t count_titles(const struct plot_panel *panel)
{
    size_t count = 0;
    for (size_t i = 0; i < panel->series_count; i++)
        count += panel->series[i].title != NULL;
    return count;
}

bool plot_has_names(const struct plot_panel *panel)
{
    return count_titles(panel) > (panel->always_legend ? 0 : 1);
}

/* ---- texts ---- */

void plot_cut(const char *text, size_t columns, char *out, size_t size)
{
    size_t bytes = strlen(text), head = 0, tail = bytes;
    if (wrap_columns(text_of(text)) <= columns) {
        snprintf(out, size, "%s", text);
        return;
    }
    size_t first = columns / 2, last = columns - first - 1;
    for (size_t n = 0; n < first && head < bytes;) {
        head++;
        n += ((unsigned char)text[head] & 0xC0) != 0x80;
    }
    for (size_t n = 0; n < last && tail > 0;)
        n += ((unsigned char)text[--tail] & 0xC0) != 0x80;
    snprintf(out, size, "%.*s…%s", (int)head, text, text + tail);
}

/* Lines of about `columns`; a word of more than `most` is cut. */
static char *broken(const char *text, size_t columns, size_t most)
{
    struct buffer wrapped, out;
    buffer_init(&wrapped, BUFFER_UNBOUNDED);
    buffer_init(&out, BUFFER_UNBOUNDED);
    wrap_text(text_of(text), columns, 0, &wrapped);
    buffer_add_text(&wrapped, "");
    for (char *line = wrapped.data, *end; line; line = end) {
        char cut[512];
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        plot_cut(line, most, cut, sizeof cut);
        buffer_add_format(&out, "%s%s", cut, end ? "\n" : "");
    }
    buffer_add_text(&out, "");
    buffer_free(&wrapped);
    return buffer_take(&out);
}

static size_t count_lines(const char *text, size_t *widest)
{
    size_t lines = 0;
    *widest = 0;
    for (const char *at = text; at; lines++) {
        const char *end = strchr(at, '\n');
        size_t columns = wrap_columns((struct text){at, end ? (size_t)(end - at) : strlen(at)});
        *widest = columns > *widest ? columns : *widest;
        at = end ? end + 1 : NULL;
    }
    return lines;
}

/* ---- names right of a panel ---- */

static double y_of(const struct plot_place *place, double value)
{
    double share = fmin(1, fmax(0, plot_axis_share(&place->y, value)));
    return place->bottom - share * (place->bottom - place->top);
}

static double x_of(const struct plot_place *place, double value)
{
    double share = fmin(1, fmax(0, plot_axis_share(&place->x, value)));
    return place->left + share * (place->right - place->left);
}

static bool is_curve(const struct plot_series *s)
{
    return s->style == PLOT_LINES || s->style == PLOT_STEPS;
}

/* The last point of a line that is a number; false where there is none. */
static bool find_end(const struct plot_series *s, double *x, double *y)
{
    for (size_t i = s->count; i-- > 0;)
        if (isfinite(s->x[i]) && isfinite(s->y[i])) {
            *x = s->x[i];
            *y = s->y[i];
            return true;
        }
    return false;
}

static void add_entry(struct plot_place *place, const struct plot_series *s, const char *text)
{
    struct plot_entry *e = &place->entries[place->entry_count++];
    *e = (struct plot_entry){.series = s, .text = broken(text, ENTRY_COLUMNS, ENTRY_WORD)};
    e->lines = count_lines(e->text, &e->columns);
}

static void add_entries(const struct plot_panel *panel, struct plot_place *place)
{
    for (size_t i = 0; i < panel->series_count && plot_has_names(panel); i++)
        if (panel->series[i].title)
            add_entry(place, &panel->series[i], panel->series[i].title);
    for (size_t i = 0; i < panel->mark_count; i++)
        if (!panel->marks[i].vertical)
            add_entry(place, NULL, panel->marks[i].label);
}

static void want_places(const struct plot_panel *panel, struct plot_place *place)
{
    size_t mark = 0;
    for (size_t i = 0; i < place->entry_count; i++) {
        struct plot_entry *e = &place->entries[i];
        double x, y;
        e->from_x = place->right;
        if (!e->series) {
            while (panel->marks[mark].vertical)
                mark++;
            e->wanted = e->from_y = y_of(place, panel->marks[mark++].at);
        } else if (is_curve(e->series) && find_end(e->series, &x, &y)) {
            e->wanted = e->from_y = y_of(place, y);
            e->from_x = x_of(place, x);
        } else {
            e->wanted = e->from_y = place->top;
            e->from_x = NAN;
        }
    }
}

/* Lines that end higher stand higher; those that end alike in the order in which they rise: of two
 * that reach the top, the one that is there first, which is the left one, stands above. */
static double mean_x(const struct plot_series *s)
{
    double sum = 0;
    for (size_t i = 0; i < s->count; i++)
        sum += s->x[i];
    return s->count ? sum / (double)s->count : 0;
}

static int by_height(const void *a, const void *b)
{
    const struct plot_entry *x = a, *y = b;
    if (fabs(x->wanted - y->wanted) > 0.5)
        return x->wanted < y->wanted ? -1 : 1;
    if (!x->series || !y->series)
        return (x->series == NULL) - (y->series == NULL);
    double left = mean_x(x->series), right = mean_x(y->series);
    if (is_curve(x->series) && is_curve(y->series) && left != right)
        return left < right ? -1 : 1;
    return x->series < y->series ? -1 : 1;
}

static double height_of(const struct plot_entry *e)
{
    return (double)e->lines * PLOT_LINE + 2;
}

/* Downwards past each other, then back up from the bottom: the order stays. */
static void spread(struct plot_place *place)
{
    double from = place->top - PLOT_LINE / 2.0, to = place->bottom + PLOT_LINE / 2.0;
    for (size_t i = 0; i < place->entry_count; i++) {
        struct plot_entry *e = &place->entries[i];
        e->y = fmax(e->wanted, from + height_of(e) / 2);
        from = e->y + height_of(e) / 2;
    }
    for (size_t i = place->entry_count; i-- > 0;) {
        struct plot_entry *e = &place->entries[i];
        e->y = fmin(e->y, to - height_of(e) / 2);
        to = e->y - height_of(e) / 2;
    }
}

/* ---- margins ---- */

static double longest_name(const struct plot_axis *a)
{
    double most = 0;
    for (size_t i = 0; i < a->count; i++)
        most = fmax(most, (double)wrap_columns(text_of(a->names[i])) * PLOT_COLUMN);
    return most;
}

static double find_right(const struct plot *p, const struct plot_layout *l)
{
    double most = 28; /* half of a label below the end of the axis */
    for (size_t i = 0; i < l->count; i++) {
        for (size_t k = 0; k < l->places[i].entry_count; k++)
            most =
                fmax(most, fmin(ENTRY_MOST, (double)l->places[i].entries[k].columns * PLOT_COLUMN) +
                               GAP + EDGE);
        if (plot_is_heat(&p->panels[i]))
            most = fmax(most, BAR);
    }
    return PLOT_WIDTH - most;
}

static double find_left(const struct plot *p, const struct plot_layout *l, double height)
{
    double most = 0;
    for (size_t i = 0; i < l->count; i++) {
        struct plot_axis y;
        plot_axis_make(p, i, 'y', height, &y);
        most = fmax(most, longest_name(&y));
    }
    return fmax(34, most + EDGE + 12);
}

/* Room for all names where they are many. */
static double find_height(const struct plot *p, const struct plot_layout *l)
{
    static const double heights[] = {290, 180, 150, 130};
    double height = heights[p->panel_count > 3 ? 3 : p->panel_count - 1];
    if (p->panel_height)
        height = p->panel_height;
    for (size_t i = 0; i < l->count; i++) {
        double names = 0;
        for (size_t k = 0; k < l->places[i].entry_count; k++)
            names += height_of(&l->places[i].entries[k]);
        height = fmax(height, names);
    }
    return height;
}

/* ---- down the page ---- */

/* Half the room of a vertical mark's label, and where its middle is. */
static double half_of(const struct plot_mark *m)
{
    return (double)wrap_columns(text_of(m->label)) * PLOT_COLUMN / 2 + 4;
}

static bool collides(const struct plot_panel *panel, const struct plot_place *place, size_t mark,
                     double row)
{
    for (size_t k = 0; k < mark; k++)
        if (place->mark_y[k] == row && fabs(place->mark_x[k] - place->mark_x[mark]) <
                                           half_of(&panel->marks[k]) + half_of(&panel->marks[mark]))
            return true;
    return false;
}

/* Labels of vertical marks, above their lines as far as the box goes, and in rows where they would
 * lie on each other: mark_y is the row's number. Returns how many rows. */
static size_t place_marks(const struct plot_panel *panel, struct plot_place *place, bool shown)
{
    double rows = 0;
    for (size_t i = 0; i < panel->mark_count; i++) {
        const struct plot_mark *m = &panel->marks[i];
        double row = 0;
        place->mark_y[i] = NAN;
        if (!m->vertical || !shown)
            continue;
        place->mark_x[i] =
            fmin(place->right - half_of(m), fmax(place->left + half_of(m), x_of(place, m->at)));
        while (collides(panel, place, i, row))
            row++;
        place->mark_y[i] = row;
        rows = fmax(rows, row + 1);
    }
    return (size_t)rows;
}

static double place_panel(const struct plot *p, size_t i, double y, double height,
                          struct plot_place *place)
{
    const struct plot_panel *panel = &p->panels[i];
    size_t columns, title = 0;
    bool last = i + 1 == p->panel_count;
    plot_axis_make(p, i, 'x', place->right - place->left, &place->x);
    size_t rows = place_marks(panel, place, i == 0 || !p->share_x);
    if (panel->title && p->panel_count > 1)
        title = count_lines(panel->title, &columns);
    place->label_y = y + (double)title * (PLOT_LINE + 4) + PLOT_LINE / 2.0;
    place->top = place->label_y + (panel->y_label ? PLOT_LINE : 4) + (double)rows * PLOT_LINE;
    for (size_t k = 0; k < panel->mark_count; k++)
        place->mark_y[k] = place->top - 8 - place->mark_y[k] * PLOT_LINE;
    place->bottom = place->top + height;
    place->has_x = last || !p->share_x;
    plot_axis_make(p, i, 'y', height, &place->y);
    y = place->bottom + (place->has_x ? 24 : 10);
    return y + (place->has_x && panel->x_label ? 22 : 0) + (last ? 0 : 8);
}

void plot_layout_make(const struct plot *p, struct plot_layout *out)
{
    size_t columns;
    *out = (struct plot_layout){
        .width = PLOT_WIDTH,
        .count = p->panel_count < PLOT_PANELS ? p->panel_count : PLOT_PANELS,
        .title = broken(p->title ? p->title : "", TITLE_COLUMNS, TITLE_COLUMNS)};
    for (size_t i = 0; i < out->count; i++)
        add_entries(&p->panels[i], &out->places[i]);
    double height = find_height(p, out), left = find_left(p, out, height),
           right = find_right(p, out), y = EDGE;
    out->title_y = y + TITLE_LINE / 2.0;
    y += p->title ? (double)count_lines(out->title, &columns) * TITLE_LINE : 0;
    out->subtitle_y = y + PLOT_LINE / 2.0;
    y += p->subtitle ? PLOT_LINE : 0;
    y += 8;
    for (size_t i = 0; i < out->count; i++) {
        struct plot_place *place = &out->places[i];
        place->left = left;
        place->right = right;
        y = place_panel(p, i, y, height, place);
        want_places(&p->panels[i], place);
        if (place->entry_count)
            qsort(place->entries, place->entry_count, sizeof *place->entries, by_height);
        spread(place);
    }
    out->height = (int)ceil(y) + 4;
}

void plot_layout_free(struct plot_layout *l)
{
    free(l->title);
    for (size_t i = 0; i < l->count; i++)
        for (size_t k = 0; k < l->places[i].entry_count; k++)
            free(l->places[i].entries[k].text);
}
