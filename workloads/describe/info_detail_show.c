/* The detail of a workload's description as JSON and as text. */
#include "workloads/describe/info_detail.h"

#include <math.h>

static void put_burstiness(const struct workload_detail *d, struct json_writer *w)
{
    json_key(w, "burstiness");
    json_begin_object(w);
    json_key(w, "dispersion");
    json_begin_array(w);
    for (size_t i = 0; i < d->dispersion_count; i++) {
        json_begin_object(w);
        json_pair_statistic(w, "window_s", (double)d->dispersion[i].window_ns / 1e9);
        json_pair_statistic(w, "index", d->dispersion[i].index);
        json_pair_statistic(w, "peak_to_mean", d->dispersion[i].peak_to_mean);
        json_end_object(w);
    }
    json_end_array(w);
    json_key(w, "windows");
    json_begin_array(w);
    for (size_t i = 0; i < d->window_count; i++) {
        json_begin_object(w);
        json_pair_statistic(w, "start_s", d->windows[i].start_s);
        json_pair_u64(w, "requests", d->windows[i].requests);
        json_pair_statistic(w, "rate_rps", d->windows[i].rate_rps);
        json_pair_statistic(w, "interarrival_cv", d->windows[i].interarrival_cv);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

static void put_cache(const struct workload_info *info, struct json_writer *w)
{
    const struct workload_detail *d = &info->detail;
    json_key(w, "cache");
    if (d->cache_count == 0) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_key(w, "by_size");
    json_begin_array(w);
    for (size_t i = 0; i < d->cache_count; i++) {
        json_begin_object(w);
        json_pair_u64(w, "blocks", d->cache[i].blocks);
        json_pair_u64(w, "tokens", d->cache[i].blocks * info->block_size);
        json_pair_statistic(w, "hit_ratio_tokens", d->cache[i].hit_ratio_tokens);
        json_end_object(w);
    }
    json_end_array(w);
    json_key(w, "by_idle_time");
    json_begin_array(w);
    for (size_t i = 0; i < d->ttl_count; i++) {
        json_begin_object(w);
        json_pair_statistic(w, "ttl_s", (double)d->ttl[i].ttl_ns / 1e9);
        json_pair_statistic(w, "hit_ratio_tokens", d->ttl[i].hit_ratio_tokens);
        json_end_object(w);
    }
    json_end_array(w);
    json_end_object(w);
}

static void put_fit(struct json_writer *w, const char *key, const struct info_fit *f)
{
    json_key(w, key);
    if (!f->known) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_pair_string(w, "family", fit_family_name(f->fit.family));
    const double parameters[] = {f->fit.a, f->fit.b};
    for (int i = 0; i < 2; i++)
        if (fit_parameter_name(f->fit.family, i))
            json_pair_statistic(w, fit_parameter_name(f->fit.family, i), parameters[i]);
    json_pair_statistic(w, "ks_distance", f->fit.distance);
    json_end_object(w);
}

void info_detail_put_json(const struct workload_info *info, struct json_writer *w)
{
    const struct workload_detail *d = &info->detail;
    put_burstiness(d, w);
    put_cache(info, w);
    json_key(w, "fits");
    json_begin_object(w);
    put_fit(w, "input_tokens", &d->input);
    put_fit(w, "output_tokens", &d->output);
    put_fit(w, "interarrival_s", &d->interarrival_s);
    json_end_object(w);
}

/* Eight heights of bars, from none to full. */
static void put_bar(struct buffer *out, double part)
{
    static const char *const bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    int level = part <= 0 ? 0 : 1 + (int)(part * 7.999);
    buffer_add_text(out, bars[level > 8 ? 8 : level]);
}

static void put_rate_bars(const struct workload_detail *d, struct buffer *out)
{
    double most = 0;
    for (size_t i = 0; i < d->window_count; i++)
        most = fmax(most, d->windows[i].rate_rps);
    if (d->window_count == 0)
        return;
    buffer_add_format(out, "  %-18s", "rate over time");
    for (size_t i = 0; i < d->window_count; i++)
        put_bar(out, d->windows[i].rate_rps / most);
    char rate[TEXT_GROUPED_SIZE], length[TEXT_GROUPED_SIZE];
    buffer_add_format(out, "  up to %s req/s in windows of %s s\n", info_figure(most, rate),
                      info_figure(d->windows[1].start_s - d->windows[0].start_s, length));
}

static void put_dispersions(const struct workload_detail *d, struct buffer *out)
{
    if (d->dispersion_count == 0)
        return;
    buffer_add_format(out, "  %-18svariance/mean of counts (Poisson: 1)", "burstiness");
    for (size_t i = 0; i < d->dispersion_count; i++)
        buffer_add_format(out, "%s %s in %lld s", i ? "," : "",
                          TEXT_SHORT(d->dispersion[i].index, 3),
                          (long long)(d->dispersion[i].window_ns / NS_PER_S));
    buffer_add_byte(out, '\n');
}

static void put_hit_lines(const struct workload_info *info, struct buffer *out)
{
    const struct workload_detail *d = &info->detail;
    if (d->cache_count == 0 || !isfinite(info->hit_ratio_tokens))
        return;
    buffer_add_format(out, "  %-18s", "hits by size");
    size_t first = d->cache_count > 4 ? d->cache_count - 4 : 0;
    for (size_t i = first; i < d->cache_count; i++)
        buffer_add_format(out, "%s%.1f %% at %s M tokens", i > first ? ", " : "",
                          100 * d->cache[i].hit_ratio_tokens,
                          TEXT_SHORT((double)d->cache[i].blocks * info->block_size / 1e6, 3));
    buffer_add_byte(out, '\n');
    if (d->ttl_count == 0)
        return;
    buffer_add_format(out, "  %-18s", "hits by idle time");
    /* Further times that add nothing are left out. */
    for (size_t i = 0; i < d->ttl_count; i++) {
        if (i > 0 && d->ttl[i].hit_ratio_tokens == d->ttl[i - 1].hit_ratio_tokens)
            break;
        buffer_add_format(out, "%s%.1f %% for %lld s", i ? ", " : "",
                          100 * d->ttl[i].hit_ratio_tokens,
                          (long long)(d->ttl[i].ttl_ns / NS_PER_S));
    }
    buffer_add_byte(out, '\n');
}

static void put_fit_line(const char *name, const struct info_fit *f, struct buffer *out)
{
    char text[160];
    if (!f->known)
        return;
    fit_describe(&f->fit, text, sizeof text);
    buffer_add_format(out, "  %-18s%s, KS distance %.3f%s\n", name, text, f->fit.distance,
                      f->fit.distance > 0.05 ? " (no family is near)" : "");
}

void info_detail_put_text(const struct workload_info *info, struct buffer *out)
{
    put_rate_bars(&info->detail, out);
    put_dispersions(&info->detail, out);
    put_hit_lines(info, out);
    put_fit_line("input is like", &info->detail.input, out);
    put_fit_line("output is like", &info->detail.output, out);
    put_fit_line("gaps are like", &info->detail.interarrival_s, out);
}
