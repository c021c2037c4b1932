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
                  {"p99_measured_ms", 1e3 * f->p99_measured},
                  {"p99_model_ms", 1e3 * f->p99_model},
                  {"log_error_rms", f->error}};
    json_key(w, key);
    json_begin_object(w);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        json_pair_statistic(w, values[i].key, values[i].value);
    json_end_object(w);
}

static void put_fit(struct json_writer *w, const char *key, const struct calibrate_fit *fit,
                    double misfit)
{
    json_key(w, key);
    json_begin_object(w);
    json_pair_statistic(w, "misfit", misfit);
    put_figure(w, "ttft", &fit->ttft);
    put_figure(w, "tpot", &fit->tpot);
    put_figure(w, "e2e", &fit->e2e);
    json_end_object(w);
}

/* Of a run that was cut the fit's own interval says nothing: its constants make up for a load that
 * is not there. */
static double fit_error(const struct calibration *c, size_t i)
{
    return c->cut == CALIBRATE_WHOLE ? c->constants[i].relative_error : NAN;
}

static void put_choice(const struct calibration *c, struct json_writer *w)
{
    static const char *const cuts[] = {"no", "killed", "looks_cut"};
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
    json_pair_string(w, "cut", cuts[c->cut]);
    json_pair_u64(w, "judged", c->judged);
    json_pair_statistic(w, "drift", c->drift);
}

void calibration_write(const struct calibration *c, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_u64(w, "requests", c->requests);
    json_pair_u64(w, "refused", c->refused);
    put_choice(c, w);
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
    json_pair_bool(w, "preset_kept", c->kept);
    put_fit(w, "before", &c->before, c->misfit_before);
    put_fit(w, "after", &c->after, c->misfit_after);
    json_key(w, "preset");
    engine_config_write(&c->config, w);
    json_end_object(w);
}

/* "65.18 (-0.4 %)" beside the measured one. */
static void add_pair(struct buffer *out, double measured, double model)
{
    char cell[CELL_SIZE], text[96];
    add_padded_number(out, 1e3 * measured, 12);
    snprintf(text, sizeof text, "%s (%+.1f %%)", format_cell(1e3 * model, cell),
             100 * (model / measured - 1));
    add_padded(out, text, 22, true);
}

static void add_figure(struct buffer *out, const char *name, const struct calibrate_figure *f)
{
    add_padded(out, name, 10, false);
    add_pair(out, f->mean_measured, f->mean_model);
    add_pair(out, f->p99_measured, f->p99_model);
    buffer_add_format(out, "%9.1f %%\n", 100 * f->error);
}

static void add_fit(struct buffer *out, const char *title, const struct calibrate_fit *fit,
                    double misfit)
{
    buffer_add_format(out, "\n%-10s%12s%22s%12s%22s%11s\n", title, "mean", "model", "p99", "model",
                      "by request");
    add_figure(out, "TTFT ms", &fit->ttft);
    add_figure(out, "TPOT ms", &fit->tpot);
    add_figure(out, "E2E ms", &fit->e2e);
    buffer_add_format(out, "by group  %78.1f %%\n", 100 * misfit);
}

static void add_choice(const struct calibration *c, struct buffer *out)
{
    if (c->candidate_count == 0)
        return;
    buffer_add_text(out,
                    "off by request where not fitted (each quarter from the others, median)\n");
    for (size_t i = 0; i < c->candidate_count; i++) {
        const struct calibrate_candidate *k = &c->candidates[i];
        bool chosen = strcmp(k->names, c->names) == 0;
        buffer_add_format(out, "%9.1f %%  %s%s\n", 100 * k->error, k->names,
                          chosen ? "  <- taken" : "");
    }
    buffer_add_byte(out, '\n');
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
                              "residuals tell how right it is\n");
    add_fit(text, "before", &c->before, c->misfit_before);
    add_fit(text, "after", &c->after, c->misfit_after);
}
