/* farebox bench: drives a live endpoint with a workload and says what came of it. */
#include "bench/client/probe.h"
#include "cli/bench/bench_crew.h"
#include "cli/bench/bench_endpoints.h"
#include "cli/bench/bench_mocks.h"
#include "cli/bench/bench_options.h"
#include "cli/bench/bench_selftest.h"
#include "cli/bench/bench_series.h"
#include "cli/bench/bench_server.h"
#include "cli/bench/bench_show.h"
#include "cli/bench/bench_trouble.h"
#include "cli/bench/bench_wait.h"
#include "cli/bench/load_show.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/report/text/summary_table.h"
#include "cli/run_bill.h"
#include "cli/run_output.h"
#include "core/memory.h"
#include "core/runs/record/record_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A bench under way. */
struct bench_command {
    struct bench_turn *turn;
    const struct terminal *terminal; /* the turn's, and its options */
    const struct bench_options *o;
    struct bench_setup setup;
    struct workload workload;
    struct mock **mocks; /* for mock:PRESET */
    struct run_output output;
    struct bench_live live;
    struct bench_troubles troubles;
    struct budget budget;
    struct bench_endpoints each;
    struct bench_server server;
};

/* ---- preparation ---- */

static int add_images(struct bench_command *b, struct error *err)
{
    struct image_size size;
    uint32_t count;
    if (bench_read_images(b->o, &size, &count, err) < 0 || count == 0)
        return err->code;
    if (b->workload.image_start)
        return error_set(err, ERR_INPUT,
                         "the workload has images of its own: leave out --image-count and "
                         "--image-size");
    workload_set_images(&b->workload, size, count);
    return 0;
}

static int load_workload(struct bench_command *b, struct error *err)
{
    const struct bench_options *o = b->o;
    struct generate_options limits;
    load_limits(&o->load, &b->setup.rate, &o->source, b->setup.config.seed, &limits);
    if (workload_source_load(&o->source, b->terminal, &limits, o->common.seed, &b->workload, err) <
        0)
        return err->code;
    return add_images(b, err);
}

/* The options that go into run.json. `learnt`: prompt-scale too, though it was not given. */
static void choose_specs(const struct bench_command *b, bool learnt,
                         struct option_spec out[CHILD_OPTIONS])
{
    const struct option_spec *specs = b->turn->specs ? b->turn->specs : bench_option_specs;
    size_t count = 0;
    for (; specs->name && count + 1 < CHILD_OPTIONS; specs++) {
        out[count] = *specs;
        if (learnt && strcmp(specs->name, "prompt-scale") == 0)
            out[count].fallback = "";
        count++;
    }
    out[count] = (struct option_spec){0};
}

/* Begins the run's directory with these options in run.json, or with what was learnt writes that
 * file anew. */
static int put_output(struct bench_command *b, const struct bench_options *o, bool learnt,
                      struct error *err)
{
    struct option_spec specs[CHILD_OPTIONS];
    choose_specs(b, learnt, specs);
    struct buffer workload, stem;
    buffer_init(&workload, BUFFER_UNBOUNDED);
    buffer_init(&stem, 128);
    bench_describe_workload(&b->workload, &b->setup.config, &workload);
    buffer_add_format(&stem, "%.60s", b->workload.name ? b->workload.name : "bench");
    struct run_output_request request = {.command = "bench",
                                         .path = b->turn->path,
                                         .stem = stem.data ? stem.data : "bench",
                                         .mode = o->force ? RUN_FORCE : RUN_NEW,
                                         .detail = b->setup.detail,
                                         .specs = specs,
                                         .options = o,
                                         .workload = workload.data};
    int status = learnt ? run_output_describe(&b->output, &request, err)
                        : run_output_begin(&b->output, &request, err);
    buffer_free(&workload);
    buffer_free(&stem);
    return status;
}

/* ---- the run ---- */

