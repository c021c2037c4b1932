/* farebox decide: hosted by the token, flat by the request, or replicas of one's own. */
#include "cli/command.h"
#include "cli/commands/decide_output.h"
#include "cli/commands/decide_story.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/report/plot/decide_plots.h"
#include "cli/report/text/decide_text.h"
#include "cli/run_bill.h"
#include "cli/workload_source.h"
#include "core/file.h"

#include <stdlib.h>
#include <string.h>

struct decide_command {
    struct common_options common;
    struct workload_source source;
    struct option_list candidates, slos, tokens_as, plans;
    const char *output, *start, *tiers;
    uint64_t volume, requests, draws, seeds, probes;
    int64_t max_wait_ns;
    double goodput, headroom, peak;
    bool force, story;
};

#define AT(field) offsetof(struct decide_command, field)
static const struct option_spec options[] = {
    WORKLOAD_SOURCE_OPTIONS(struct decide_command, source),
    {"requests", 'n', OPTION_COUNT, AT(requests), "2000", "N", .min = 10, .max = 1e6,
     .help = "of a scenario: the size of the sample"},
    {"candidates", 'c', OPTION_LIST, AT(candidates), .unit = "NAME[,...]",
     .help =
         "PLAN (its money only), RUN+PLAN (a run of bench or sim, paid by a plan), ENGINE+PRICE "
         "(a preset, and USD for an hour of one GPU); again and again",
     .group = "What is compared"},
    {"slo", 0, OPTION_LIST, AT(slos), .unit = "METRIC=MS",
     .help = "objective on each request: ttft=500, tpot=50, e2e=10000"},
    {"goodput", 0, OPTION_NUMBER, AT(goodput), "0.99", "SHARE", .min = 0.01, .max = 0.99999,
     .help = "share of the requests that must meet all objectives"},
    TOKENS_AS_OPTION(struct decide_command, tokens_as),

    {"volume", 0, OPTION_COUNT, AT(volume), .unit = "N", .min = 1, .max = 1e10,
     .help = "requests a month; the workload's own rate unless given", .group = "The month"},
    {"peak", 0, OPTION_NUMBER, AT(peak), .unit = "TIMES", .min = 1, .max = 1e6,
     .help =
         "the busiest hour over the mean, for one's own replicas; else by the sample's hours of "
         "the week"},
    {"start", 0, OPTION_TEXT, AT(start), .unit = "INSTANT",
     .help = "wall clock of the workload's first instant, such as 2026-11-01T00:00:00Z"},
    {"max-wait", 0, OPTION_DURATION, AT(max_wait_ns), "0", .unit = "TIME", .max = 3e8, .zero = true,
     .help = "how long a request may wait for a plan that queues"},
    {"headroom", 0, OPTION_NUMBER, AT(headroom), "0.2", "SHARE", .max = 0.95,
     .help = "part of each replica's capacity that stays free"},

    {"draws", 0, OPTION_COUNT, AT(draws), "200", "N", .min = 40, .max = 100000,
     .help = "months that are drawn anew, to tell how sure the answer is", .group = "How sure"},
    {"seeds", 0, OPTION_COUNT, AT(seeds), "3", "N", .min = 2, .max = CAPACITY_SEEDS,
     .help = "simulations of an engine at each rate"},
    {"probe-requests", 0, OPTION_COUNT, AT(probes), "1500", "N", .min = 100, .max = 1e6,
     .help = "of one of them"},

    {"story", 0, OPTION_FLAG, AT(story),
     .help =
         "by the token or flat: how prices vary, where flat loses, what caches, smaller models, "
         "tools side by side and retries do, from how many requests flat pays; of all bundled "
         "scenarios, or the workloads named",
     .group = "The story"},
    {"plans", 'p', OPTION_LIST, AT(plans), .unit = "PLAN|FILE[,...]",
     .help = "of the story: one by the token and a flat one at least; the book story unless given"},
    {"tiers", 0, OPTION_TEXT, AT(tiers), "qwen3-32b,llama-3.3-70b,deepseek-r1", "MODEL,MODEL,MODEL",
     .help = "of the story: three models from the smallest; requests that name none are the "
             "last one's"},

    {"output", 'o', OPTION_TEXT, AT(output), .unit = "DIR",
     .help = "write the page (index.html), its plots and decide.json (story.json) there",
     .group = "Results"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace what an earlier decision wrote there"},
    {0},
};

struct deciding {
    const struct decide_command *o;
    struct workload_source source;
    struct slo_list slos;
    struct candidate_list candidates;
    struct token_scales scales;
    struct workload workload;
    struct decide decide;
    struct progress progress;
};

/* The workload as an argument: a file, a run, else a scenario. */
static int read_source(struct deciding *d, struct error *err)
{
    const struct decide_command *o = d->o;
    d->source = o->source;
    if (o->common.argument_count > 1)
        return error_set(err, ERR_INPUT, "expected one workload, found %zu",
                         o->common.argument_count);
    if (o->common.argument_count == 1) {
        const char *name = o->common.arguments[0];
        if (o->source.trace || workload_source_generates(&o->source))
            return error_set(err, ERR_INPUT,
                             "expected one workload, found %s beside --trace, --scenario or --mix",
                             name);
        if (strcmp(name, "-") == 0 || file_exists(name))
            d->source.trace = name;
        else
            d->source.scenario = name;
    }
    return workload_source_check(&d->source, err);
}

static int read_candidates(struct deciding *d, struct error *err)
{
    const struct decide_command *o = d->o;
    if (slo_list_read(o->slos.items, o->slos.count, &d->slos, err) < 0)
        return err->code;
    if (d->slos.count == 0)
        return error_set(err, ERR_INPUT,
                         "expected objectives, such as --slo ttft=500 --slo tpot=50");
    if (o->candidates.count == 0)
        return error_set(err, ERR_INPUT,
                         "expected --candidates, such as results/mine+demo/token,"
                         "h200-qwen3-32b-tp1+3.50");
    for (size_t i = 0; i < o->candidates.count; i++)
        if (candidate_list_add(&d->candidates, o->candidates.items[i], &d->slos, err) < 0)
            return err->code;
    return run_bill_read_scales(&o->tokens_as, &d->scales, err);
}

static int load(struct deciding *d, const struct terminal *t, struct error *err)
{
    const struct generate_options limits = {.requests = d->o->requests};
    int64_t first, last;
    int status = workload_source_load(&d->source, t, &limits, d->o->common.seed, &d->workload, err);
    if (status == 0 && workload_source_generates(&d->source) &&
        workload_time_range(&d->workload, &first, &last))
        workload_shift(&d->workload, -first);
    return status == 0 ? workload_check_single(&d->workload, "decide", err) : status;
}

static int decide(struct deciding *d, const struct terminal *t, struct error *err)
{
    const struct decide_command *o = d->o;
    struct decide_options how = {.workload = &d->workload,
                                 .candidates = &d->candidates,
                                 .slos = &d->slos,
                                 .goodput = o->goodput,
                                 .volume = o->volume,
                                 .draws = o->draws,
                                 .seed = o->common.seed,
                                 .headroom = o->headroom,
                                 .peak = o->peak,
                                 .max_wait_ns = o->max_wait_ns,
                                 .workers = run_bill_workers(),
                                 .capacity_seeds = (unsigned)o->seeds,
                                 .capacity_requests = o->probes,
                                 .scales = &d->scales,
                                 .on_progress = progress_tell,
                                 .context = &d->progress};
    how.has_start = o->start != NULL;
    if (o->start && options_parse_instant("--start", o->start, &how.start_unix_ns, err) < 0)
        return ERR_INPUT;
    progress_init(&d->progress, t, "decide");
    int status = decide_make(&d->decide, &how, err);
    progress_end(&d->progress);
    return status;
}

static int show(const struct deciding *d, const struct terminal *t, struct error *err)
{
    const struct decide_command *o = d->o;
    struct output out;
    output_begin(&out);
    decide_write_text(&d->decide, t->width, &out.text);
    decide_write_json(&d->decide, decide_put_sentences, &out.json);
    int status = 0;
    if (o->output)
        status = decide_output_write(&out, o->output, HTML_DECIDE, "farebox decide",
                                     decide_plots_draw, t, err);
    output_end(&out, status == 0 ? t->human : NULL,
               status == 0 && o->common.json ? t->machine : NULL);
    return status;
}

static void free_all(struct deciding *d)
{
    decide_free(&d->decide);
    candidate_list_free(&d->candidates);
    token_scales_free(&d->scales);
    workload_free(&d->workload);
}

static int check_output(const struct decide_command *o, struct error *err)
{
    return o->output && file_exists(o->output) && !o->force
               ? error_set(err, ERR_INPUT, "%s exists: --force replaces it", o->output)
               : 0;
}

/* Of what was given beside --story, what has no part in it. */
static int check_story(const struct decide_command *o, struct error *err)
{
    static const char *const others[] = {
        "trace", "scenario", "mix",      "candidates", "slo",   "goodput", "tokens-as",
        "peak",  "start",    "max-wait", "headroom",   "draws", "seeds",   "probe-requests"};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (options_given(o, others[i]))
            return error_set(err, ERR_INPUT,
                             "--%s has no part in a --story: name workloads (files, runs, "
                             "scenarios), --plans, --tiers, --volume, --requests, --transform",
                             others[i]);
    return check_output(o, err);
}

static int tell_story(const struct terminal *t, const struct decide_command *o, struct error *err)
{
    const struct decide_story story = {
        .arguments = o->common.arguments,
        .argument_count = o->common.argument_count,
        .plans = &o->plans,
        .transforms = &o->source.transforms,
        .reading = &o->source.reading,
        .tiers = o->tiers,
        .output = o->output,
        .volume = o->volume,
        .requests = options_given(o, "requests") ? o->requests : 0,
        .seed = o->common.seed,
        .json = o->common.json,
    };
    int status = check_story(o, err);
    return status == 0 ? decide_story_tell(&story, t, err) : status;
}

/* What belongs to the story alone. */
static int check_decision(const struct decide_command *o, struct error *err)
{
    static const char *const others[] = {"plans", "tiers"};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (options_given(o, others[i]))
            return error_set(err, ERR_INPUT,
                             "--%s is the --story's; a decision is between --candidates, which "
                             "plans are too",
                             others[i]);
    return check_output(o, err);
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    struct deciding d = {.o = parsed};
    if (d.o->story)
        return tell_story(t, d.o, err);
    workload_init(&d.workload);
    int status = read_source(&d, err);
    if (status == 0)
        status = check_decision(d.o, err);
    if (status == 0)
        status = read_candidates(&d, err);
    if (status == 0)
        status = load(&d, t, err);
    if (status == 0)
        status = decide(&d, t, err);
    if (status == 0)
        status = show(&d, t, err);
    free_all(&d);
    return status;
}

const struct command command_decide = {
    .name = "decide",
    .summary = "hosted, flat or own: dollars per good request, and how sure that is",
    .usage = "(WORKLOAD --candidates NAME,... --slo METRIC=MS | --story [WORKLOAD ...])",
    .about =
        "Compares what may serve a workload by the dollars for each request that meets the\n"
        "objectives: a month's cash over its good requests. WORKLOAD is a trace, a run or a "
        "bundled\n"
        "scenario. The answer comes with the probability of being right: months are drawn anew of\n"
        "the sample's sessions, users and days, with the error that an engine's preset states and\n"
        "all else that is in doubt, the same for all; below 90 % it is too close to call.\n"
        "A plan alone is listed with its money: whether it meets the objectives nobody measured.\n"
        "--story asks no candidates: it tells in a table, three plots and five sentences what "
        "being\n"
        "paid by the token, with a cache's discount or flat makes of workloads; each sentence "
        "comes\n"
        "with the command that shows it.",
    .examples = "  farebox bench --url URL --scenario agent --rate 2 -o results/mine\n"
                "  farebox decide agent --volume 20000 --slo ttft=2000 --slo tpot=50 \\\n"
                "      --candidates results/mine+demo/token,results/mine+demo/flat \\\n"
                "      --candidates h200-qwen3-32b-fp8-tp1+3.50 -o results/decision\n"
                "  farebox decide --story -o results/story\n"
                "  farebox decide --story october.jsonl agent --plans openai/gpt-4o,oxlo/premium\n",
    .options = options,
    .options_size = sizeof(struct decide_command),
    .run = run,
};
