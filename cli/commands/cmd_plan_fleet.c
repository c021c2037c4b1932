/* farebox plan fleet: which replicas run in which hour, of least cash. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/report/plot/fleet_plot.h"
#include "cli/report/text/fleet_text.h"
#include "cli/workload_source.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "sim/cost/book/select.h"
#include "sim/plan/capacity.h"

#include <stdlib.h>
#include <string.h>

struct fleet_command {
    struct common_options common;
    struct workload_source source;
    struct option_list slos, offers, commitments, interruptions;
    const char *spill, *output;
    double goodput, headroom;
    int64_t slot_ns;
    uint64_t mixes, seeds, requests;
    bool force, gnuplot_script;
};

#define AT(field) offsetof(struct fleet_command, field)
static const struct option_spec options[] = {
    WORKLOAD_SOURCE_OPTIONS(struct fleet_command, source),
    {"slo", 0, OPTION_LIST, AT(slos), .unit = "METRIC=TIME",
     .help = "objective on each request: ttft=500ms, tpot=50ms, e2e=10s", .group = "Objectives"},
    {"goodput", 0, OPTION_NUMBER, AT(goodput), "0.99", "SHARE", .min = 0.01, .max = 0.99999,
     .help = "share of the requests of every slot that must meet all objectives"},
    {"slot", 0, OPTION_DURATION, AT(slot_ns), "1h", "TIME", .min = 60, .max = 604800,
     .help = "how long the number of replicas stays what it is"},
    {"headroom", 0, OPTION_NUMBER, AT(headroom), "0", "SHARE", .max = 0.95,
     .help = "part of each replica's capacity that stays free"},

    {"offer", 0, OPTION_LIST, AT(offers), .unit = "ENGINE=USD/h[,...]",
     .help = "replicas that can be had: an engine preset at the price of a replica (14/h) or of "
             "each of its GPUs (3.50/gpu-h), and unit:1h (paid in whole units), start:5m (cold "
             "start), spot, most:N; again and again",
     .group = "Fleet"},
    {"commit", 0, OPTION_LIST, AT(commitments), .unit = "ENGINE=PERCENT[,...]",
     .help = "replicas of an offer that are paid used or not, at a discount: "
             "ENGINE=30%,term:30d,most:N"},
    {"interrupt", 0, OPTION_LIST, AT(interruptions), .unit = "FROM-TO[:N][,...]",
     .help = "a scenario in which N replicas (all) of each spot offer are away: 2h-4h:1,9h-10h; "
             "again and again, each as likely as none"},
    {"spill", 0, OPTION_TEXT, AT(spill), .unit = "PLAN|FILE#PLAN",
     .help = "what finds no room goes to an API under this plan"},

    {"mixes", 0, OPTION_COUNT, AT(mixes), "3", "N", .min = 1, .max = FLEET_MIXES,
     .help = "slots of alike requests share a capacity: groups at most", .group = "Simulation"},
    {"seeds", 0, OPTION_COUNT, AT(seeds), "3", "N", .min = 2, .max = CAPACITY_SEEDS,
     .help = "simulations at each rate"},
    {"requests", 'n', OPTION_COUNT, AT(requests), "1500", "N", .min = 100, .max = 1e6,
     .help = "of one simulation of a rate, or more where answers are long"},

    {"output", 'o', OPTION_TEXT, AT(output), .unit = "DIR",
     .help = "write fleet.json and its plots (svg, png) there", .group = "Results"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace what an earlier plan wrote there"},
    {"gnuplot-script", 0, OPTION_FLAG, AT(gnuplot_script),
     .help = "keep the plot's script, which holds its data"},
    {0},
};

struct making {
    const struct fleet_command *o;
    struct fleet_terms terms;
    struct slo_list slos;
    struct plan_selection spill;
    struct workload horizon, held_out;
    struct fleet_options options;
    struct fleet_plan plan;
    struct progress progress;
};

static int read_each(const struct option_list *list,
                     int (*parse)(const char *, struct fleet_terms *, struct error *),
                     struct fleet_terms *terms, struct error *err)
{
    for (size_t i = 0; i < list->count; i++)
        if (parse(list->items[i], terms, err) < 0)
            return err->code;
    return 0;
}

static int read_terms(struct making *m, struct error *err)
{
    bool spot = false;
    if (m->o->offers.count == 0)
        return error_set(err, ERR_INPUT,
                         "expected replicas to choose from, such as --offer "
                         "h200-llama-3.3-70b-fp8-tp4=3.50/gpu-h,unit:1h,start:5m");
    if (read_each(&m->o->offers, fleet_offer_parse, &m->terms, err) < 0 ||
        read_each(&m->o->commitments, fleet_commitment_parse, &m->terms, err) < 0 ||
        read_each(&m->o->interruptions, fleet_interruption_parse, &m->terms, err) < 0)
        return err->code;
    for (size_t i = 0; i < m->terms.offer_count; i++)
        spot |= m->terms.offers[i].spot;
    if (m->terms.interruption_count > 0 && !spot)
        return error_set(err, ERR_INPUT, "--interrupt: no offer is spot, so that none is away");
    return 0;
}

static int read_spill(struct making *m, struct error *err)
{
    if (!m->o->spill)
        return 0;
    if (plan_select(m->o->spill, &m->spill, err) < 0)
        return err->code;
    if (m->spill.count != 1)
        return error_set(err, ERR_INPUT, "--spill %s: expected one plan, these are %zu",
                         m->o->spill, m->spill.count);
    return 0;
}

static int read_options(struct making *m, struct error *err)
{
    const struct fleet_command *o = m->o;
    if (command_arguments(&o->common, 0, NULL, err) < 0 ||
        workload_source_check(&o->source, err) < 0 ||
        slo_list_read(o->slos.items, o->slos.count, &m->slos, err) < 0)
        return err->code;
    if (m->slos.count == 0)
        return error_set(err, ERR_INPUT,
                         "expected objectives, such as --slo ttft=500 --slo tpot=50");
    if (o->output && file_exists(o->output) && !o->force)
        return error_set(err, ERR_INPUT, "%s exists: --force replaces it", o->output);
    if (read_terms(m, err) < 0)
        return err->code;
    return read_spill(m, err);
}

/* A scenario is drawn once more, to judge by. */
static int load_workloads(struct making *m, const struct terminal *t, struct error *err)
{
    const struct fleet_command *o = m->o;
    const struct generate_options all = {0};
    char stem[WORKLOAD_STEM_SIZE];
    if (workload_source_load(&o->source, t, &all, o->common.seed, &m->horizon, err) < 0)
        return err->code;
    if (!m->horizon.name) {
        workload_source_stem(&o->source, stem);
        m->horizon.name = mem_copy_string(stem);
    }
    if (!workload_source_generates(&o->source))
        return 0;
    m->options.held_out = &m->held_out;
    return workload_source_load(&o->source, t, &all, o->common.seed + 1, &m->held_out, err);
}

