#include "cli/report/text/calibration_text.h"

#include "cli/report/text/summary_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void put_figure(struct json_writer *w, const char *key, const struct calibrate_figure *f)
{
    const struct {
        const char *key;
        double value;
    } values[] = {{"mean_measured_ms", 1e3 * f->mean_measured},
                  {"mean_model_ms", 1e3 * f->mean_model},
                  {"p50_measured_ms", 1e3 * f->p50_measured},
                  {"p50_model_ms", 1e3 * f->p50_model},
                  {"p90_measured_ms", 1e3 * f->p90_measured},
                  {"p90_model_ms", 1e3 * f->p90_model},
                  {"p99_measured_ms", 1e3 * f->p99_measured},
                  {"p99_model_ms", 1e3 * f->p99_model},
                  {"off_p50", f->off_p50},
                  {"off_p90", f->off_p90},
                  {"log_error_rms", f->error}};
    json_key(w, key);
    json_begin_object(w);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        json_pair_statistic(w, values[i].key, values[i].value);
    json_end_object(w);
}

static void put_fit(struct json_writer *w, const char *key, const struct calibrate_fit *fit,
                    const double *misfit)
{
    json_key(w, key);
    json_begin_object(w);
    if (misfit)
        json_pair_statistic(w, "misfit", *misfit);
    put_figure(w, "ttft", &fit->ttft);
    put_figure(w, "tpot", &fit->tpot);
    put_figure(w, "e2e", &fit->e2e);
    json_end_object(w);
}

static bool all_whole(const struct calibration *c)
{
    for (size_t i = 0; i < c->part_count; i++)
        if (c->parts[i].cut != CALIBRATE_WHOLE)
            return false;
    return true;
}

/* Of a run that was cut the fit's own interval says nothing: its constants make up for a load that
 * is not there. */
static double fit_error(const struct calibration *c, size_t i)
{
    return all_whole(c) ? c->constants[i].relative_error : NAN;
}

static void put_choice(const struct calibration *c, struct json_writer *w)
{
    json_pair_string(w, "fitted", c->names);
    json_key(w, "tried");
    json_begin_array(w);
    for (size_t i = 0; i < c->candidate_count; i++) {
        json_begin_object(w);
        json_pair_string(w, "fit", c->candidates[i].names);
        json_pair_statistic(w, "error_out_of_sample", c->candidates[i].error);
        json_end_object(w);
    }
    json_end_array(w);
}

static void put_level(struct json_writer *w, const char *key, const struct calibrate_level *l)
{
    json_key(w, key);
    json_begin_object(w);
    json_pair_statistic(w, "measured", l->measured);
    json_pair_statistic(w, "model", l->model);
    json_end_object(w);
}

static void put_server(struct json_writer *w, const struct calibrate_server *s)
{
    json_key(w, "server");
    json_begin_object(w);
    json_pair_u64(w, "scrapes", s->scrapes);
    put_level(w, "running", &s->running);
    put_level(w, "queue", &s->waiting);
    put_level(w, "kv_use", &s->kv_use);
    put_level(w, "preemptions", &s->preemptions);
    json_pair_statistic(w, "prefix_hit_rate", s->hit_rate);
    json_pair_bool(w, "hits_spread", s->spread);
    json_end_object(w);
}

static void put_cut(struct json_writer *w, const struct calibrate_part *p)
{
    static const char *const cuts[] = {"no", "killed", "looks_cut"};
    json_pair_string(w, "cut", cuts[p->cut]);
    json_pair_u64(w, "judged", p->judged);
    json_pair_statistic(w, "drift", p->drift);
    json_pair_bool(w, "load_counted", p->counted);
    json_pair_u64(w, "load_put_in", p->put_in);
}

/* One run: what it is, and how far the model is off. */
static void put_part(struct json_writer *w, const struct calibration *c, size_t i)
{
    const struct calibrate_part *p = &c->parts[i];
    json_begin_object(w);
    json_pair_string(w, "run", p->name);
    json_pair_u64(w, "requests", p->requests);
    json_pair_u64(w, "refused", p->refused);
    put_cut(w, p);
    put_fit(w, "before", &p->before, NULL);
    put_fit(w, "after", &p->after, NULL);
    if (c->part_count > 1)
        put_fit(w, "left_out", &p->unseen, NULL);
    if (p->server.scrapes)
        put_server(w, &p->server);
    json_end_object(w);
}

