/* farebox sim: a workload against an engine model, in virtual time. */
#include "cli/bench/load_show.h"
#include "cli/command.h"
#include "cli/commands/sim_sweep.h"
#include "cli/engine_options.h"
#include "cli/load_options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/report/text/preset_text.h"
#include "cli/report/text/summary_table.h"
#include "cli/run_bill.h"
#include "cli/run_output.h"
#include "cli/workload_source.h"
#include "core/clock.h"
#include "core/wrap.h"
#include "sim/engine/policy.h"
#include "sim/simulate.h"

#include <inttypes.h>
#include <string.h>

/* As in the table: a run.json that is fed back holds the defaults too. */
#define DEFAULT_TTFT_MS 20
#define DEFAULT_ITL_MS 2

#define AT(field) offsetof(struct sim_options, field)
const struct option_spec sim_option_specs[] = {
    WORKLOAD_SOURCE_OPTIONS(struct sim_options, source),
    LOAD_OPTION_SPECS(struct sim_options, load),
    {"sweep", 0, OPTION_TEXT, AT(sweep), .unit = "KEY=VALUES",
     .help = "a run for each rate or concurrency: rate=1,2,4, rate=1..64:lin:8 or :log:7, "
             "concurrency=..., rate=adaptive; needs -o DIR"},

    {"engine", 'e', OPTION_TEXT, AT(engine.preset), .unit = "PRESET",
     .help = "engine preset, by name (farebox engine list) or as a file; without one, the constant "
             "times below",
     .group = "Engine"},
    {"replicas", 0, OPTION_COUNT, AT(engine.replicas), .unit = "N", .min = 1, .max = 100000,
     .help = "instead of the preset's"},
    {"router", 0, OPTION_TEXT, AT(engine.router), .unit = "NAME", .choice = engine_router_name,
     .help = "which replica a request goes to, instead of the preset's: "},
    {"scheduling", 0, OPTION_TEXT, AT(engine.scheduling), .unit = "NAME", .choice = policy_name,
     .help = "who is served next, instead of the preset's: "},
    {"autoscale", 0, OPTION_TEXT, AT(engine.autoscale), .unit = "JSON",
     .help = "replicas that start and drain: {\"metric\": \"concurrency\", \"target\": 20, "
             "\"max_replicas\": 8, \"cold_start_s\": 120}; docs/engine.md has the keys"},
    {"prefill-replicas", 0, OPTION_COUNT, AT(engine.prefill_replicas), .unit = "N", .max = 99999,
     .help = "replicas, of all of them, that compute prompts only; the others decode"},
    {"kv-transfer-bandwidth", 0, OPTION_NUMBER, AT(engine.kv_bandwidth), .unit = "GB/S", .max = 1e6,
     .help = "at which KV caches leave a prefill replica: 50 for a link of 400 Gb/s"},
    {"kv-transfer-latency-ms", 0, OPTION_NUMBER, AT(engine.kv_latency_ms), .unit = "MS", .max = 1e6,
     .help = "of a transfer, beside its bytes"},
    {"speculative-config", 0, OPTION_TEXT, AT(engine.speculative), .unit = "JSON",
     .help = "speculative decoding, as vLLM takes it: {\"num_speculative_tokens\": 3, "
             "\"synthetic_acceptance_length\": 2.4}; docs/engine.md has the keys"},
    {"max-num-seqs", 0, OPTION_COUNT, AT(engine.max_num_seqs), .unit = "N", .min = 1, .max = 1e6,
     .help = "requests that run at once in a replica, instead of the preset's"},
    {"ttft-ms", 0, OPTION_NUMBER, AT(engine.ttft_ms), "20", "MS", .max = 1e7,
     .help = "time to the first token of every answer"},
    {"itl-ms", 0, OPTION_NUMBER, AT(engine.itl_ms), "2", "MS", .max = 1e7,
     .help = "time from each token to the next"},

    {"output", 'o', OPTION_TEXT, AT(output), .unit = "DIR",
     .help = "the run's directory; results/NAME-TIME unless given", .group = "Results"},
    {"force", 'f', OPTION_FLAG, AT(force),
     .help = "replace an earlier run there, once a request of the new one completed"},
    {"resume", 0, OPTION_FLAG, AT(resume), .help = "go on with an interrupted sweep there"},
    {"record", 0, OPTION_TEXT, AT(record), .unit = "chunks",
     .help = "keep every chunk's time in requests.jsonl"},
    {"plans", 'p', OPTION_LIST, AT(plans), .unit = "PLAN|FILE[,...]",
     .help = "bill the run at once under these plans"},
    TOKENS_AS_OPTION(struct sim_options, tokens_as),
    {"slo", 0, OPTION_LIST, AT(slos), .unit = "METRIC=TIME",
     .help = "objective on each request, for goodput: ttft=500ms, tpot=50ms, e2e=10s"},
    {"goodput", 0, OPTION_NUMBER, AT(goodput), "0.99", "SHARE", .min = 0.01, .max = 1,
     .help = "share of the requests within the objectives that a sweep's knee must have"},
    {"assert", 0, OPTION_LIST, AT(asserts), .unit = "METRIC_STAT=X",
     .help = "objective on the run: ttft_p99=500, goodput_fraction=0.95; missed = exit status 1"},
    {"warmup", 0, OPTION_TEXT, AT(warmup), "none", "none|auto|TIME",
     .help = "what is left out of the measured window at the start; auto = MSER-5"},
    {"no-intervals", 0, OPTION_FLAG, AT(no_intervals),
     .help = "leave the confidence intervals out of the summary: quicker"},
    {0},
};

