#include "cli/report/plot/info_plots.h"

#include "cli/report/plot/pictures.h"
#include "core/clock.h"
#include "core/memory.h"
#include "core/stats/quantile.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CURVE_POINTS 200
#define PANELS 3

struct pictures {
    struct plot_panel panels[PANELS];
    size_t count;
    char time_label[64];
    double length_x[2][CURVE_POINTS], length_y[CURVE_POINTS];
    double rate_x[2 * INFO_WINDOWS], rate_y[2 * INFO_WINDOWS];
    double cache_x[INFO_CACHE_POINTS], cache_y[INFO_CACHE_POINTS];
};

/* Quantiles of the lengths at even shares, at least 1 for the logarithmic axis. */
static void length_curve(const uint32_t *lengths, size_t count, double *x)
{
    double *values = mem_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = lengths[i];
    gsl_sort(values, 1, count);
    for (int i = 0; i < CURVE_POINTS; i++)
        x[i] = fmax(1, quantile_sorted(values, count, (double)i / (CURVE_POINTS - 1)));
    free(values);
}

static void add_lengths(struct pictures *p, const struct workload *w)
{
    static const char *const names[] = {"input", "output"};
    struct plot_panel *panel = &p->panels[p->count++];
    *panel = (struct plot_panel){.x_label = "tokens", .log_x = true};
    picture_share_axis(panel, "share of requests");
    length_curve(w->input_tokens, w->count, p->length_x[0]);
    length_curve(w->output_tokens, w->count, p->length_x[1]);
    for (int i = 0; i < CURVE_POINTS; i++)
        p->length_y[i] = (double)i / (CURVE_POINTS - 1);
    for (int i = 0; i < 2; i++)
        plot_add_series(panel, names[i], PLOT_LINES, p->length_x[i], p->length_y, CURVE_POINTS, i);
}

/* "time since 2026-10-01 00:00 UTC (days)" */
static void label_time(struct pictures *p, const struct workload_info *info, const char *unit)
{
    char text[CLOCK_INSTANT_SIZE];
    if (!info->has_start) {
        snprintf(p->time_label, sizeof p->time_label, "time (%s)", unit);
        return;
    }
    clock_format_instant(info->start_unix_ns, text);
    snprintf(p->time_label, sizeof p->time_label, "time since %.10s %.5s UTC (%s)", text, text + 11,
             unit);
}

/* The windows as a stair: each from its start to the next. */
static void add_rate(struct pictures *p, const struct workload_info *info)
{
    const struct workload_detail *d = &info->detail;
    const char *unit;
    double unit_s = plot_span_unit((double)info->duration_ns / 1e9, &unit),
           length = (double)info->duration_ns / 1e9 / INFO_WINDOWS / unit_s;
    if (d->window_count == 0)
        return;
    for (size_t i = 0; i < d->window_count; i++) {
        p->rate_x[2 * i] = d->windows[i].start_s / unit_s;
        p->rate_x[2 * i + 1] = p->rate_x[2 * i] + length;
        p->rate_y[2 * i] = p->rate_y[2 * i + 1] = d->windows[i].rate_rps;
    }
    label_time(p, info, unit);
    struct plot_panel *panel = &p->panels[p->count++];
    *panel = (struct plot_panel){
        .x_label = p->time_label, .y_label = "requests per second", .y_min = 0, .y_max = NAN};
    plot_add_series(panel, NULL, PLOT_LINES, p->rate_x, p->rate_y, 2 * d->window_count, 0);
}

static void add_cache(struct pictures *p, const struct workload_info *info)
{
    const struct workload_detail *d = &info->detail;
    if (d->cache_count == 0)
        return;
    for (size_t i = 0; i < d->cache_count; i++) {
        p->cache_x[i] = (double)(d->cache[i].blocks * info->block_size);
        p->cache_y[i] = d->cache[i].hit_ratio_tokens;
    }
    struct plot_panel *panel = &p->panels[p->count++];
    *panel = (struct plot_panel){.x_label = "cache size (tokens)", .log_x = true};
    picture_share_axis(panel, "share of input tokens that such a prefix cache holds");
    plot_add_series(panel, NULL, PLOT_LINES, p->cache_x, p->cache_y, d->cache_count, 0);
}

static void say_lengths(const struct workload_info *info, char title[160])
{
    char count[TEXT_GROUPED_SIZE], in[TEXT_GROUPED_SIZE], out[TEXT_GROUPED_SIZE];
    snprintf(title, 160, "%s requests; medians: %s tokens in, %s out",
             text_group_u64(info->requests, count),
             text_group_u64((uint64_t)fmax(0, info->input_tokens.p50), in),
             text_group_u64((uint64_t)fmax(0, info->output_tokens.p50), out));
}

int info_plots_draw(const struct workload *w, const struct workload_info *info,
                    const char *directory, struct error *err)
{
    char title[160], subtitle[300];
    struct pictures *p = mem_zero(1, sizeof *p);
    add_lengths(p, w);
    add_rate(p, info);
    add_cache(p, info);
    say_lengths(info, title);
    snprintf(subtitle, sizeof subtitle, "Workload · %s", info->name ? info->name : "");
    struct plot plot = {.name = "workload",
                        .title = title,
                        .subtitle = subtitle,
                        .panels = p->panels,
                        .panel_count = p->count};
    int status = plot_draw(&plot, directory, false, err);
    free(p);
    return status;
}
