/* farebox plan capacity: what one replica sustains, how many are needed, and what that costs. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/report/plot/load_plots.h"
#include "cli/report/text/load_text.h"
#include "cli/run_bill.h"
#include "cli/workload_source.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "sim/plan/gpu_price.h"

#include <stdlib.h>
#include <string.h>

struct capacity_command {
    struct common_options common;
    struct workload_source source;
    const char *engine, *growth, *gpu_hour, *output, *arrival;
    struct option_list slos, plans, tokens_as;
    uint64_t max_num_seqs, seeds, requests, months;
    double goodput, demand_rps, headroom, burstiness;
    bool force, gnuplot_script;
};

#define AT(field) offsetof(struct capacity_command, field)
static const struct option_spec options[] = {
    WORKLOAD_SOURCE_OPTIONS(struct capacity_command, source),
    {"engine", 'e', OPTION_TEXT, AT(engine), .unit = "PRESET[,...]",
     .help = "engine preset, by name (farebox engine list) or as a file, also a calibrated one; "
             "several are compared",
     .group = "Engine"},
    {"max-num-seqs", 0, OPTION_COUNT, AT(max_num_seqs), .unit = "N", .min = 1, .max = 1e6,
     .help = "requests that run at once in a replica, instead of the preset's"},

    {"slo", 0, OPTION_LIST, AT(slos), .unit = "METRIC=TIME",
     .help = "objective on each request: ttft=500ms, tpot=50ms, e2e=10s", .group = "Objectives"},
    {"goodput", 0, OPTION_NUMBER, AT(goodput), "0.99", "SHARE", .min = 0.01, .max = 0.99999,
     .help = "share of the requests that must meet all objectives"},
    {"seeds", 0, OPTION_COUNT, AT(seeds), "5", "N", .min = 2, .max = CAPACITY_SEEDS,
     .help = "simulations at each rate, for the interval"},
    {"requests", 'n', OPTION_COUNT, AT(requests), "3000", "N", .min = 100, .max = 1e6,
     .help = "of one simulation, or more where answers are long"},
    {"arrival", 0, OPTION_TEXT, AT(arrival), "poisson", "poisson|constant|gamma",
     .help = "how requests arrive: poisson, constant or gamma"},
    {"burstiness", 0, OPTION_NUMBER, AT(burstiness), "1", "SHAPE", .min = 0.001, .max = 1e6,
     .help = "shape of gamma arrivals: below 1 bursty, above 1 regular"},

    {"demand", 0, OPTION_NUMBER, AT(demand_rps), .unit = "RPS", .max = 1e9,
     .help = "requests per second to be served; else the workload's own rate", .group = "Demand"},
    {"growth", 0, OPTION_TEXT, AT(growth), .unit = "PERCENT/month",
     .help = "growth of the demand, compounded: 10%/month"},
    {"months", 0, OPTION_COUNT, AT(months), "0", "N", .max = CAPACITY_MONTHS - 1,
     .help = "so far ahead; 12 with --growth unless given"},
    {"headroom", 0, OPTION_NUMBER, AT(headroom), "0.2", "SHARE", .max = 0.95,
     .help = "part of each replica's capacity that stays free"},

    {"gpu-hour", 0, OPTION_TEXT, AT(gpu_hour), .unit = "USD|NAME=USD[,...]",
     .help = "price of one GPU for an hour, of all or by what an engine's name begins with: "
             "h200=3.50,b200=6",
     .group = "Cost"},
    {"plans", 'p', OPTION_LIST, AT(plans), .unit = "PLAN|FILE[,...]",
     .help = "bill the same demand under these plans, and say when self-hosting overtakes them"},
    TOKENS_AS_OPTION(struct capacity_command, tokens_as),

    {"output", 'o', OPTION_TEXT, AT(output), .unit = "DIR",
     .help = "write capacity.json and plots/capacity.svg, .png there", .group = "Results"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace what an earlier plan wrote there"},
    {"gnuplot-script", 0, OPTION_FLAG, AT(gnuplot_script),
     .help = "keep the plot's script, which holds its data"},
    {0},
};

/* A plan in the making, or one for each of several engines. */
struct making {
    const struct capacity_command *o;
    struct engine_config engines[CAPACITY_ENGINES];
    size_t engine_count;
    struct slo_list slos;
    struct workload *workloads;
    const struct workload **list;
    size_t count;
    struct capacity_plan plans[CAPACITY_ENGINES];
    struct capacity_comparison comparison; /* of several */
    struct plan_selection selection;
    struct token_scales scales;
    struct workload month; /* the demand, as the bill takes it */
    struct bill bill;
    bool has_bill;
    struct progress progress;
    char stem[WORKLOAD_STEM_SIZE];
};