/* ---- from options to a simulation ---- */

static int choose_engine(const struct sim_options *o, struct engine_config *engine,
                         struct error *err)
{
    bool times_given = o->engine.ttft_ms != DEFAULT_TTFT_MS || o->engine.itl_ms != DEFAULT_ITL_MS;
    return engine_options_read(&o->engine, times_given, engine, err);
}

int sim_choose_load(const struct sim_options *o, struct simulate_options *s, struct rate_load *rate,
                    struct error *err)
{
    struct load_use use = {&o->source, .sweep = o->sweep};
    s->seed = o->common.seed;
    return load_options_read(&o->load, &use, rate, &s->schedule, err);
}

int sim_load_workload(const struct terminal *t, const struct sim_options *o,
                      const struct rate_load *rate, struct workload *w, struct error *err)
{
    struct generate_options limits;
    load_limits(&o->load, rate, &o->source, o->common.seed, &limits);
    if (rate->slots.count && profile_end_ns(&rate->slots) == TIME_NEVER)
        limits.duration_s = (double)o->load.duration_ns / 1e9; /* it is taken once */
    return workload_source_load(&o->source, t, &limits, o->common.seed, w, err);
}

static const char *load_name(const struct sim_options *o)
{
    return o->load.rate ? "open" : o->load.concurrency ? "closed" : "trace";
}

int sim_choose_summary(const struct sim_options *o, const struct rate_run *rated,
                       struct summary_options *out, struct error *err)
{
    *out = (struct summary_options){
        .command = "sim", .load = load_name(o), .no_intervals = o->no_intervals, .rated = rated};
    if (rate_is_steady(o->load.rate, o->load.arrival))
        out->steady_rate = rate_run_steady;
    if (slo_list_read(o->slos.items, o->slos.count, &out->slos, err) < 0)
        return err->code;
    return run_output_parse_warmup(o->warmup, out, err);
}

/* ---- the run ---- */

static void on_progress(void *context, const struct simulate_progress *p)
{
    struct progress *progress = context;
    int64_t now_ns = clock_now_ns();
    char text[160], done[TEXT_GROUPED_SIZE], planned[TEXT_GROUPED_SIZE], span[CELL_SIZE];
    if (!progress_due(progress, now_ns))
        return;
    uint64_t ended = p->completed + p->failed + p->unsent;
    text_group_u64(ended, done);
    text_group_u64(p->planned, planned);
    format_span((double)p->virtual_ns / 1e9, span);
    snprintf(text, sizeof text, "%s%s%s  in flight %" PRIu64 "  %s simulated", done,
             p->planned ? "/" : " done", p->planned ? planned : "", p->in_flight, span);
    double fraction = p->planned ? (double)ended / (double)p->planned : -1;
    progress_show(progress, now_ns, fraction, text);
}

/* The preset as it was used: feeding it back gives the same engine. */
static int write_engine(const struct run_output *out, const struct engine_config *engine,
                        struct error *err)
{
    struct buffer text;
    struct json_writer w;
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 2);
    engine_config_write(engine, &w);
    buffer_add_byte(&text, '\n');
    int status = run_output_write(out, "engine.json", &text, err);
    buffer_free(&text);
    return status;
}