static bool on_attempt(void *context, const struct record *r)
{
    struct bench_command *b = context;
    bench_live_note(&b->live, r);
    bench_troubles_note(&b->troubles, r);
    budget_note(&b->budget, r);
    bench_endpoints_note(&b->each, r);
    return run_output_attempt(&b->output, r);
}

static bool admit(void *context, uint32_t row)
{
    struct bench_command *b = context;
    return budget_admit(&b->budget, row);
}

static bool on_progress(void *context, const struct bench_progress *p)
{
    struct bench_command *b = context;
    bench_live_show(&b->live, p);
    return run_output_tick(&b->output);
}

static void before_start(void *context)
{
    struct bench_command *b = context;
    bench_server_start(&b->server, b->o, &b->setup, b->output.place.path, b->terminal);
}

static void on_start(void *context, int64_t start_ns)
{
    struct bench_command *b = context;
    bench_server_set_start(&b->server, start_ns);
}

/* ---- what was learnt before it ---- */

/* run.json gets what was learnt, as an option: --config gives the same prompts again. */
static void write_scales(struct bench_command *b, const struct fidelity_probe *probes, size_t count)
{
    struct bench_options o = *b->o;
    struct error failed = {0};
    struct buffer *texts = mem_zero(count, sizeof *texts);
    const char **items = mem_zero(count, sizeof *items);
    o.prompt_scales = (struct option_list){items, 0};
    for (size_t i = 0; i < count; i++) {
        struct prompt_scale scale;
        bool again = false;
        for (size_t k = 0; k < i; k++)
            again = again || strcmp(probes[k].model, probes[i].model) == 0;
        buffer_init(&texts[i], BUFFER_UNBOUNDED);
        if (!probes[i].measured || again)
            continue;
        prompt_scale_of(&probes[i], &scale);
        prompt_scale_write(&scale, &texts[i]);
        items[o.prompt_scales.count++] = texts[i].data;
    }
    if (o.prompt_scales.count && put_output(b, &o, true, &failed) < 0)
        warn(b->terminal, "%s", failed.message);
    for (size_t i = 0; i < count; i++)
        buffer_free(&texts[i]);
    free(texts);
    free(items);
}

/* The others get all that was read and learnt. */
static void brief_crew(struct bench_command *b, const struct fidelity_probe *probes)
{
    const struct bench_crew *crew = b->terminal->crew;
    struct buffer described;
    buffer_init(&described, BUFFER_UNBOUNDED);
    bench_describe_workload(&b->workload, &b->setup.config, &described);
    struct bench_crew_run run = {.terminal = b->terminal,
                                 .setup = &b->setup,
                                 .workload = &b->workload,
                                 .probes = probes,
                                 .directory = b->output.place.path,
                                 .described = described.data,
                                 .budget = &b->budget};
    crew->begin(crew->context, &run);
    buffer_free(&described);
}

static void on_learnt(void *context, const struct fidelity_probe *probes, size_t count)
{
    struct bench_command *b = context;
    bench_warn_of_probes(b->terminal, &b->setup, &b->workload, probes);
    b->troubles.probes = probes;
    write_scales(b, probes, count);
    for (size_t i = 0; i < count; i++)
        bench_learnt_add(b->turn->learnt, &probes[i]);
    if (!b->turn->later)
        bench_warn_of_context(b->terminal, &b->setup, &b->workload, probes);
    if (b->terminal->crew)
        brief_crew(b, probes);
}

/* ---- its end ---- */

