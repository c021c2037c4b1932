/* The server's side of the timeline. */
#include "cli/report/plot/pictures.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/runs/server/server_levels.h"

#include <math.h>
#include <stdlib.h>

#define POINTS 400         /* of a curve; more are joined */
#define BEFORE_NS NS_PER_S /* what was scraped right before the start stands for it */

enum { RUNNING, QUEUE, KV, HITS, UTIL, POWER, CURVES };

static const struct {
    const char *title;
    enum server_metric metric;
    double unit;
    int panel, color;
} curves[CURVES] = {
    [RUNNING] = {"running", SERVER_RUNNING, 1, 0, 0},
    [QUEUE] = {"queue", SERVER_QUEUE, 1, 0, 1},
    [KV] = {"KV cache", SERVER_KV_USE, 100, 1, 3},
    [HITS] = {"prefix hits", SERVER_HIT_RATE, 100, 1, 2},
    [UTIL] = {"GPU use", SERVER_GPU_UTIL, 100, 1, 4},
    [POWER] = {"power", SERVER_GPU_POWER, 1, 2, 5},
};
static const char *const labels[] = {"at the server (requests)", "at the server (%)",
                                     "GPU power (W)"};

/* The prefix cache's counters of a source, as they were. */
struct looked_up {
    double queries, hits;
    bool known;
};

/* The points of a curve: where a scrape had its metric. */
struct points {
    double *t_s, *values;
    size_t count, t_capacity, capacity;
};

struct series {
    struct server_levels levels;
    struct looked_up before[SERVER_SOURCES];
    struct points of[CURVES];
};

/* Of the prompt tokens looked up since the last scrape; the server's own figure where it has one.
 */
static double hit_rate(struct series *s, size_t source, const struct server_line *line)
{
    struct looked_up *before = &s->before[source];
    struct looked_up now = {line->values[SERVER_PREFIX_QUERIES], line->values[SERVER_PREFIX_HITS],
                            true};
    double queries = now.queries - before->queries, hits = now.hits - before->hits;
    bool counted = before->known && queries > 0 && hits >= 0;
    if (isnan(now.queries) || isnan(now.hits))
        return server_levels_now(&s->levels, SERVER_HIT_RATE);
    *before = now;
    return counted ? hits / queries : NAN;
}

static void add_point(struct points *p, int64_t t_ns, double value)
{
    mem_grow(&p->t_s, &p->t_capacity, p->count + 1, sizeof *p->t_s);
    mem_grow(&p->values, &p->capacity, p->count + 1, sizeof *p->values);
    p->t_s[p->count] = t_ns > 0 ? (double)t_ns / 1e9 : 0;
    p->values[p->count++] = value;
}

static void take_line(void *context, const struct server_line *line)
{
    struct series *s = context;
    if (line->error[0])
        return;
    size_t source = server_levels_take(&s->levels, line);
    if (source == SERVER_SOURCES)
        return;
    double hits = hit_rate(s, source, line);
    for (int k = 0; k < CURVES && line->t_ns >= -BEFORE_NS; k++) {
        double value = k == HITS ? hits
                       : isnan(line->values[curves[k].metric])
                           ? NAN
                           : server_levels_now(&s->levels, curves[k].metric);
        if (!isnan(value))
            add_point(&s->of[k], line->t_ns, value * curves[k].unit);
    }
}

/* Means of neighbours: `step` of them make one. */
static double *join(struct picture *p, const double *from, size_t count, size_t step)
{
    double *to = picture_array(p, count / step + 1);
    for (size_t i = 0; i * step < count; i++) {
        size_t end = (i + 1) * step < count ? (i + 1) * step : count;
        for (size_t k = i * step; k < end; k++)
            to[i] += from[k] / (double)(end - i * step);
    }
    return to;
}

/* The panels of one picture have their x axis alike: that of the timeline, whose label tells the
 * unit. */
static void align(struct picture *p, size_t before)
{
    const struct plot_series *ours = &p->panels[0].series[0];
    double last = ours->x[ours->count - 1] + 1 / p->unit_s;
    for (size_t i = 0; i < p->plot.panel_count; i++) {
        p->panels[i].x_min = 0;
        p->panels[i].x_max = last;
    }
    p->panels[p->plot.panel_count - 1].x_label = p->panels[before - 1].x_label;
    p->panels[before - 1].x_label = NULL;
}

static void add_curve(struct picture *p, const struct points *of, int k, int panels[3])
{
    size_t step = (of->count + POINTS - 1) / POINTS;
    int *panel = &panels[curves[k].panel];
    if (of->count < 2)
        return;
    if (*panel < 0) {
        *panel = (int)p->plot.panel_count++;
        p->panels[*panel] = (struct plot_panel){
            .y_label = labels[curves[k].panel], .always_legend = k != POWER, .y_max = NAN};
    }
    size_t count = (of->count + step - 1) / step;
    double *t = join(p, of->t_s, of->count, step);
    for (size_t i = 0; i < count; i++)
        t[i] /= p->unit_s;
    plot_add_series(&p->panels[*panel], curves[k].title, PLOT_LINES, t,
                    join(p, of->values, of->count, step), count, curves[k].color);
}

void picture_add_server(struct picture *p, const char *directory)
{
    struct series *s = mem_zero(1, sizeof *s);
    int panels[3] = {-1, -1, -1};
    size_t before = p->plot.panel_count;
    server_levels_init(&s->levels);
    server_lines_read(directory, take_line, s, NULL); /* the summary has said what cannot be read */
    for (int k = 0; k < CURVES; k++) {
        add_curve(p, &s->of[k], k, panels);
        free(s->of[k].t_s);
        free(s->of[k].values);
    }
    if (p->plot.panel_count > before)
        align(p, before);
    free(s);
}
