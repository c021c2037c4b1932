/* The values of a plot for those who point at it. */
#include "cli/report/plot/plot_parts.h"

#include "core/json/json_write.h"
#include "core/memory.h"
#include "core/printable.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct json_writer *w, double value)
{
    char text[32];
    if (!isfinite(value)) {
        json_put_null(w);
        return;
    }
    snprintf(text, sizeof text, "%.5g", value);
    json_put_raw(w, text_of(text));
}

static void put_pair(struct json_writer *w, const char *key, double value)
{
    json_key(w, key);
    put(w, value);
}

static void put_axis(struct json_writer *w, const char *key, const struct plot_axis *a,
                     enum plot_unit unit, const char *label)
{
    static const char *const units[] = {"", "usd", "share", "instant"};
    char text[32];
    json_key(w, key);
    json_begin_object(w);
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "%.9g", i ? a->high : a->low);
        json_pair_raw(w, i ? "high" : "low", text_of(text));
    }
    json_pair_bool(w, "log", a->log);
    json_pair_string(w, "unit", units[unit]);
    json_pair_string(w, "label", label ? label : "");
    json_end_object(w);
}

static void put_column(struct json_writer *w, const char *key, const double *values, size_t count,
                       size_t points)
{
    if (!values)
        return;
    json_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < points; i++)
        put(w, values[points == count ? i : i * (count - 1) / (points - 1)]);
    json_end_array(w);
}

/* A band is called as its line; what has no name as its axis. */
static const char *name_of(const struct plot_panel *panel, const struct plot_series *s)
{
    for (size_t i = 0; i < panel->series_count && !s->title && s->style == PLOT_BAND; i++)
        if (panel->series[i].title && panel->series[i].color == s->color)
            return panel->series[i].title;
    const char *label = plot_is_heat(panel) ? panel->value_label : panel->y_label;
    return s->title ? s->title : label ? label : "";
}

static void put_series(struct json_writer *w, const struct plot_series *s, const char *name)
{
    static const char *const styles[] = {"line", "step",  "point", "band",
                                         "box",  "point", "cell",  "cell"};
    bool cells = s->style == PLOT_CELLS || s->style == PLOT_HEAT;
    size_t points = cells || s->count <= PLOT_VALUES ? s->count : PLOT_VALUES;
    json_begin_object(w);
    json_pair_string(w, "name", name);
    json_pair_string(w, "color", s->style == PLOT_HEAT ? "" : plot_color(s->color));
    json_pair_string(w, "style", styles[s->style]);
    put_column(w, "x", s->x, s->count, points);
    put_column(w, "y", s->y, s->count, points);
    put_column(w, "y2", s->y2, s->count, points);
    put_column(w, "x2", s->x2, s->count, points);
    put_column(w, "value", s->value, s->count, points);
    json_end_object(w);
}

static void put_panel(struct json_writer *w, const struct plot_panel *panel,
                      const struct plot_place *place)
{
    const double box[] = {place->left, place->top, place->right, place->bottom};
    json_begin_object(w);
    json_key(w, "box");
    json_begin_array(w);
    for (int i = 0; i < 4; i++)
        put(w, box[i]);
    json_end_array(w);
    put_axis(w, "x", &place->x, panel->x_unit, panel->x_label);
    put_axis(w, "y", &place->y, panel->y_unit, panel->y_label);
    if (panel->x_unit == PLOT_INSTANT) {
        put_pair(w, "unit_s", panel->x_unit_s);
        json_key(w, "epoch_s");
        json_put_i64(w, (int64_t)panel->x_epoch_s);
    }
    json_key(w, "series");
    json_begin_array(w);
    for (size_t k = 0; k < panel->series_count; k++)
        if (panel->series[k].style != PLOT_DOTS)
            put_series(w, &panel->series[k], name_of(panel, &panel->series[k]));
    json_end_array(w);
    json_end_object(w);
}

/* Inside of SVG, which is XML; and as it is shown. */
static void add_escaped(struct buffer *out, const struct buffer *json)
{
    struct printable p = {0};
    struct buffer shown;
    buffer_init(&shown, BUFFER_UNBOUNDED);
    printable_add(&p, json->data, json->length, &shown);
    printable_end(&p, &shown);
    for (size_t i = 0; i < shown.length; i++)
        if (strchr("<>&", shown.data[i]))
            buffer_add_format(out, "\\u%04x", (unsigned char)shown.data[i]);
        else
            buffer_add_byte(out, shown.data[i]);
    buffer_free(&shown);
}

void plot_values(const struct plot *p, struct buffer *out)
{
    struct plot_layout *l = mem_zero(1, sizeof *l);
    struct buffer json;
    struct json_writer w;
    plot_layout_make(p, l);
    buffer_init(&json, BUFFER_UNBOUNDED);
    json_write_init(&w, &json, 0);
    json_begin_object(&w);
    json_pair_bool(&w, "share_x", p->share_x);
    json_key(&w, "panels");
    json_begin_array(&w);
    for (size_t i = 0; i < l->count; i++)
        put_panel(&w, &p->panels[i], &l->places[i]);
    json_end_array(&w);
    json_end_object(&w);
    add_escaped(out, &json);
    buffer_free(&json);
    plot_layout_free(l);
    free(l);
}
