/* farebox merge: the parts of one run (bench --shard) as the run that one process would have made.
 */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/report/text/summary_table.h"
#include "cli/run_output.h"
#include "core/file_output.h"
#include "core/memory.h"
#include "core/runs/compare/merge.h"

#include <stdlib.h>
#include <string.h>

struct merge_options {
    struct common_options common;
    const char *output, *warmup;
    bool force;
};

#define AT(field) offsetof(struct merge_options, field)
static const struct option_spec options[] = {
    {"output", 'o', OPTION_TEXT, AT(output), NULL, "DIR", .help = "the merged run's directory"},
    {"warmup", 0, OPTION_TEXT, AT(warmup), "none", "TIME|auto",
     .help = "leave the start out of the figures; auto finds where the run is steady (MSER-5); "
             "chunk gaps of parts without --record chunks stay whole"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace an existing run"},
    {0},
};

/* A merge under way. */
struct merge {
    const struct merge_options *o;
    struct run_merge parts;
    struct run_output output;
};

static int write_record(void *context, const struct record *r, struct error *err)
{
    struct merge *m = context;
    return run_dir_append(&m->output.dir, r, clock_now_ns(), err);
}

static void warn_of_parts(const struct terminal *t, const struct run_merge *m)
{
    if (m->missing)
        warn(t, "%llu of %llu parts are missing, part %llu first: the figures are of the others",
             (unsigned long long)m->missing, (unsigned long long)m->parts[0].shards,
             (unsigned long long)m->first_missing);
    if (m->spread_ns > NS_PER_S)
        warn(t,
             "the parts began up to %s s apart and are merged as if they had begun together: in "
             "truth less was in flight at once",
             TEXT_SHORT((double)m->spread_ns / 1e9, 3));
}

static void show(const struct terminal *t, const struct merge *m, const struct summary *s)
{
    struct output out;
    char title[160];
    output_begin(&out);
    snprintf(title, sizeof title, "%.100s · %zu parts of a run", m->o->output, m->parts.count);
    summary_table(s, title, t->width, &out.text);
    buffer_add_format(&out.text, "\nwritten to %s\n", m->o->output);
    summary_write(s, &out.json);
    output_end(&out, t->human, m->o->common.json ? t->machine : NULL);
}

static int begin_output(struct merge *m, struct error *err)
{
    struct run_output_request request = {
        .command = m->parts.command,
        .path = m->o->output,
        .mode = m->o->force ? RUN_FORCE : RUN_NEW,
        .detail = RECORD_CHUNKS | RECORD_TEXT | RECORD_RAW,
        .reproducible = true,
        .started_ns = m->parts.started_ns == TIME_NEVER ? 0 : m->parts.started_ns,
        .specs = options,
        .options = m->o,
        .workload = m->parts.parts[0].workload};
    return run_output_begin(&m->output, &request, err);
}

/* True if the output is one of the parts, by whatever name. */
static bool is_a_part(const struct run_merge *m, const char *output)
{
    char *records = run_dir_file(output, "requests.jsonl");
    bool same = false;
    for (size_t i = 0; i < m->count && !same; i++) {
        char *part = run_dir_file(m->parts[i].path, "requests.jsonl");
        same = file_output_same(part, records);
        free(part);
    }
    free(records);
    return same;
}

/* A bad part leaves no half-merged run. */
static int write_run(struct merge *m, const struct summary_options *how, const struct terminal *t,
                     struct summary *summary, struct error *err)
{
    int status = begin_output(m, err);
    if (status < 0)
        return status;
    status = run_merge_read(&m->parts, m->output.collector, write_record, m, err);
    if (status < 0)
        run_output_discard(&m->output);
    if (status == 0)
        status = run_output_finish(&m->output, how, &m->parts.fidelity, summary, err);
    if (status == 0)
        status = run_output_take_place(&m->output, summary, err);
    run_output_warn(&m->output, t);
    run_output_free(&m->output);
    return status;
}

/* The parts know their workload, and what they measured of its answers. */
static void steady_rate(const void *context, double answer_ms, double *from_s, double *until_s)
{
    const struct run_merge *parts = context;
    (void)answer_ms;
    *from_s = parts->steady_rate_from_s;
    *until_s = parts->steady_rate_until_s;
}

static int merge(const struct terminal *t, struct merge *m, struct error *err)
{
    struct summary_options how = {
        .command = m->parts.command,
        .load = m->parts.load,
        .slos = m->parts.slos,
        .steady_rate = steady_rate,
        .rated = &m->parts,
    };
    struct summary *summary = mem_zero(1, sizeof *summary);
    int status = run_output_parse_warmup(m->o->warmup, &how, err);
    if (status == 0 && is_a_part(&m->parts, m->o->output))
        status = error_set(err, ERR_INPUT, "%s is one of the parts: the whole goes elsewhere",
                           m->o->output);
    if (status == 0)
        status = write_run(m, &how, t, summary, err);
    if (status == 0)
        show(t, m, summary);
    summary_free(summary);
    free(summary);
    return status;
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    const struct merge_options *o = parsed;
    struct merge m = {.o = o};
    if (o->common.argument_count < 2 || !o->output)
        return error_set(err, ERR_INPUT,
                         "expected the directories of two parts or more, and -o DIR for the whole");
    if (run_merge_open(&m.parts, o->common.arguments, o->common.argument_count, err) < 0)
        return err->code;
    warn_of_parts(t, &m.parts);
    int status = merge(t, &m, err);
    run_merge_free(&m.parts);
    return status;
}

const struct command command_merge = {
    .name = "merge",
    .summary = "put the parts of one run together",
    .usage = "RUN RUN... -o DIR",
    .about =
        "Runs that bench --shard I/N made in several processes or on several machines become one\n"
        "run directory, with the figures that one process would have had: records in the order\n"
        "of their ends, counts, every metric, accounting. report, bill and diff take it.\n",
    .examples = "  farebox merge results/part-1 results/part-2 results/part-3 -o results/whole\n",
    .options = options,
    .options_size = sizeof(struct merge_options),
    .run = run,
};