/* What the run's end means for the exit status; the reason is printed by main. */
static int judge(const struct bench_command *b, const struct summary *s,
                 const struct bench_report *report, struct error *err)
{
    bool interrupted = report->end == BENCH_INTERRUPTED;
    struct error failed = {0};
    bench_troubles_judge(&b->troubles, &s->accounting, report->end == BENCH_UNREACHABLE, &failed);
    bench_troubles_warn(&b->troubles, b->terminal, failed.code && !interrupted);
    if (bench_crew_judge(&s->fidelity, b->output.place.path, err) < 0)
        return err->code;
    if (interrupted)
        return error_set(err, ERR_INTERRUPTED, "interrupted: what was measured so far is in %s",
                         b->output.place.path);
    if (report->end == BENCH_SATURATED && s->accounting.completed == 0)
        return error_set(err, ERR_WORK, "%s: no request completed (%s)",
                         endpoint_shown(&b->setup.endpoints[0]), report->stopped.reason);
    if (failed.code)
        return error_set(err, failed.code, "%s", failed.message);
    int status = 0;
    if (report->end == BENCH_BUDGET && !b->output.dir.failure.code)
        status = error_set(err, ERR_WORK, "stopped at --max-cost %s", b->o->max_cost);
    for (size_t i = 0; i < b->o->asserts.count; i++) {
        struct error missed = {0};
        int code = slo_assert(b->o->asserts.items[i], s, &missed);
        if (code < 0)
            warn(b->terminal, "%s", missed.message);
        if (code < 0 && status == 0) {
            status = error_set(err, code, "%s", missed.message);
            b->turn->missed = true;
        }
    }
    return status;
}

/* The fewest input tokens that a made prompt can have: the endpoint's template and a word. */
static uint32_t least_input(const struct bench_command *b, const struct bench_report *report)
{
    const struct fidelity_probe *p = &report->fidelity.probes[0];
    struct prompt_scale scale;
    prompt_scale_of(p, &scale);
    bool made = p->measured && !b->workload.messages_start;
    return made ? (uint32_t)fmin(prompt_scale_least(&scale), UINT32_MAX) : 0;
}

/* Into run.json, too, beside what was configured. */
static int note_stop(const struct bench_command *b, const struct bench_report *report,
                     struct error *err)
{
    struct buffer text;
    struct json_writer w;
    if (report->end != BENCH_SATURATED)
        return 0;
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 0);
    stop_outcome_write(&report->stopped, &w);
    int status = run_output_amend(&b->output, "stopped", &text, err);
    buffer_free(&text);
    return status;
}

static int finish(struct bench_command *b, struct bench_report *report, struct error *err)
{
    struct summary summary;
    struct output out;
    output_begin(&out);
    collector_add_not_due(b->output.collector, report->not_due);
    b->setup.summary.least_input = least_input(b, report);
    struct rate_run rated = {&b->setup.rate, &b->workload,
                             rate_is_generated(&b->setup.rate, &b->o->source), b->o->load.requests,
                             b->o->load.duration_ns};
    if (rate_is_steady(b->o->load.rate, b->o->load.arrival))
        b->setup.summary.steady_rate = rate_run_steady;
    b->setup.summary.rated = &rated;
    b->setup.summary.stopped = report->end == BENCH_SATURATED ? &report->stopped : NULL;
    int status = run_output_finish(&b->output, &b->setup.summary, &report->fidelity, &summary, err);
    if (status == 0) {
        bench_endpoints_write(&b->each, &b->setup.summary, &out.text);
        if (out.text.length)
            status = run_output_write(&b->output, "endpoints.json", &out.text, err);
        buffer_clear(&out.text);
        if (status == 0)
            status = note_stop(b, report, err);
        if (status == 0)
            status = run_output_take_place(&b->output, &summary, err);
        bench_warn(b->terminal, &b->setup, &b->workload, &summary);
        bench_show_result(b->o, &b->troubles, &b->workload, report, &summary, b->output.place.path,
                          b->terminal->width, &out.text);
        print_buffer(b->terminal->human, &out.text);
        summary_write(&summary, &out.json);
        if (b->o->common.json)
            print_buffer(b->terminal->machine, &out.document);
        if (status == 0 && summary.accounting.completed)
            status = run_bill_print(b->terminal, b->output.place.path, &b->o->plans, NULL, err);
        if (status == 0 && b->turn->load)
            status = load_run_take(b->turn->load, &summary, err);
    }
    if (status == 0) {
        status = judge(b, &summary, report, err);
    }
    summary_free(&summary);
    output_end(&out, NULL, NULL);
    return status;
}