static void put_constants(struct json_writer *w, const struct calibration *c)
{
    json_key(w, "constants");
    json_begin_object(w);
    for (size_t i = 0; i < c->count; i++) {
        json_key(w, c->constants[i].name);
        json_begin_object(w);
        json_pair_statistic(w, "before", c->constants[i].before);
        json_pair_statistic(w, "after", c->constants[i].after);
        json_pair_statistic(w, "relative_error", fit_error(c, i));
        json_pair_bool(w, "at_limit", c->constants[i].at_limit);
        json_end_object(w);
    }
    json_end_object(w);
}

/* A single run's own members stand at the top, too. */
static void put_single(struct json_writer *w, const struct calibration *c)
{
    const struct calibrate_part *p = c->parts;
    if (c->part_count != 1)
        return;
    json_pair_u64(w, "requests", p->requests);
    json_pair_u64(w, "refused", p->refused);
    put_cut(w, p);
    put_fit(w, "before", &p->before, &c->misfit_before);
    put_fit(w, "after", &p->after, &c->misfit_after);
}

void calibration_write(const struct calibration *c, struct json_writer *w)
{
    json_begin_object(w);
    put_choice(c, w);
    put_constants(w, c);
    json_pair_bool(w, "preset_kept", c->kept);
    json_pair_statistic(w, "misfit_before", c->misfit_before);
    json_pair_statistic(w, "misfit_after", c->misfit_after);
    put_single(w, c);
    json_key(w, "runs");
    json_begin_array(w);
    for (size_t i = 0; i < c->part_count; i++)
        put_part(w, c, i);
    json_end_array(w);
    json_key(w, "preset");
    engine_config_write(&c->config, w);
    json_end_object(w);
}

/* ---- for people ---- */

/* "65.18 (-0.4 %)" beside the measured one. */
static void add_pair(struct buffer *out, double measured, double model)
{
    char cell[CELL_SIZE], text[96];
    add_padded_number(out, measured, 10);
    snprintf(text, sizeof text, "%s (%+.1f %%)", format_cell(model, cell),
             text_shown(100 * (model / measured - 1), 1));
    add_padded(out, text, 19, true);
}

static void add_figure(struct buffer *out, const char *name, const struct calibrate_figure *f)
{
    add_padded(out, name, 10, false);
    add_pair(out, 1e3 * f->mean_measured, 1e3 * f->mean_model);
    add_pair(out, 1e3 * f->p99_measured, 1e3 * f->p99_model);
    buffer_add_format(out, "%10.1f %%\n", 100 * f->error);
}

/* `run`: its name, NULL of a single one. */
static void add_fit(struct buffer *out, const char *title, const char *run,
                    const struct calibrate_fit *fit)
{
    if (run)
        buffer_add_format(out, "\n%s %.60s\n%-10s", title, run, "");
    else
        buffer_add_format(out, "\n%-10s", title);
    buffer_add_format(out, "%10s%19s%10s%19s%12s\n", "mean", "model", "p99", "model", "by request");
    add_figure(out, "TTFT ms", &fit->ttft);
    add_figure(out, "TPOT ms", &fit->tpot);
    add_figure(out, "E2E ms", &fit->e2e);
}

static void add_fits(struct buffer *out, const struct calibration *c, bool after)
{
    const char *title = after ? "after" : "before";
    bool several = c->part_count > 1;
    for (size_t i = 0; i < c->part_count; i++)
        add_fit(out, title, several ? c->parts[i].name : NULL,
                after ? &c->parts[i].after : &c->parts[i].before);
    buffer_add_format(out, "by group%s%*.1f %%\n", several ? ", all runs" : "", several ? 60 : 70,
                      100 * (after ? c->misfit_after : c->misfit_before));
}

/* Of a run that the fit did not see: median and 90th percentile, of the values and of how far
 * single requests are off. */