static int read_growth(const struct capacity_command *o, double *percent, struct error *err)
{
    *percent = 0;
    if (!o->growth)
        return 0;
    size_t length = strcspn(o->growth, "%/");
    const char *rest = o->growth + length;
    if (text_to_double((struct text){o->growth, length}, percent) && *percent > -100 &&
        *percent <= 1000 &&
        (!*rest || strcmp(rest, "%") == 0 || strcmp(rest, "%/month") == 0 ||
         strcmp(rest, "/month") == 0))
        return 0;
    return error_set(err, ERR_INPUT, "--growth %.40s: expected percent a month, such as 10%%/month",
                     o->growth);
}

static int read_engine(struct making *m, struct text name, struct error *err)
{
    struct engine_config *e = &m->engines[m->engine_count];
    char path[4096];
    if (m->engine_count == CAPACITY_ENGINES || name.length >= sizeof path)
        return error_set(err, ERR_INPUT, "--engine: expected at most %d presets", CAPACITY_ENGINES);
    memcpy(path, name.at, name.length);
    path[name.length] = 0;
    if (engine_config_load(path, e, err) < 0)
        return err->code;
    if (m->o->max_num_seqs)
        e->max_num_seqs = (uint32_t)m->o->max_num_seqs;
    for (size_t i = 0; i < m->engine_count; i++)
        if (strcmp(m->engines[i].name, e->name) == 0)
            return error_set(err, ERR_INPUT, "--engine names %s twice: each has one row", e->name);
    m->engine_count++;
    return engine_config_check(e, err);
}

static int read_engines(struct making *m, struct error *err)
{
    const char *at = m->o->engine;
    if (!at)
        return error_set(err, ERR_INPUT, "expected --engine PRESET (farebox engine list)");
    if (file_exists(at)) /* a comma may be in its name */
        return read_engine(m, text_of(at), err);
    for (;;) {
        size_t length = strcspn(at, ",");
        if (read_engine(m, text_trim((struct text){at, length}), err) < 0)
            return err->code;
        if (!at[length])
            return 0;
        at += length + 1;
    }
}

static int read_prices(struct making *m, struct error *err)
{
    struct gpu_prices prices;
    const char *names[CAPACITY_ENGINES];
    if (!m->o->gpu_hour)
        return 0;
    if (gpu_prices_read(m->o->gpu_hour, &prices, err) < 0)
        return err->code;
    for (size_t i = 0; i < m->engine_count; i++) {
        struct capacity_plan *p = &m->plans[i];
        names[i] = m->engines[i].name;
        p->has_price = gpu_prices_find(&prices, names[i], &p->gpu_hour);
        if (!p->has_price)
            return error_set(err, ERR_INPUT,
                             "--gpu-hour has no price for %s: add its GPU, such as %.*s=2.50",
                             names[i], (int)strcspn(names[i], "-"), names[i]);
    }
    return gpu_prices_all_used(&prices, names, m->engine_count, err);
}

static int begin_plans(struct making *m, struct error *err)
{
    for (size_t i = 0; i < m->engine_count; i++) {
        struct capacity_plan *p = &m->plans[i];
        p->engine = &m->engines[i];
        p->slos = &m->slos;
        p->goodput = m->o->goodput;
        p->headroom = m->o->headroom;
        p->gpus = p->engine->tensor_parallel ? p->engine->tensor_parallel : 1;
        p->gpus *= engine_config_unit(p->engine);
        p->stem = m->stem;
        if (read_growth(m->o, &p->growth_percent, err) < 0)
            return err->code;
    }
    return 0;
}

static int read_options(struct making *m, struct error *err)
{
    const struct capacity_command *o = m->o;
    if (command_arguments(&o->common, 0, NULL, err) < 0 || read_engines(m, err) < 0 ||
        slo_list_read(o->slos.items, o->slos.count, &m->slos, err) < 0)
        return err->code;
    if (m->slos.count == 0)
        return error_set(err, ERR_INPUT,
                         "expected objectives, such as --slo ttft=500 --slo tpot=50");
    if (read_prices(m, err) < 0)
        return err->code;
    if (o->output && file_exists(o->output) && !o->force)
        return error_set(err, ERR_INPUT, "%s exists: --force replaces it", o->output);
    if (run_bill_select(&o->plans, &m->selection, err) < 0 ||
        run_bill_read_scales(&o->tokens_as, &m->scales, err) < 0)
        return err->code;
    return begin_plans(m, err);
}