static int carry_out(struct bench_command *b, struct error *err)
{
    struct run_observer observer = {b, on_attempt};
    struct bench_report report;
    bench_endpoints_init(&b->each, b->setup.endpoints, b->setup.config.endpoint_count);
    bench_live_init(&b->live, b->terminal, &b->budget);
    bench_troubles_init(&b->troubles, b->o, &b->setup);
    b->budget.start_unix_ns = clock_wall_ns();
    b->setup.config.admit = admit;
    b->setup.config.on_progress = on_progress;
    b->setup.config.on_learnt = on_learnt;
    b->setup.config.context = b;
    b->setup.config.before_start = before_start;
    b->setup.config.on_start = on_start;
    const struct bench_crew *crew = b->terminal->crew;
    b->setup.config.company = crew ? crew->company : NULL;
    int status = bench_run(&b->setup.config, &b->workload, &observer, &report, err);
    bool ran = status == 0;
    if (crew)
        status = crew->end(crew->context, ran ? &report : NULL, err);
    bench_live_end(&b->live);
    bench_server_stop(&b->server, b->terminal);
    if (status == 0) {
        b->turn->over_budget = report.end == BENCH_BUDGET && !b->output.dir.failure.code;
        b->turn->limited = report.fidelity.client_limited;
        b->turn->spent = (b->budget.plans.count ? b->budget.spent[0] : 0) + b->budget.probe;
        if (b->budget.overflowed)
            warn(b->terminal, "the spend does not fit (1.7e14 USD at most): it is shown too low");
        status = finish(b, &report, err);
    }
    if (ran)
        bench_report_free(&report);
    if (crew)
        crew->close(crew->context);
    bench_endpoints_free(&b->each);
    return status;
}

/* Input tokens of the requests that an endpoint gets before the run, words taken at two each. */
static size_t list_asks(const struct bench_command *b, uint64_t out[4])
{
    const struct bench_config *c = &b->setup.config;
    size_t count = 0;
    if (b->o->wait_ready_ns > 0 && !b->turn->later)
        out[count++] = 2 * READY_WORDS;
    if (!c->no_probe && c->api->generates)
        out[count++] = 2 * PROBE_TRIAL_WORDS;
    if (!c->no_probe && c->scale_count == 0) {
        out[count++] = 2 * LEARN_FEW_WORDS;
        out[count++] = 2 * LEARN_MANY_WORDS;
    }
    return count;
}

static int make_budget(struct bench_command *b, struct error *err)
{
    const struct bench_config *c = &b->setup.config;
    const char *limit = b->o->max_cost;
    struct plan_selection plans = {0};
    if (run_bill_select(&b->o->plans, &plans, err) < 0)
        return err->code;
    struct budget_asked *asked = mem_zero(c->endpoint_count, sizeof *asked);
    for (size_t i = 0; i < c->endpoint_count; i++)
        asked[i] = (struct budget_asked){c->endpoints[i].model, c->endpoints[i].share};
    b->setup.config.probe_sparingly = limit != NULL;
    budget_init(&b->budget, plans, asked, c->endpoint_count, &b->workload);
    free(asked);
    uint64_t asks[4];
    size_t count = list_asks(b, asks);
    if (limit && (budget_limit(&b->budget, limit, err) < 0 ||
                  (count && budget_reserve(&b->budget, asks, count, limit, err))))
        return err->code;
    return 0;
}

static void warn_of_lines(const struct terminal *t, struct buffer *lines) /* frees them */
{
    for (char *line = lines->data ? strtok(lines->data, "\n") : NULL; line;
         line = strtok(NULL, "\n"))
        warn(t, "%s", line);
    buffer_free(lines);
}

/* What holds for all runs of a series. */
static void warn_before(struct bench_command *b)
{
    const struct bench_options *o = b->o;
    struct buffer lines;
    bench_warn_of_requests(b->terminal, o, &b->setup, &b->workload);
    if (!o->load.requests)
        rate_load_warn(&b->setup.rate, &o->source, &b->workload, o->load.duration_ns, b->terminal);
    buffer_init(&lines, BUFFER_UNBOUNDED);
    budget_add_blind(&b->budget, o->max_cost, &lines);
    warn_of_lines(b->terminal, &lines);
}

