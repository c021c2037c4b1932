#include "cli/report/plot/pictures.h"

#include "core/memory.h"
#include "core/stats/quantile.h"

#include <gsl/gsl_sort.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void picture_begin(struct picture *p, const char *name, const char *what, const char *run)
{
    *p = (struct picture){.plot = {.name = name, .panel_count = 1}};
    snprintf(p->title, sizeof p->title, "%s · %s", what, run);
    p->plot.title = p->title;
    p->plot.panels = p->panels;
}

void picture_say(struct picture *p, const char *format, ...)
{
    va_list arguments;
    snprintf(p->subtitle, sizeof p->subtitle, "%s", p->title);
    p->plot.subtitle = p->subtitle;
    va_start(arguments, format);
    vsnprintf(p->title, sizeof p->title, format, arguments);
    va_end(arguments);
}

double *picture_array(struct picture *p, size_t count)
{
    mem_grow(&p->arrays, &p->array_capacity, p->array_count + 1, sizeof *p->arrays);
    return p->arrays[p->array_count++] = mem_zero(count + 1, sizeof(double));
}

const char *picture_name(struct picture *p, const char *format, ...)
{
    if (p->name_count == PICTURE_NAMES)
        return "…";
    char *name = p->names[p->name_count++];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, PICTURE_NAME_SIZE, format, arguments);
    va_end(arguments);
    return name;
}

size_t picture_sorted_values(struct collector *c, const struct summary *s, enum metric m,
                             double **out)
{
    struct metric_point *points;
    size_t n = collector_points(c, s, m, &points);
    *out = mem_alloc((n + 1) * sizeof **out);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = points[i].value_ms;
    free(points);
    gsl_sort(*out, 1, n);
    return n;
}

void picture_share_curve(const double *sorted, size_t n, size_t points, double *x, double *y)
{
    for (size_t i = 0; i < points; i++) {
        y[i] = (double)i / (double)(points - 1);
        x[i] = quantile_sorted(sorted, n, y[i]);
    }
}

int picture_plan_color(const struct bill *b, size_t plan)
{
    int number = -1;
    for (size_t i = 0; i <= plan; i++)
        number += !b->plans[i].without_caps;
    return number;
}

void picture_free(struct picture *p)
{
    for (size_t i = 0; i < p->array_count; i++)
        free(p->arrays[i]);
    free(p->arrays);
    p->arrays = NULL;
    p->array_count = p->array_capacity = 0;
}

int pictures_draw(picture_of_json *const *all, size_t count, struct text json, const char *run,
                  const char *directory, struct error *err)
{
    struct picture *p = mem_zero(1, sizeof *p);
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        if (all[i](json, run, p))
            status = plot_draw(&p->plot, directory, false, err);
        picture_free(p);
    }
    free(p);
    return status;
}
