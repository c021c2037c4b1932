#include "cli/bench/load_show.h"

#include "cli/output.h"
#include "cli/report/plot/load_plots.h"
#include "cli/report/text/load_text.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the runs inside ---- */

void load_child_options(const struct option_spec *specs, const char *key,
                        struct option_spec out[CHILD_OPTIONS])
{
    static const char *const own[] = {"sweep",  "find-max", "resume",      "force",
                                      "output", "goodput",  "max-requests"};
    size_t count = 0;
    for (; specs->name && count + 1 < CHILD_OPTIONS; specs++) {
        bool dropped = false;
        for (size_t i = 0; i < COUNT_OF(own); i++)
            dropped |= strcmp(specs->name, own[i]) == 0;
        if (dropped)
            continue;
        out[count] = *specs;
        if (key && strcmp(specs->name, key) == 0)
            out[count].fallback = ""; /* written although it was not given */
        count++;
    }
    out[count] = (struct option_spec){0};
}

uint64_t load_options_hash(const struct option_spec *specs, const void *options)
{
    struct option_spec kept[CHILD_OPTIONS];
    struct buffer text;
    struct json_writer w;
    load_child_options(specs, NULL, kept);
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 0);
    options_write(kept, options, &w);
    uint64_t hash = text_hash(text.data, text.length);
    buffer_free(&text);
    return hash;
}

int load_quiet_terminal(const struct terminal *t, struct terminal *out, struct error *err)
{
    *out = *t;
    out->human = out->machine = mem_given(fopen("/dev/null", "w"));
    return out->human ? 0 : error_errno(err, "/dev/null");
}

void load_quiet_free(struct terminal *quiet)
{
    if (quiet->human)
        fclose(quiet->human);
}

/* ---- what is shown ---- */

static void warn_of_place(struct load_series *s, const struct terminal *t)
{
    if (load_series_is_beside(s))
        warn(t, "%s keeps what was there; the new runs are in %s", s->place.given, s->place.path);
    if (s->place.left)
        warn(t, RUN_PLACE_LEFT, s->place.left);
}

static void on_point(void *terminal, const struct load_series *s, const struct load_run *r,
                     const char *missed)
{
    (void)s;
    if (!r->measured)
        say(terminal, "%s %s", r->is_rate ? "rate" : "concurrency", TEXT_SHORT(r->load, 6));
    else if (missed)
        warn(terminal, "at %s: %s", TEXT_SHORT(r->load, 6), missed);
}

/* Shows the points and writes what belongs to them; then the sweep takes its place, unless `ran`
 * forbids it. */
static int show_sweep(struct sweep *s, const struct terminal *t, bool as_json, int ran,
                      struct error *err)
{
    struct output out;
    struct error undrawn = {0};
    if (s->series.count == 0)
        return 0;
    output_begin(&out);
    sweep_write_text(s, t->width, &out.text);
    sweep_write_json(s, &out.json);
    print_buffer(t->human, &out.text);
    int status = output_keep(&out, s->series.place.path, "sweep.json", err);
    char *plots = run_dir_file(s->series.place.path, "plots");
    if (status == 0 && s->series.count > 1 && sweep_draw(s, plots, &undrawn) < 0)
        warn(t, "no plot: %s", undrawn.message);
    if (status == 0)
        status = load_series_take(&s->series, ran, err);
    if (status == 0)
        fprintf(t->human, "\nwritten to %s\n", s->series.place.path);
    output_end(&out, NULL, as_json ? t->machine : NULL);
    free(plots);
    return status;
}

int sweep_show(struct sweep *s, const struct terminal *t, bool json, struct error *err)
{
    struct error later = {0};
    s->series.progress = on_point;
    s->series.progress_context = (void *)t;
    int status = sweep_run(s, err);
    int shown = show_sweep(s, t, json, status, status < 0 ? &later : err);
    warn_of_place(&s->series, t);
    sweep_end(s);
    return status < 0 ? status : shown;
}

static void on_probe(void *terminal, const struct load_series *s, const struct load_run *r,
                     const char *missed)
{
    (void)missed;
    const char *mark = r->measured ? load_verdict_mark(load_judge(&r->point, &s->target)) : "";
    if (r->measured)
        say(terminal, "probe %zu: %s requests/s, goodput %.2f %%, served %.0f %%%s%s", s->count,
            TEXT_SHORT(r->load, 4), 100 * r->point.goodput, 100 * r->point.served,
            *mark ? "  " : "", mark);
}

static int show_probes(struct find_max *f, const struct terminal *t, bool as_json, int ran,
                       struct error *err)
{
    struct output out;
    if (f->series.count == 0 && !f->ended)
        return 0;
    output_begin(&out);
    find_max_write_text(f, t->width, &out.text);
    find_max_write_json(f, &out.json);
    int status = output_keep(&out, f->series.place.path, "find-max.json", err);
    if (status == 0)
        status = load_series_take(&f->series, ran, err);
    buffer_add_format(&out.text, "written to %s\n", f->series.place.path);
    output_end(&out, t->human, as_json ? t->machine : NULL);
    return status;
}

int find_max_show(struct find_max *f, const struct terminal *t, bool json, struct error *err)
{
    struct error later = {0};
    f->series.progress = on_probe;
    f->series.progress_context = (void *)t;
    int status = find_max_run(f, err);
    int shown = show_probes(f, t, json, status, status < 0 ? &later : err);
    warn_of_place(&f->series, t);
    if (status == 0)
        status = shown < 0 ? shown : find_max_status(f, err);
    if (status == 0 && isfinite(f->limited_rps) && strcmp(f->rate_is, "measured") != 0)
        warn(t,
             "%s requests/s is what the endpoint sustains at least: at %s the client was the "
             "limit",
             TEXT_SHORT(f->search.low, 4), TEXT_SHORT(f->limited_rps, 4));
    load_series_end(&f->series);
    return status;
}