static int prepare(struct bench_command *b, struct error *err)
{
    const struct bench_options *o = b->o;
    if (bench_setup_make(o, &b->setup, err) < 0 ||
        run_output_parse_detail(o->record, &b->setup.detail, err) < 0)
        return err->code;
    if (b->turn->learnt && b->turn->learnt->count) {
        b->setup.config.scales = b->turn->learnt->scales;
        b->setup.config.scale_count = b->turn->learnt->count;
    }
    b->setup.config.keep_text = b->setup.detail & RECORD_TEXT;
    b->setup.config.keep_raw = b->setup.detail & RECORD_RAW;
    if (b->turn->path && run_dir_check(b->turn->path, o->force ? RUN_FORCE : RUN_NEW, err) < 0)
        return err->code;
    b->setup.config.seed += b->turn->number;
    if (b->terminal->crew && !b->turn->dry)
        b->setup.config.shards = b->terminal->crew->ranks;
    if (b->turn->endpoint != SIZE_MAX) {
        b->setup.endpoints[0] = b->setup.endpoints[b->turn->endpoint];
        b->setup.config.endpoint_count = 1;
    }
    if (load_workload(b, err) < 0)
        return err->code;
    if (o->shard && !o->prompt_salt && b->workload.hash_start)
        return error_set(err, ERR_INPUT,
                         "the parts of a run share the text of equal prefix blocks: give each "
                         "--shard the same --prompt-salt");
    if (o->thread_replies && !threads_exist(&b->workload))
        return error_set(err, ERR_INPUT,
                         "--thread-replies: no two requests of the workload are of one session");
    int status = make_budget(b, err);
    b->turn->over_budget = status == ERR_WORK;
    if (status == 0 && !b->turn->later)
        warn_before(b);
    return status;
}

static void release(struct bench_command *b)
{
    bench_mocks_free(b->mocks, b->setup.config.endpoint_count);
    if (b->budget.workload)
        budget_free(&b->budget);
    workload_free(&b->workload);
    bench_setup_free(&b->setup);
}

/* When the first request is due: the earliest row of a trace; else the first arrival of the load.
 */
static int first_due(const struct bench_command *b, int64_t *out_ns, struct error *err)
{
    const struct bench_config *c = &b->setup.config;
    struct schedule_config config = bench_schedule(c, 0, 1);
    int64_t last_ns = 0;
    *out_ns = 0;
    if (config.mode == SCHEDULE_CLOSED)
        return 0;
    if (config.mode == SCHEDULE_TRACE) {
        if (workload_time_range(&b->workload, out_ns, &last_ns))
            *out_ns = (int64_t)((double)*out_ns / config.speed);
        return 0;
    }
    struct schedule *s = schedule_create(&config, &b->workload, err);
    if (!s)
        return err->code;
    *out_ns = schedule_next_ns(s, 0);
    schedule_free(s);
    return 0;
}

/* A run that waits must not look like one that hangs. */
static int say_first_due(const struct bench_command *b, struct error *err)
{
    char span[CELL_SIZE];
    int64_t first_ns;
    if (first_due(b, &first_ns, err) < 0)
        return err->code;
    if (first_ns < 2 * NS_PER_S || first_ns == TIME_NEVER)
        return 0;
    format_span((double)first_ns / 1e9, span);
    say(b->terminal, "the first request is due %s after the start", span);
    return 0;
}

static size_t choose_endpoint(const void *config, const struct workload *w, const struct due *due)
{
    return bench_choose_endpoint(config, w, due);
}