/* A scenario gives each seed a workload of its own; a trace is what it is. */
static int load_workloads(struct making *m, const struct terminal *t, struct error *err)
{
    const struct capacity_command *o = m->o;
    struct generate_options limits = {.requests = o->requests};
    size_t wanted = workload_source_generates(&o->source) ? o->seeds : 1;
    m->workloads = mem_zero(wanted, sizeof *m->workloads);
    m->list = mem_zero(wanted, sizeof *m->list);
    for (size_t i = 0; i < wanted; i++) {
        workload_init(&m->workloads[m->count]);
        m->list[i] = &m->workloads[m->count++];
        if (workload_source_load(&o->source, t, &limits, o->common.seed + i, &m->workloads[i],
                                 err) < 0)
            return err->code;
    }
    workload_source_stem(&o->source, m->stem);
    return 0;
}

static void on_probe(void *context, unsigned done, double rate_rps)
{
    struct progress *progress = context;
    char text[120];
    int64_t now_ns = clock_now_ns();
    if (!progress_due(progress, now_ns))
        return;
    snprintf(text, sizeof text, "simulation %u  %s requests/s", done + 1, TEXT_SHORT(rate_rps, 4));
    progress_show(progress, now_ns, -1, text);
}

static int find_capacity(struct making *m, size_t i, const struct capacity_options *common,
                         struct error *err)
{
    struct capacity_options c = *common;
    struct capacity_plan *p = &m->plans[i];
    struct capacity_cost *cost = &m->comparison.costs[i];
    c.engine = p->engine;
    if (capacity_find(&c, &p->capacity, err) < 0)
        return err->code;
    if (m->engine_count == 1 || !capacity_plan_serves(p))
        return 0;
    return capacity_find_objective(&c, &p->capacity, cost->objective_lifts, &cost->objective, err);
}

static int find_capacities(struct making *m, const struct terminal *t, struct error *err)
{
    int arrivals = arrival_process_from_name(m->o->arrival), status = 0;
    if (arrivals < 0)
        return error_set(err, ERR_INPUT, "--arrival %s: expected poisson, constant or gamma",
                         m->o->arrival);
    struct capacity_options c = {.workloads = m->list,
                                 .workload_count = m->count,
                                 .slos = &m->slos,
                                 .goodput = m->o->goodput,
                                 .seed = m->o->common.seed,
                                 .seeds = (unsigned)m->o->seeds,
                                 .requests = m->o->requests,
                                 .arrivals = (enum arrival_process)arrivals,
                                 .burstiness = m->o->burstiness,
                                 .on_probe = on_probe,
                                 .context = &m->progress};
    struct capacity_workloads shared = {m->list, m->count};
    c.trials = tasks_create(t->farm, &capacity_trials, &shared);
    progress_init(&m->progress, t, "plan");
    for (size_t i = 0; i < m->engine_count && status == 0; i++)
        status = find_capacity(m, i, &c, err);
    progress_end(&m->progress);
    tasks_free(c.trials);
    return status;
}

static int plan_months(struct making *m, struct error *err)
{
    const struct capacity_command *o = m->o;
    size_t ahead = o->months ? (size_t)o->months : o->growth ? 12 : 0;
    bool is_own = !(o->demand_rps > 0);
    double demand_rps = is_own ? capacity_own_rate(m->list[0]) : o->demand_rps;
    for (size_t i = 0; i < m->engine_count; i++) {
        m->plans[i].demand_is_own = is_own;
        if (capacity_plan_months(&m->plans[i], demand_rps, ahead, err) < 0)
            return err->code;
    }
    return 0;
}

/* One bill for all, as they serve the same demand. */
static int make_bill(struct making *m, struct error *err)
{
    struct bill_options how = {.period = PERIOD_MONTH, .workers = 1, .scales = &m->scales};
    for (size_t i = 0; i < m->engine_count && m->selection.count > 0; i++) {
        if (m->plans[i].month_count == 0)
            continue;
        if (!m->has_bill &&
            (capacity_spread(m->list[0], m->plans[i].months[0].demand_rps, &m->month, err) < 0 ||
             bill_make(&m->bill, &m->month, m->selection.plans, m->selection.count, &how, err) < 0))
            return err->code;
        m->has_bill = true;
        m->plans[i].bill = &m->bill;
    }
    return 0;
}

static void compare(struct making *m)
{
    uint64_t input, output;
    const struct workload *w = m->list[0];
    workload_sum_tokens(w, w->count, &input, &output);
    m->comparison.plans = m->plans;
    m->comparison.count = m->engine_count;
    m->comparison.input_tokens = (double)input / (double)w->count;
    m->comparison.output_tokens = (double)output / (double)w->count;
    capacity_compare(&m->comparison);
}