/* What the engine was like, where a live run has its client's audit. */
static struct fidelity fidelity_of(const struct engine_state *e)
{
    double transfers = e->kv_transfers ? (double)e->kv_transfers : 1;
    return (struct fidelity){
        .kind = FIDELITY_MODEL,
        .known = true,
        .engine = {.replicas = e->replicas,
                   .steps = e->steps,
                   .preemptions = e->preemptions,
                   .prompt_tokens = e->prompt_tokens,
                   .cached_tokens = e->cached_tokens,
                   .kv_blocks = e->kv_blocks_total,
                   .drafts = e->drafts,
                   .draft_tokens = e->draft_tokens,
                   .accepted_tokens = e->accepted_tokens,
                   .kv_transfers = e->kv_transfers,
                   .kv_transfer_tokens = e->kv_transfer_tokens,
                   .kv_transfer_ms = (double)e->kv_transfer_ns / 1e6 / transfers,
                   .replicas_most = e->replicas_most,
                   .starts = e->starts,
                   .stops = e->stops,
                   .replica_hours = (double)e->replica_ns / 3.6e12,
                   .cold_s = (double)e->cold_ns / 1e9}};
}

/* "4 replicas", or "1 to 8 replicas" where they come and go. */
static void say_replicas(const struct engine_config *engine, uint32_t replicas, char *out,
                         size_t size)
{
    const struct autoscale_config *a = &engine->autoscale;
    if (a->metric != AUTOSCALE_NONE)
        snprintf(out, size, "%u to %u replicas", a->min_replicas, a->max_replicas);
    else
        snprintf(out, size, "%u replica%s", replicas, replicas == 1 ? "" : "s");
}

/* What the preset says of its own error. */
static void put_doubt(const struct engine_config *engine, int width, struct buffer *out)
{
    struct buffer words;
    if (!preset_has_doubt(engine))
        return;
    buffer_init(&words, BUFFER_UNBOUNDED);
    buffer_add_format(&words, "%s:", engine->name);
    preset_add_error(engine, &words);
    buffer_add_byte(&words, '\n');
    wrap_text((struct text){words.data, words.length}, (size_t)width, 2, out);
    buffer_free(&words);
}

static void show(const struct terminal *t, const struct sim_options *o, const char *stem,
                 const struct engine_config *engine, const struct simulate_report *report,
                 const struct summary *summary, const char *path)
{
    struct output out;
    char title[256], total[TEXT_GROUPED_SIZE], replicas[48];
    output_begin(&out);
    text_group_u64(report->planned, total);
    say_replicas(engine, report->engine.replicas, replicas, sizeof replicas);
    snprintf(title, sizeof title, "%s · %s requests → simulated %s, %s", stem, total, engine->name,
             replicas);
    summary_write(summary, &out.json);
    summary_table(summary, title, t->width, &out.text);
    if (report->recorded_cache > 0 || preset_has_doubt(engine))
        buffer_add_byte(&out.text, '\n');
    if (report->recorded_cache > 0)
        buffer_add_format(&out.text,
                          "The usage of %s requests, and so the bill, has the cache hits of the "
                          "recording;\nthe model's own cache decides the times only.\n",
                          text_group_u64(report->recorded_cache, total));
    put_doubt(engine, t->width, &out.text);
    buffer_add_format(&out.text, "\nwritten to %s\n", path);
    output_end(&out, t->human, o->common.json ? t->machine : NULL);
}

static int check_asserts(const struct sim_options *o, const struct summary *s, struct error *err)
{
    for (size_t i = 0; i < o->asserts.count; i++)
        if (slo_assert(o->asserts.items[i], s, err) < 0)
            return err->code;
    return 0;
}

static int end_status(const struct simulate_report *report, struct error *err)
{
    if (report->end == SIMULATE_INTERRUPTED)
        return error_set(err, ERR_INTERRUPTED, "interrupted; what was simulated so far is written");
    return 0;
}

static int simulate(const struct terminal *t, const struct sim_options *o,
                    const struct simulate_options *given, const struct summary_options *so,
                    const struct workload *w, struct run_output *out, struct error *err)
{
    struct progress progress;
    struct simulate_report report;
    struct summary summary;
    char stem[WORKLOAD_STEM_SIZE];
    struct run_observer observer = {out, run_output_attempt};
    progress_init(&progress, t, "sim");
    struct simulate_options s = *given;
    s.on_progress = o->sent ? NULL : on_progress;
    s.context = &progress;
    int status = simulate_run(w, &s, &observer, &report, err);
    progress_end(&progress);
    if (status < 0)
        return status;
    collector_add_not_due(out->collector, report.not_due);
    struct fidelity fidelity = fidelity_of(&report.engine);
    status = run_output_finish(out, so, &fidelity, &summary, err);
    if (status == 0)
        status = write_engine(out, &s.engine, err);
    if (status == 0)
        status = run_output_take_place(out, &summary, err);
    if (status == 0) {
        workload_source_stem(&o->source, stem);
        show(t, o, stem, &s.engine, &report, &summary, out->place.path);
        /* A sweep's points are billed by who reads the plans. */
        status = o->point ? load_run_take(o->point, &summary, err)
                          : run_bill_print(t, out->place.path, &o->plans, &o->tokens_as, err);
    }
    if (status == 0)
        status = end_status(&report, err);
    if (status == 0)
        status = check_asserts(o, &summary, err);
    summary_free(&summary);
    return status;
}