static int add_dry(struct bench_command *b, struct error *err)
{
    const struct bench_options *o = b->o;
    struct buffer load;
    buffer_init(&load, BUFFER_UNBOUNDED);
    bench_show_load(o, &b->setup, &load);
    struct dry_run_input in = {.label = b->turn->label,
                               .endpoint = b->turn->endpoint,
                               .load = b->setup.summary.load,
                               .load_text = load.data,
                               .steady_rate_from_s = rate_is_steady(o->load.rate, o->load.arrival)
                                                         ? rate_ramp_s(&b->workload, NAN)
                                                         : NAN,
                               .probes = !b->setup.config.no_probe,
                               .schedule = bench_schedule(&b->setup.config, 0, 1),
                               .workload = &b->workload,
                               .budget = &b->budget,
                               .choose = choose_endpoint,
                               .context = &b->setup.config};
    int status = dry_run_add(b->turn->dry, &in, err);
    buffer_free(&load);
    return status;
}

/* Of a series only the first run waits. */
static int wait_ready(struct bench_command *b, struct error *err)
{
    if (b->o->wait_ready_ns <= 0 || b->turn->later)
        return 0;
    return bench_wait_ready(b->terminal, &b->setup.config, &b->workload, b->o->wait_ready_ns, err);
}

static int run_once(struct bench_turn *turn, struct error *err)
{
    struct bench_command command = {.turn = turn, .terminal = turn->terminal, .o = turn->o},
                         *b = &command;
    workload_init(&b->workload);
    int status = prepare(b, err);
    if (status == 0 && turn->dry) {
        status = add_dry(b, err);
    } else if (status == 0) {
        b->mocks = bench_mocks_start(b->o, &b->setup, b->terminal->crew, &status, err);
        if (status == 0)
            status = bench_check(&b->setup.config, &b->workload, err);
        if (status == 0)
            status = wait_ready(b, err);
        if (status == 0)
            status = say_first_due(b, err);
        if (status == 0 && (status = put_output(b, b->o, false, err)) == 0) {
            status = carry_out(b, err);
            run_output_warn(&b->output, b->terminal);
            run_output_free(&b->output);
        }
    }
    release(b);
    return status;
}

/* The page of an A/B: both sides laid over each other, with the answer in words. */
static int write_page(const struct terminal *t, const struct bench_options *o, struct error *err)
{
    const char *words[] = {"report", o->output, "--no-tables"};
    fputc('\n', t->human);
    return command_invoke(t, words, sizeof words / sizeof words[0], err);
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    struct bench_options own = *(const struct bench_options *)parsed, *o = &own;
    struct buffer lines;
    if (t->crew && o->shard)
        return error_set(err, ERR_INPUT, "--shard: each rank takes its own part already");
    if (o->selftest)
        return bench_selftest(t, o->common.json, err);
    buffer_init(&lines, BUFFER_UNBOUNDED);
    bench_take_api(o, &lines);
    struct credential_sources sources = bench_credential_sources(o);
    credentials_add_open(&sources, &lines);
    bench_server_add_open(o, &lines);
    warn_of_lines(t, &lines);
    if (command_arguments(&o->common, 0, "no argument", err) < 0 || bench_options_check(o, err) < 0)
        return err->code;
    int status = bench_series_run(t, o, run_once, err);
    return status == 0 && o->compare ? write_page(t, o, err) : status;
}

const struct command command_bench = {
    .name = "bench",
    .summary = "drive a live endpoint with a workload and measure it",
    .usage = "--url URL (--trace FILE | --scenario NAME | --mix ...) [-o DIR]",
    .about =
        "Sends the workload's requests at their times (or at --rate, or --concurrency at a time),\n"
        "measures every token of every stream, and writes a run directory. docs/bench.md tells\n"
        "how it measures and what not to conclude.\n",
    .examples = "  farebox bench --url mock:constant --scenario chat --rate 20 --requests 500\n"
                "  farebox bench --url http://127.0.0.1:8000/v1 --trace conv.csv --speed 10 \\\n"
                "      --slo ttft=500 --slo tpot=50 --assert ttft_p99=1000 -o results/conv\n",
    .options = bench_option_specs,
    .options_size = sizeof(struct bench_options),
    .run = run,
};