static bool any_serves(const struct making *m)
{
    for (size_t i = 0; i < m->engine_count; i++)
        if (capacity_plan_serves(&m->plans[i]))
            return true;
    return false;
}

static bool any_attains(const struct making *m)
{
    for (size_t i = 0; i < m->engine_count; i++)
        if (m->plans[i].capacity.attainable)
            return true;
    return false;
}

static int draw(const struct making *m, const char *path, struct error *err)
{
    return m->engine_count > 1
               ? capacity_comparison_draw(&m->comparison, path, m->o->gnuplot_script, err)
               : capacity_plan_draw(&m->plans[0], path, m->o->gnuplot_script, err);
}

static int write_files(const struct making *m, struct output *out, const struct terminal *t,
                       struct error *err)
{
    if (!m->o->output)
        return 0;
    if (file_make_directories(m->o->output, err) < 0)
        return err->code;
    int status = output_keep(out, m->o->output, "capacity.json", err);
    if (status < 0 || !any_serves(m))
        return status;
    char *path = run_dir_file(m->o->output, "plots");
    status = draw(m, path, err);
    free(path);
    if (status == 0)
        fprintf(t->human, "\nwritten to %s\n", m->o->output);
    return status;
}

static int show(const struct making *m, const struct terminal *t, struct error *err)
{
    struct output out;
    output_begin(&out);
    if (m->engine_count > 1) {
        capacity_comparison_write(&m->comparison, &out.json);
        capacity_comparison_write_text(&m->comparison, &out.text);
    } else {
        capacity_plan_write(&m->plans[0], &out.json);
        capacity_plan_write_text(&m->plans[0], t->width, &out.text);
    }
    print_buffer(t->human, &out.text);
    int status = write_files(m, &out, t, err);
    output_end(&out, NULL, m->o->common.json ? t->machine : NULL);
    if (status == 0 && !any_attains(m))
        return error_set(err, ERR_WORK, "no rate meets the objectives");
    return status;
}

static void release(struct making *m)
{
    for (size_t i = 0; i < m->count; i++)
        workload_free(&m->workloads[i]);
    free(m->workloads);
    free(m->list);
    if (m->has_bill)
        bill_free(&m->bill);
    workload_free(&m->month);
    plan_selection_free(&m->selection);
    token_scales_free(&m->scales);
    free(m);
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    struct making *m = mem_zero(1, sizeof *m);
    m->o = given;
    workload_init(&m->month);
    bool good = read_options(m, err) == 0;
    run_bill_say_taken(t, &m->selection);
    good = good && load_workloads(m, t, err) == 0 && find_capacities(m, t, err) == 0 &&
           plan_months(m, err) == 0 && make_bill(m, err) == 0;
    if (good && m->engine_count > 1)
        compare(m);
    good = good && show(m, t, err) == 0;
    release(m);
    return good ? 0 : err->code;
}

const struct command command_plan_capacity = {
    .name = "plan capacity",
    .summary = "what one replica sustains within the objectives, and how many are needed",
    .usage = "(--trace FILE | --scenario NAME | --mix ...) --engine PRESET --slo METRIC=TIME ... "
             "[--demand RPS]",
    .about =
        "Searches by simulation for the highest rate at which the share of requests that meet all\n"
        "objectives holds and no queue grows, says what limits there, and how many replicas a "
        "demand needs, now and\n"
        "with growth. With --gpu-hour and --plans also what that costs beside paying by use.\n"
        "Several engines (--engine A,B,C) are compared for the same demand, the cheapest first: "
        "GPUs\nand layouts per dollar.\n"
        "docs/capacity.md tells how the rate is found and what not to conclude.\n",
    .examples =
        "  farebox plan capacity --scenario chat --engine rtx4090-llama-3.1-8b-tp1 \\\n"
        "      --slo ttft=500 --slo tpot=50 --demand 20\n"
        "  farebox plan capacity --trace conv.csv --engine h100-llama-2-70b-tp4 \\\n"
        "      --slo ttft=1000 --demand 40 --growth 10%/month --gpu-hour 2.50 --plans demo\n"
        "  farebox plan capacity --scenario chat --slo ttft=1000 --slo tpot=50 --demand 40 \\\n"
        "      --engine h200-llama-3.3-70b-fp8-tp4,b200-llama-3.3-70b-fp8-tp2 \\\n"
        "      --gpu-hour h200=3.50,b200=6\n",
    .options = options,
    .options_size = sizeof(struct capacity_command),
    .run = run,
    .tasks = &capacity_trials,
};
