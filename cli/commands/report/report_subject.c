#include "cli/commands/report/report_subject.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "core/runs/record/run_dir.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* The model, and a sample of each failure's words. */
static void note_record(struct report_subject *s, const struct record *r)
{
    if (!s->model && r->model)
        s->model = mem_copy_string(r->model);
    if (r->status != RECORD_FAILED)
        return;
    size_t *slot = &s->slots[r->failure];
    if (*slot == 0) {
        *slot = ++s->error_count;
        s->errors[*slot - 1].what = failure_name(r->failure);
        s->messages[*slot - 1] = r->message ? mem_copy_string(r->message) : NULL;
        s->errors[*slot - 1].message = s->messages[*slot - 1];
    }
    s->errors[*slot - 1].count++;
}

static int take_record(void *context, const struct record *r, struct error *err)
{
    struct report_subject *s = context;
    collector_add(s->collector, r);
    note_record(s, r);
    if (s->exporter && export_add(s->exporter, r, err) < 0)
        return err->code;
    return s->is_billed ? run_workload_add(&s->bill.run, r, err) : 0;
}

/* The run's own summary, where it is whole and of these records. It knows what no record says: what
 * never became due, every chunk's time, how the client fared. `why`: why it could not be read. */
static bool is_own_summary(const struct terminal *t, const struct report_subject *s,
                           const struct error *why)
{
    char *path = run_dir_file(s->path, "summary.json"), message[1200];
    bool own = why->code == 0 && collector_agrees(s->collector, &s->summary.accounting);
    error_format(why, message, sizeof message);
    if (!file_exists(path))
        warn(t,
             "%s has no summary.json, as a run that was killed: its figures are recomputed from "
             "its records",
             s->path);
    else if (why->code)
        warn(t, "%s; the figures are recomputed from the records", message);
    else if (!own)
        warn(t,
             "%s counts other requests than requests.jsonl: the figures are recomputed from the "
             "records",
             path);
    free(path);
    return own;
}

/* How the run's own summary was made, as far as is known. */
static struct summary_options options_of(const struct report_subject *s)
{
    const struct summary *own = &s->summary;
    struct summary_options how = {.command = own->command, .load = own->load, .slos = own->slos};
    if (!how.command)
        how.command = text_equal(s->run.command, "sim") ? "sim" : "bench";
    if (!how.load)
        how.load = "trace";
    if (own->warmup_s > 0) {
        how.warmup = WARMUP_GIVEN;
        how.warmup_ns = (int64_t)llround(own->warmup_s * 1e9) - SUMMARY_ROUNDING_NS;
    }
    return how;
}

/* Other objectives than the run's own: only what depends on them is counted anew. */
static void take_goodput(struct report_subject *s, const struct slo_list *slos)
{
    struct summary_options how = options_of(s);
    struct summary *anew = mem_zero(1, sizeof *anew), *own = &s->summary;
    how.slos = *slos;
    how.no_intervals = true;
    collector_summarize(s->collector, &how, anew);
    own->slos = *slos;
    own->window.goodput_rps = anew->window.goodput_rps;
    own->window.goodput_fraction = anew->window.goodput_fraction;
    own->all.goodput_rps = anew->all.goodput_rps;
    own->all.goodput_fraction = anew->all.goodput_fraction;
    for (size_t i = 0; i < own->group_count; i++)
        for (size_t k = 0; k < anew->group_count; k++)
            if (strcmp(own->groups[i].dimension, anew->groups[k].dimension) == 0 &&
                strcmp(own->groups[i].name, anew->groups[k].name) == 0)
                own->groups[i].goodput_fraction = anew->groups[k].goodput_fraction;
    free(anew);
}

static int make_summary(const struct terminal *t, struct report_subject *s,
                        const struct slo_list *slos, const struct error *why, struct error *err)
{
    int status = collector_read_gaps(s->collector, s->path, err);
    if (status < 0)
        return status;
    s->recomputed = !is_own_summary(t, s, why);
    if (s->recomputed) {
        struct summary_options how = options_of(s);
        if (slos->count > 0)
            how.slos = *slos;
        struct fidelity fidelity = s->summary.fidelity;
        collector_summarize(s->collector, &how, &s->summary);
        s->summary.fidelity = fidelity;
        status = collector_read_server(s->collector, s->path, &s->summary, err);
    } else if (slos->count > 0) {
        take_goodput(s, slos);
    }
    return status;
}

/* One pass over the records, for all who want them. */
static int read_run(const struct terminal *t, struct report_subject *s, const struct slo_list *slos,
                    struct error *err)
{
    struct error why = {0};
    summary_read_run(s->path, &s->summary, &why);
    if (s->is_billed)
        run_workload_begin(&s->bill.run, slos->count ? slos : &s->summary.slos, s->collector);
    int status = run_records_read(s->path, take_record, s, &s->torn, err);
    return status < 0 ? status : make_summary(t, s, slos, &why, err);
}

/* A run may have no run.json; one that is there and cannot be read is not passed over. */
static int read_run_json(struct report_subject *s, struct error *err)
{
    struct error own = {0};
    char text[CLOCK_INSTANT_SIZE];
    if (run_json_read(s->path, &s->run, &own) == ERR_SYSTEM) {
        *err = own;
        return ERR_SYSTEM;
    }
    if (s->run.started_unix_ns != TIME_NEVER) {
        clock_format_instant(s->run.started_unix_ns, text);
        snprintf(s->started, sizeof s->started, "%.10s %.5s UTC", text, text + 11);
    }
    return 0;
}

int report_subject_read(struct report_subject *s, const struct terminal *t, const char *path,
                        const struct report_reading *how, struct error *err)
{
    struct slo_list slos = {0};
    s->path = path;
    s->name = base_name(path);
    s->is_billed = how->plans->count > 0;
    s->bill.volume = how->volume;
    if (!run_dir_is_run(path))
        return error_set(err, ERR_INPUT, "%s is no run directory: it has no requests.jsonl", path);
    if (slo_list_read(how->slos->items, how->slos->count, &slos, err) < 0)
        return err->code;
    if (read_run_json(s, err) < 0)
        return err->code;
    s->collector = collector_create();
    s->exporter = how->exporter;
    if (s->exporter && export_begin(s->exporter, path, &s->run, s->collector, err) < 0)
        return err->code;
    int status = run_bill_select(how->plans, &s->bill.plans, err);
    if (status == 0)
        status = run_bill_read_scales(how->tokens_as, &s->bill.scales, err);
    if (status == 0)
        status = read_run(t, s, &slos, err);
    if (status == 0 && s->is_billed)
        status = run_workload_end(&s->bill.run, path, err);
    if (status == 0 && s->is_billed)
        status = run_bill_make(&s->bill, path, err);
    return status;
}

void report_subject_free(struct report_subject *s)
{
    collector_free(s->collector);
    run_bill_free(&s->bill);
    for (size_t i = 0; i < s->error_count; i++)
        free(s->messages[i]);
    summary_free(&s->summary);
    run_json_free(&s->run);
    free(s->model);
    free(s->plots);
}