static void add_unseen_figure(struct buffer *out, const char *name,
                              const struct calibrate_figure *f)
{
    add_padded(out, name, 8, false);
    add_pair(out, 1e3 * f->p50_measured, 1e3 * f->p50_model);
    add_pair(out, 1e3 * f->p90_measured, 1e3 * f->p90_model);
    buffer_add_format(out, "%6.1f%6.1f\n", 100 * f->off_p50, 100 * f->off_p90);
}

static void add_unseen(struct buffer *out, const struct calibration *c)
{
    if (c->part_count < 2)
        return;
    buffer_add_format(out,
                      "\nEach run as a fit to the other%s foretells it, and how far single\n"
                      "requests are off in %% (median, 90th percentile)\n",
                      c->part_count > 2 ? "s" : "");
    for (size_t i = 0; i < c->part_count; i++) {
        const struct calibrate_fit *f = &c->parts[i].unseen;
        buffer_add_format(out, "\nleft out %.60s\n%-8s%10s%19s%10s%19s%6s%6s\n", c->parts[i].name,
                          "", "p50", "model", "p90", "model", "p50", "p90");
        add_unseen_figure(out, "TTFT ms", &f->ttft);
        add_unseen_figure(out, "TPOT ms", &f->tpot);
        add_unseen_figure(out, "E2E ms", &f->e2e);
    }
}

static void add_level(struct buffer *out, const char *name, double unit,
                      const struct calibrate_level *l)
{
    char cell[CELL_SIZE];
    if (isnan(l->measured))
        return;
    add_padded(out, name, 26, false);
    add_padded_number(out, unit * l->measured, 10);
    add_padded(out, format_cell(unit * l->model, cell), 10, true);
    buffer_add_byte(out, '\n');
}

/* The server's own metrics beside the model's. */
static void add_server(struct buffer *out, const struct calibrate_part *p)
{
    const struct calibrate_server *s = &p->server;
    if (s->scrapes == 0)
        return;
    buffer_add_format(out, "\nserver metrics of %.60s (%zu scrapes)\n%-26s%10s%10s\n", p->name,
                      s->scrapes, "", "measured", "model");
    add_level(out, "requests running, mean", 1, &s->running);
    add_level(out, "requests waiting, mean", 1, &s->waiting);
    add_level(out, "KV cache in use, mean, %", 100, &s->kv_use);
    add_level(out, "preemptions", 1, &s->preemptions);
    if (s->hit_rate > 0)
        buffer_add_format(out, "%-26s%10.1f\n", "prefix cache hits, %", 100 * s->hit_rate);
}

static void add_choice(const struct calibration *c, struct buffer *out)
{
    if (c->candidate_count == 0)
        return;
    buffer_add_text(
        out, c->part_count > 1
                 ? "off by request where not fitted (each run from the others, median)\n"
                 : "off by request where not fitted (each quarter from the others, median)\n");
    for (size_t i = 0; i < c->candidate_count; i++) {
        const struct calibrate_candidate *k = &c->candidates[i];
        bool chosen = strcmp(k->names, c->names) == 0;
        buffer_add_format(out, "%5.1f %% %s %s\n", 100 * k->error, chosen ? "*" : " ", k->names);
    }
    buffer_add_text(out, "* taken\n\n");
}

void calibration_write_text(const struct calibration *c, struct buffer *text)
{
    char before[CELL_SIZE], after[CELL_SIZE];
    bool intervals = false;
    add_choice(c, text);
    for (size_t i = 0; i < c->count; i++) {
        const struct calibrate_constant *k = &c->constants[i];
        snprintf(before, sizeof before, "%.4g", k->before);
        snprintf(after, sizeof after, "%.4g", k->after);
        buffer_add_format(text, "%-20s %10s → %s", k->name, before, after);
        if (!isnan(fit_error(c, i))) {
            buffer_add_format(text, "  ± %.2g %%", 100 * fit_error(c, i));
            intervals = true;
        }
        buffer_add_byte(text, '\n');
    }
    if (intervals)
        buffer_add_text(text, "± is the fit's own standard error, if the model were right: the "
                              "residuals tell\nhow right it is\n");
    add_fits(text, c, false);
    add_fits(text, c, true);
    add_unseen(text, c);
    for (size_t i = 0; i < c->part_count; i++)
        add_server(text, &c->parts[i]);
}