static int run_workload(const struct terminal *t, const struct sim_options *o,
                        const struct simulate_options *s, const struct rate_run *rated,
                        struct error *err)
{
    const struct workload *w = rated->workload;
    struct run_output out;
    struct summary_options so;
    struct buffer description;
    char stem[WORKLOAD_STEM_SIZE];
    unsigned detail;
    if (simulate_check(w, s, err) < 0 || sim_choose_summary(o, rated, &so, err) < 0 ||
        run_output_parse_detail(o->record, &detail, err) < 0)
        return err->code;
    buffer_init(&description, BUFFER_UNBOUNDED);
    workload_source_stem(&o->source, stem);
    workload_source_describe(&o->source, w, &description);
    struct run_output_request request = {.command = "sim",
                                         .path = o->output,
                                         .stem = stem,
                                         .mode = o->force ? RUN_FORCE : RUN_NEW,
                                         .detail = detail,
                                         .reproducible = true,
                                         .specs = o->written ? o->written : sim_option_specs,
                                         .options = o,
                                         .workload = description.data};
    int status = run_output_begin(&out, &request, err);
    if (status == 0) {
        status = simulate(t, o, s, &so, w, &out, err);
        run_output_warn(&out, t);
        run_output_free(&out);
    }
    buffer_free(&description);
    return status;
}

int sim_run_once(const struct terminal *t, const struct sim_options *o,
                 const struct engine_config *engine, const struct workload *shared,
                 struct error *err)
{
    struct simulate_options s;
    struct rate_load rate;
    struct workload own;
    simulate_options_init(&s);
    s.engine = *engine;
    if (sim_choose_load(o, &s, &rate, err) < 0)
        return err->code;
    workload_init(&own);
    struct rate_run rated = {&rate, shared ? shared : &own, rate_is_generated(&rate, &o->source),
                             o->load.requests, o->load.duration_ns};
    int status = shared ? 0 : sim_load_workload(t, o, &rate, &own, err);
    if (status == 0 && !o->load.requests)
        rate_load_warn(&rate, &o->source, rated.workload, o->load.duration_ns, t);
    if (status == 0)
        status = run_workload(t, o, &s, &rated, err);
    workload_free(&own);
    rate_load_free(&rate);
    return status;
}

/* What can be said before the workload is read. */
static int check(const struct sim_options *o, struct engine_config *engine, struct error *err)
{
    struct simulate_options unused;
    struct rate_load rate;
    simulate_options_init(&unused);
    if (command_arguments(&o->common, 0, NULL, err) < 0 || choose_engine(o, engine, err) < 0 ||
        sim_choose_load(o, &unused, &rate, err) < 0)
        return err->code;
    rate_load_free(&rate);
    struct engine_config checked = *engine;
    if (engine_config_check(&checked, err) < 0 ||
        (o->output && !o->sweep &&
         run_dir_check(o->output, o->force ? RUN_FORCE : RUN_NEW, err) < 0))
        return err->code;
    return 0;
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct sim_options *o = given;
    struct engine_config engine;
    if (check(o, &engine, err) < 0)
        return err->code;
    return o->sweep ? sim_sweep(t, o, &engine, err) : sim_run_once(t, o, &engine, NULL, err);
}

const struct command command_sim = {
    .name = "sim",
    .summary = "run a workload against an engine model in virtual time",
    .usage = "(--trace FILE | --scenario NAME | --mix ...) --engine PRESET [--plans FILE] [-o DIR]",
    .about =
        "Predicts what a serving replica would do with the workload: step batching, KV memory,\n"
        "prefix cache, queueing. Writes the same run directory as bench, so that bill, report and\n"
        "diff take either. The same seed gives the same run, byte for byte. docs/engine.md says\n"
        "what the model is made of and what it cannot tell.",
    .examples =
        "  farebox sim --trace conv.csv --engine rtx4090-llama-3.1-8b-tp1 -o results/conv\n"
        "  farebox sim --scenario chat --engine h100-llama-2-70b-tp4 --replicas 4 --rate 12\n"
        "  farebox sim --trace t.jsonl --engine mine.json --slo ttft=500 --assert "
        "goodput_fraction=0.95\n",
    .options = sim_option_specs,
    .options_size = sizeof(struct sim_options),
    .run = run,
    .tasks = &sim_sweep_points,
};
