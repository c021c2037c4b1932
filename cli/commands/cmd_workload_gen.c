/* farebox workload gen SCENARIO -o FILE: a synthetic workload from a description. */
#include "cli/command.h"
#include "cli/load_options.h"
#include "cli/output.h"
#include "cli/report/text/summary_table.h"
#include "cli/workload_files.h"
#include "core/embedded.h"
#include "core/file_output.h"
#include "core/stop.h"
#include "workloads/load/request_rate.h"
#include "workloads/scenario/generate.h"
#include "workloads/scenario/mix.h"
#include "workloads/trace/trace.h"
#include "workloads/trace/trace_sink.h"

#include <math.h>
#include <string.h>

#define AT(field) offsetof(struct gen_options, field)
#define ROWS_AT_ONCE 16384

struct gen_options {
    struct common_options common;
    const char *output, *shard, *mix;
    struct load_options load;
    bool force, list;
};

static const struct option_spec options[] = {
    {"output", 'o', OPTION_OUTPUT, AT(output), NULL, "FILE",
     .help = "where to write canonical JSON Lines; .gz compresses, - is standard output"},
    {"mix", 0, OPTION_TEXT, AT(mix), NULL, "NAME:SHARE,...",
     .help = "instead of SCENARIO: several at once, by their shares of the requests: "
             "chat:0.7,agent:0.3"},
    {"requests", 'n', OPTION_COUNT, AT(load.requests), NULL, "N", .min = 1, .max = 4294967293.0,
     .help = "end after so many requests (the last session is cut); else as the scenario says"},
    {"duration", 'd', OPTION_DURATION, AT(load.duration_ns), NULL, "TIME", .max = 3e8,
     .help = "sessions begin within this time; else as the scenario says"},
    {"rate", 'r', OPTION_TEXT, AT(load.rate), NULL, "RPS|STAGES",
     .help = "requests per second, a session's later turns among them, instead of the scenario's "
             "own times; or stages such as 10:30s,10-50:60s"},
    ARRIVAL_OPTIONS(struct gen_options, load),
    {"shard", 0, OPTION_TEXT, AT(shard), NULL, "I/N",
     .help = "part I of N: disjoint parts that together are the whole, sessions kept together"},
    {"force", 'f', OPTION_FLAG, AT(force), NULL, NULL, .help = "replace an existing file"},
    {"list", 0, OPTION_FLAG, AT(list), NULL, NULL, .help = "list the bundled scenarios"},
    {0},
};

static int check(const struct gen_options *o, struct generate_options *g, struct rate_load *rate,
                 struct error *err)
{
    const char *what = "a scenario: a bundled name (--list) or a file; or --mix";
    if (o->mix && o->common.argument_count > 0)
        return error_set(err, ERR_INPUT, "\"%.60s\" beside --mix: expected one of the two",
                         o->common.arguments[0]);
    if (!o->mix && command_arguments(&o->common, 1, what, err) < 0)
        return ERR_INPUT;
    if (workload_output_given(o->output, err) < 0)
        return ERR_INPUT;
    *g = (struct generate_options){.requests = o->load.requests,
                                   .duration_s = (double)o->load.duration_ns / 1e9};
    if (options_parse_shard(o->shard, &g->shard, &g->shards, err) < 0 ||
        rate_load_read(&o->load, &(struct load_use){0}, rate, err) < 0)
        return ERR_INPUT;
    rate_load_apply(rate, o->common.seed, g);
    return 0;
}

/* Sums over what was written, piece by piece. */
struct totals {
    uint64_t requests, input_tokens, output_tokens;
    int64_t last_ns;
    double per_session; /* requests, on average; 0 = no rate was given */
    double steady_s;    /* without the answers' time: from when on the rate is reached */
};

static void add_totals(const struct workload *w, struct totals *t)
{
    int64_t first, last;
    uint64_t input, output;
    workload_sum_tokens(w, w->count, &input, &output);
    t->requests += w->count;
    t->input_tokens += input;
    t->output_tokens += output;
    if (workload_time_range(w, &first, &last) && last > t->last_ns)
        t->last_ns = last;
}

/* When the first request of the whole is due, which every shard knows: a file begins with it, as
 * every file that is read does. */
static int first_due(const struct scenario *scenario, uint64_t seed,
                     const struct generate_options *extent, int64_t *out_ns, struct error *err)
{
    struct generate_options first = *extent;
    struct workload w;
    int64_t last_ns = 0;
    *out_ns = 0;
    first.requests = 1;
    first.shard = first.shards = 0;
    workload_init(&w);
    int status = workload_generate(scenario, seed, &first, &w, err);
    if (status == 0)
        workload_time_range(&w, out_ns, &last_ns);
    workload_free(&w);
    return status;
}

/* Generates and writes in pieces, so that the length of the trace is no matter of memory. */
static int write_all(const struct gen_options *o, struct generator *g, struct trace_sink *sink,
                     int64_t first_ns, struct totals *totals, struct error *err)
{
    struct buffer lines;
    int more = 1;
    buffer_init(&lines, BUFFER_UNBOUNDED);
    while (more > 0) {
        struct workload w;
        workload_init(&w);
        more = generator_fill(g, ROWS_AT_ONCE, &w, err);
        workload_shift(&w, -first_ns);
        if (more >= 0 && totals->requests == 0) {
            trace_put_header(&w, TRACE_CANONICAL, &lines);
            if (rate_is_steady(o->load.rate, o->load.arrival))
                totals->steady_s = rate_ramp_s(&w, NAN); /* its sessions are like all others */
        }
        for (size_t i = 0; more >= 0 && i < w.count; i++)
            trace_put_row(&w, i, TRACE_CANONICAL, &lines);
        add_totals(&w, totals);
        workload_free(&w);
        if (more >= 0 && trace_sink_put(sink, &lines, err) < 0)
            more = err->code;
        if (more > 0 && stop_level() > 0)
            more = error_set(err, ERR_INTERRUPTED, "interrupted; %s was not written", o->output);
    }
    buffer_free(&lines);
    return more;
}