static void on_step(void *context, const char *what)
{
    progress_show(context, clock_now_ns(), -1, what);
}

static int make_plan(struct making *m, const struct terminal *t, struct error *err)
{
    struct fleet_options *to = &m->options;
    to->terms = &m->terms;
    to->slos = &m->slos;
    to->goodput = m->o->goodput;
    to->headroom = m->o->headroom;
    to->spill = m->spill.count ? m->spill.plans[0] : NULL;
    to->horizon = &m->horizon;
    to->slot_ns = m->o->slot_ns;
    to->mixes = m->o->mixes;
    to->seed = m->o->common.seed;
    to->seeds = (unsigned)m->o->seeds;
    to->requests = m->o->requests;
    to->on_step = on_step;
    to->context = &m->progress;
    progress_init(&m->progress, t, "plan");
    int status = fleet_plan_make(to, &m->plan, err);
    progress_end(&m->progress);
    return status;
}

static int write_files(const struct making *m, struct output *out, const struct terminal *t,
                       struct error *err)
{
    if (!m->o->output)
        return 0;
    if (file_make_directories(m->o->output, err) < 0)
        return err->code;
    int status = output_keep(out, m->o->output, "fleet.json", err);
    if (status < 0)
        return status;
    char *path = run_dir_file(m->o->output, "plots");
    status = fleet_plan_draw(&m->plan, path, m->o->gnuplot_script, err);
    free(path);
    if (status == 0)
        fprintf(t->human, "\nwritten to %s\n", m->o->output);
    return status;
}

static int show(const struct making *m, const struct terminal *t, struct error *err)
{
    struct output out;
    output_begin(&out);
    fleet_plan_write(&m->plan, &out.json);
    fleet_plan_write_text(&m->plan, t->width, &out.text);
    print_buffer(t->human, &out.text);
    int status = write_files(m, &out, t, err);
    output_end(&out, NULL, m->o->common.json ? t->machine : NULL);
    return status;
}

static void release(struct making *m)
{
    fleet_plan_free(&m->plan);
    workload_free(&m->horizon);
    workload_free(&m->held_out);
    plan_selection_free(&m->spill);
    fleet_terms_free(&m->terms);
    free(m);
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    struct making *m = mem_zero(1, sizeof *m);
    m->o = given;
    workload_init(&m->horizon);
    workload_init(&m->held_out);
    bool good = read_options(m, err) == 0 && load_workloads(m, t, err) == 0 &&
                make_plan(m, t, err) == 0 && show(m, t, err) == 0;
    release(m);
    return good ? 0 : err->code;
}

const struct command command_plan_fleet = {
    .name = "plan fleet",
    .summary = "which replicas run in which hour, of least cash within the objectives",
    .usage = "(--trace FILE | --scenario NAME | --mix ...) --slo METRIC=TIME ... "
             "--offer ENGINE=USD/h,... [--spill PLAN]",
    .about =
        "Finds the least cash over the workload's hours: replicas in whole billing units, cold\n"
        "starts included, commitments used or not, and what spills over to an API at its bill, so\n"
        "that in every hour enough requests meet the objectives. The plan is replayed in virtual\n"
        "time, and judged on held-out hours beside the last schedule and an autoscaler.\n"
        "docs/fleet.md tells what is exact and what is not.\n",
    .examples =
        "  farebox plan fleet --scenario mixed-service --slo ttft=2s --slo tpot=50ms \\\n"
        "      --offer h200-llama-3.3-70b-fp8-tp4=3.50/gpu-h,unit:1h,start:5m\n"
        "  farebox plan fleet --trace week.jsonl --slo ttft=1s --slo tpot=50ms --spill demo/token "
        "\\\n"
        "      --offer h200-llama-3.3-70b-fp8-tp4=14/h --commit "
        "h200-llama-3.3-70b-fp8-tp4=30%,term:30d \\\n"
        "      --offer h200-llama-3.3-70b-fp8-tp4=6/h,spot --interrupt 2h-4h -o results/fleet\n",
    .options = options,
    .options_size = sizeof(struct fleet_command),
    .run = run,
};