/* What a rate means where sessions have several requests. */
static void tell_rate(const struct terminal *t, const struct totals *totals)
{
    char span[CELL_SIZE];
    format_span(totals->steady_s, span);
    if (totals->per_session > 0 && totals->steady_s > 0)
        say(t,
            "the rate counts the later turns: a session has %s requests on average, and requests "
            "come at %.0f %% of the rate from %s on, plus the time that the answers take",
            TEXT_SHORT(totals->per_session, 4), 100 * RATE_REACHED, span);
}

static void tell(const struct terminal *t, const struct gen_options *o, const char *scenario,
                 const struct totals *totals)
{
    if (!o->common.json) {
        say(t, "%llu requests over %.1f s (%llu tokens in, %llu out) written to %s",
            (unsigned long long)totals->requests, (double)totals->last_ns / 1e9,
            (unsigned long long)totals->input_tokens, (unsigned long long)totals->output_tokens,
            file_output_name(o->output));
        tell_rate(t, totals);
        return;
    }
    struct output out;
    struct json_writer *w = &out.json;
    output_begin(&out);
    json_begin_object(w);
    json_pair_string(w, "scenario", scenario);
    json_pair_u64(w, "seed", o->common.seed);
    json_pair_string(w, "output", o->output);
    json_pair_u64(w, "requests", totals->requests);
    json_pair_statistic(w, "duration_s", (double)totals->last_ns / 1e9);
    json_pair_u64(w, "input_tokens", totals->input_tokens);
    json_pair_u64(w, "output_tokens", totals->output_tokens);
    if (totals->per_session > 0) {
        json_pair_statistic(w, "requests_per_session", totals->per_session);
        json_pair_statistic(w, "steady_rate_from_s", totals->steady_s);
    }
    json_end_object(w);
    output_end(&out, NULL, t->machine);
}

/* The comment's first sentence, or all of it. */
static size_t first_sentence(const char *comment)
{
    const char *end = strstr(comment, ". ");
    return end ? (size_t)(end - comment) + 1 : strlen(comment);
}

static void put_scenario(struct json_writer *w, const char *name, const char *comment)
{
    json_begin_object(w);
    json_pair_string(w, "name", name);
    json_pair_string(w, "about", comment);
    json_end_object(w);
}

static int list_scenarios(const struct terminal *t, bool json, struct error *err)
{
    struct output out;
    int status = 0;
    output_begin(&out);
    json_begin_array(&out.json);
    for (const struct embedded_file *f = NULL; (f = embedded_next("scenarios", f));) {
        struct scenario s;
        if ((status = scenario_load(f->stem, &s, err)) < 0)
            break;
        const char *comment = s.comment ? s.comment : "";
        put_scenario(&out.json, f->stem, comment);
        buffer_add_format(&out.text, "%-18s %.*s\n", f->stem, (int)first_sentence(comment),
                          comment);
        scenario_free(&s);
    }
    json_end_array(&out.json);
    output_end(&out, status == 0 && !json ? t->human : NULL,
               status == 0 && json ? t->machine : NULL);
    return status;
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct gen_options *o = given;
    struct generate_options extent;
    struct rate_load rate;
    struct scenario scenario;
    struct generator *g = NULL;
    struct trace_sink sink;
    struct totals totals = {.steady_s = NAN};
    if (o->list)
        return list_scenarios(t, o->common.json, err);
    if (check(o, &extent, &rate, err) < 0)
        return err->code;
    int64_t first_ns = 0;
    int status = o->mix ? scenario_load_mix(o->mix, &scenario, err)
                        : scenario_load(o->common.arguments[0], &scenario, err);
    if (status < 0) {
        rate_load_free(&rate);
        return status;
    }
    status = first_due(&scenario, o->common.seed, &extent, &first_ns, err);
    if (status == 0)
        status = generator_create(&scenario, o->common.seed, &extent, &g, err);
    if (status == 0)
        status = trace_sink_open(&sink, o->output, err);
    if (status == 0) {
        totals.per_session = generator_requests_per_session(g);
        status = write_all(o, g, &sink, first_ns, &totals, err);
        status = trace_sink_close(&sink, status, err);
    }
    if (status == 0)
        tell(t, o, scenario.name, &totals);
    generator_free(g);
    scenario_free(&scenario);
    rate_load_free(&rate);
    return status;
}

const struct command command_workload_gen = {
    .name = "workload gen",
    .summary = "generate a synthetic workload from a scenario, seeded and reproducible",
    .usage = "(SCENARIO | --mix ...) -o FILE",
    .about = "Generates a workload from a scenario: a bundled one by name (--list shows them) or a "
             "JSON file.\nThe same seed gives the same bytes. docs/scenarios.md has every key.",
    .examples = "  farebox workload gen chat -o chat.jsonl\n"
                "  farebox workload gen agent --requests 10k --seed 7 -o agent.jsonl.gz\n"
                "  farebox workload gen agent --rate 5 --duration 10m -o agent-5.jsonl\n"
                "  farebox workload gen --mix chat:0.7,support.json:0.3 -n 10k -o mixed.jsonl\n"
                "  farebox workload gen mixed-service --duration 7d --shard 1/4 -o part1.jsonl\n",
    .options = options,
    .options_size = sizeof(struct gen_options),
    .run = run,
};
